"""`headcount import`."""

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headcount.cli.terminal import Subdomain, err, failure, in_workspace
from headcount.people_files import Line, UnreadableError, read_people
from headcount.refusals import sentence
from service.actor import Actor
from service.refusals import Busy, Refused
from service.text import canonical
from service.unit_of_work import UnitOfWork
from service.users.importing import Imported, Listed, import_users
from service.work import Work

_BATCH = 50  # people to a transaction, for which nobody else who writes to SQLite waits long
_AT_ONCE = 4  # transactions, where the engine does several at a time
_SHOWN = 20  # refusals on the terminal; the report has all
REFUSED = "refused"


@dataclass(frozen=True)
class Result:
    """What came of a line: a value of `Imported`, or `REFUSED` and why."""

    line: Line
    outcome: str
    why: str = ""


def import_(
    subdomain: Subdomain,
    file: Annotated[
        Path,
        typer.Argument(
            help="people.csv, with a header, or people.jsonl, with an object in each line; names are those of SCIM "
            "(userName, givenName, department …), email and role.",
            show_default=False,
        ),
    ],
    dry_run: Annotated[bool, typer.Option(help="Find out what would be done, and do nothing.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write what came of each line into this CSV file.")] = None,
) -> None:
    """Create the people of a file, and change those who are there to what it says of them.

    Who is refused is left out and told. Interrupted, the same command goes on where it was. Exit status 1 where anybody
    was refused.
    """
    try:
        total = sum(1 for _ in read_people(file))
        counts = in_workspace(
            subdomain, lambda work, _, actor: _imported(work, actor, file, total, dry_run=dry_run, report=report)
        )
    except UnreadableError as error:
        raise failure(str(error)) from None
    told = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in (*Imported, REFUSED))
    err.print(f"{subdomain}: {told}{'; nothing was done, as this was a dry run' if dry_run else ''}.")
    raise typer.Exit(1 if counts[REFUSED] else 0)


async def _imported(
    work: Work, actor: Actor, file: Path, total: int, *, dry_run: bool, report: Path | None
) -> Counter[str]:
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ExitStack() as stack:
        told = csv.writer(stack.enter_context(_opened(report))) if report else None
        if told:
            told.writerow(["line", "userName", "outcome", "why"])
        progress = stack.enter_context(Progress(*columns, console=err))
        task = progress.add_task("Looking" if dry_run else "Importing", total=total)
        async for result in _results(work, actor, read_people(file), dry_run=dry_run):
            counts[result.outcome] += 1
            progress.advance(task)
            who = result.line.listed.user_name if result.line.listed else ""
            if told:
                told.writerow([result.line.number, who, result.outcome, result.why])
            if result.outcome == REFUSED and counts[REFUSED] <= _SHOWN:
                err.print(f"line {result.line.number}{f' ({who})' if who else ''}: {result.why}")
    if counts[REFUSED] > _SHOWN:
        err.print(f"… and {counts[REFUSED] - _SHOWN:,} more" + ("" if report else ": --report FILE has them all"))
    return counts


def _opened(report: Path) -> TextIO:
    """The report, which has a line as soon as it is known, so that it is of use after a power failure as well."""
    try:
        return report.open("w", newline="", encoding="utf-8", buffering=1)
    except OSError as error:
        raise failure(f"{report} cannot be written: {error.strerror}") from None


async def _results(work: Work, actor: Actor, lines: Iterator[Line], *, dry_run: bool) -> AsyncIterator[Result]:
    """What comes of the lines, in their order."""
    seen: dict[str, int] = {}
    batches = _batches(_told_apart(lines, seen))
    waiting: list[asyncio.Task[list[Result]]] = []
    for batch in batches:
        waiting.append(asyncio.create_task(_batch(work, actor, batch, dry_run=dry_run)))
        if len(waiting) == _AT_ONCE:
            for result in await waiting.pop(0):
                yield result
    for task in waiting:
        for result in await task:
            yield result


def _told_apart(lines: Iterator[Line], seen: dict[str, int]) -> Iterator[Line]:
    """The lines, without use where a userName comes again: which of them should hold?"""
    for line in lines:
        first = seen.setdefault(canonical(line.listed.user_name), line.number) if line.listed else line.number
        same = f"it has the same userName as line {first}"
        yield line if first == line.number else Line(line.number, line.listed, same)


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _batch(work: Work, actor: Actor, lines: list[Line], *, dry_run: bool) -> list[Result]:
    """One transaction where nobody is refused, else one for each."""
    good = [line for line in lines if line.why is None and line.listed]
    outcomes: dict[int, Result] = {}
    try:
        done = await _done(work, actor, [line.listed for line in good if line.listed], dry_run=dry_run)
        outcomes = {line.number: Result(line, outcome) for line, outcome in zip(good, done, strict=True)}
    except Refused:
        for line in good:
            outcomes[line.number] = await _one(work, actor, line, dry_run=dry_run)
    return [outcomes.get(line.number) or Result(line, REFUSED, line.why or "") for line in lines]


async def _one(work: Work, actor: Actor, line: Line, *, dry_run: bool) -> Result:
    try:
        [outcome] = await _done(work, actor, [line.listed] if line.listed else [], dry_run=dry_run)
    except Refused as refused:
        if isinstance(refused.reason, Busy):
            raise
        return Result(line, REFUSED, sentence(refused.reason))
    return Result(line, outcome)


class _UndoneError(Exception):
    """What would have been done; raised so that it is not."""

    def __init__(self, outcomes: list[Imported]) -> None:
        super().__init__()
        self.outcomes = outcomes


def _import_and_undo(uow: UnitOfWork, people: Sequence[Listed]) -> Any:
    raise _UndoneError(import_users(uow, people))


async def _done(work: Work, actor: Actor, people: Sequence[Listed], *, dry_run: bool) -> list[Imported]:
    if not dry_run:
        return await work.write(actor, import_users, people)
    try:
        await work.write(actor, _import_and_undo, people)
    except _UndoneError as undone:
        return undone.outcomes
    raise AssertionError("a dry run has done something")
