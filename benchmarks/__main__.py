"""`python -m benchmarks`: start everything, measure it in rounds, report."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop

from benchmarks import floors
from benchmarks.everyday_workloads import everyday_workloads
from benchmarks.figures import BARE, FASTAPI, LIMIT, Rounds, Spread, Subject, figures_of, verdicts
from benchmarks.growth import growths
from benchmarks.limit_server import fill
from benchmarks.load import measure
from benchmarks.people import READ, WRITTEN, Tenant, person
from benchmarks.processes import Server, free_port, fsync_microseconds, resident_megabytes, started
from benchmarks.report import as_data, as_text, setting
from benchmarks.scim_workloads import scim_headers
from benchmarks.serving import BASE_DOMAIN, scratch, serving
from benchmarks.variants import NAMES, Variant, variants
from benchmarks.workloads import Workload, request, same_answer, taking_turns

_ROOT = Path(__file__).parents[1]
_WARM_UP_SECONDS = 0.3


@dataclass(frozen=True)
class Line:
    """A line of the report: what is measured, on a running server."""

    subject: Subject
    workload: Workload
    server: Server


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    variant: Annotated[list[str] | None, typer.Option(help="Only this one, such as sqlite-1; may be repeated.")] = None,
    workload: Annotated[list[str] | None, typer.Option(help="Only those with this in their name; repeatable.")] = None,
    users: Annotated[list[int] | None, typer.Option(min=100, help="People in each workspace; repeatable.")] = None,
    others: Annotated[int, typer.Option(min=0, help="Further workspaces in each database, empty.")] = 0,
    clients: Annotated[int, typer.Option(min=1, max=100, help="Connections.")] = 32,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long one line is measured in one round.")] = 1.2,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file, too.")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Say what has grown since this file of figures, exit status 1; make it if there is none."),
    ] = None,
) -> None:
    """Measure what a request costs, beside the least it could cost. Needs Linux."""
    sizes = users or [1_000, 100_000]
    with scratch() as folder, ExitStack() as running:
        lines = [running.enter_context(_floor(floor, folder, clients)) for floor in (BARE, FASTAPI)]
        for size in sizes:
            lines += running.enter_context(_limit(folder, size, clients))
        for each in variants(variant or NAMES, sizes, others):
            _say(f"Loading {each.users:,} people into each of two workspaces of {each.name}")
            lines += running.enter_context(_variant(each, folder, clients))
        lines = [line for line in lines if not line.subject.variant or _is_wanted(line.workload.name, workload)]
        measured, fsyncs = uvloop.run(_in_rounds(lines, rounds, seconds, folder))
        for line in lines:
            line.workload.verify()
        memory = {
            f"{line.subject.variant} {line.subject.users:,}": resident_megabytes(line.server.pids())
            for line in lines
            if line.subject.variant
        }
    figures = figures_of(measured)
    goals = verdicts(figures)
    how = {"users": sizes, "clients": clients, "rounds": rounds, "seconds": seconds}
    where = setting(measured, fsync=Spread.of(fsyncs), memory=memory, **how)
    print(as_text(where, figures, goals))
    data = orjson.dumps(as_data(where, figures, goals, measured), option=orjson.OPT_INDENT_2)
    if json is not None:
        json.write_bytes(data)
    if baseline is not None and not baseline.exists():
        baseline.write_bytes(data)
    elif baseline is not None:
        grown = list(map(str, growths(orjson.loads(baseline.read_bytes()), figures)))
        print(*(grown or [f"Nothing has grown since {baseline} was measured."]), sep="\n")
        raise typer.Exit(1 if grown else 0)


async def _in_rounds(lines: list[Line], rounds: int, seconds: float, folder: Path) -> tuple[Rounds, list[float]]:
    """All lines once in each round, so that a change of the machine's mood meets all; each round begins elsewhere.

    The samples, and what an fsync in this folder took in each round.
    """
    fsyncs: list[float] = []
    measured: Rounds = {line.subject: [] for line in lines}
    for number in range(rounds):
        first = len(lines) * number // rounds
        fsyncs.append(fsync_microseconds(folder))
        for line in (*lines[first:], *lines[:first]):
            _say(f"Round {number + 1} of {rounds}: {line.subject.variant} {line.workload.name}")
            sample = await measure(line.server, line.workload.clients, seconds=seconds, warm_up=_WARM_UP_SECONDS)
            measured[line.subject].append(sample)
            await asyncio.sleep(0.05)  # a server notices that the connections are gone
    _say("")
    return measured, fsyncs


@contextmanager
def _floor(name: str, folder: Path, clients: int) -> Iterator[Line]:
    port, which = free_port(), "bare" if name == BARE else "fastapi"
    words = [sys.executable, "-m", "benchmarks.floors", which, str(port)]
    with started(words, port, _ROOT, dict(os.environ), folder / f"{which}.log") as server:
        headers = scim_headers(f"{READ}.api.{BASE_DOMAIN}", "hc_scim_" + "0" * 49)
        asked = request("GET", floors.PATH.format(id="usr_0199f0c0a1b27c3d8e4f5a6b7c8d9e0f"), headers)
        yield Line(
            Subject("", 0, name), Workload(name, taking_turns([same_answer(asked, 200, floors.BODY)], clients)), server
        )


@contextmanager
def _limit(folder: Path, users: int, clients: int) -> Iterator[list[Line]]:
    """The server that was written by hand, with the same people, and the same to ask it for."""
    place, port = folder / f"{LIMIT}-{users}", free_port()
    place.mkdir()
    tenants = {
        name: Tenant(
            name,
            f"alice@{name}.example",
            "hc_scim_" + "0" * 49,
            fill(place / f"{name}.sqlite3", map(person, range(users))),
        )
        for name in (READ, WRITTEN)
    }
    words = [sys.executable, "-m", "benchmarks.limit_server", str(port), str(place)]
    with (
        started(words, port, _ROOT, dict(os.environ), folder / f"{LIMIT}-{users}.log") as server,
        everyday_workloads(port, tenants, clients, signed_in=False) as workloads,
    ):
        yield [Line(Subject(LIMIT, users, each.name), each, server) for each in workloads]


@contextmanager
def _variant(variant: Variant, folder: Path, clients: int) -> Iterator[list[Line]]:
    """A server of ours with people in its database, and what to ask it for."""
    with (
        serving(variant, folder / f"{variant.name}-{variant.users}") as ours,
        everyday_workloads(ours.server.port, ours.tenants, clients) as workloads,
    ):
        yield [Line(Subject(variant.name, variant.users, each.name), each, ours.server) for each in workloads]


def _is_wanted(name: str, wanted: list[str] | None) -> bool:
    return not wanted or any(each.lower() in name.lower() for each in wanted)


def _say(what: str) -> None:
    """Progress, to the one who waits: one line on a terminal, none elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
