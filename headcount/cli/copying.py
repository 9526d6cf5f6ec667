"""`headcount copy`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from headcount.cli.terminal import err, failure
from service.store.copying import Difference, copy_rows, count_rows, differences, in_the_way
from service.store.opening import open_engine, open_store, refuse_unless_migrated
from service.store.schema import migrate
from service.store.statements import UniqueViolationError


def copy(
    source: Annotated[str, typer.Option("--from", help="URL of the database to copy.")],
    target: Annotated[str, typer.Option("--to", help="URL of the database to copy into; it is migrated first.")],
) -> None:
    """Copy a database into another, from SQLite to PostgreSQL or back, and compare every row.

    Stop what serves or works on the source first. Interrupted, the same command goes on where it was. Exit status 1
    where the two are not the same in the end. The secret key is not in the database: keep it.
    """
    if source == target:
        raise failure("--from and --to name the same database")
    refuse_unless_migrated(source)
    migrate(open_engine(target))
    try:
        different = asyncio.run(_copied(source, target))
    except UniqueViolationError as error:
        raise failure(f"something else is being written to the target: {error}") from None
    for each in different:
        err.print(
            f"{each.subdomain}: {each.table} has {each.source.rows} rows (SHA-256 {each.source.sha256[:12]}…) in the "
            f"source and {each.target.rows} ({each.target.sha256[:12]}…) in the target"
        )
    if different:
        raise failure("the databases are not the same: was the source written to, or the target, meanwhile?")


async def _copied(source_url: str, target_url: str) -> list[Difference]:
    source, target = open_store(source_url), open_store(target_url)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        if taken := await in_the_way(source, target):
            raise failure(f"the target has other workspaces of the same name, nothing was copied: {', '.join(taken)}")
        with Progress(*columns, console=err) as progress:
            total = await count_rows(source)
            copying = progress.add_task("Copying", total=total)
            async for done in copy_rows(source, target):
                progress.advance(copying, done)
            comparing = progress.add_task("Comparing", total=total)
            found = [each async for each in _advancing(progress, comparing, differences(source, target))]
        err.print(f"Copied and compared {total:,} rows.")
        return found
    finally:
        await source.close()
        await target.close()


async def _advancing(
    progress: Progress, task: TaskID, compared: AsyncIterator[Difference | int]
) -> AsyncIterator[Difference]:
    async for each in compared:
        if isinstance(each, Difference):
            yield each
        else:
            progress.advance(task, each)
