"""Copying a database into another, of the same engine or the other: workspace by workspace, table by table.

Rows go in the order of their keys and in batches that are committed as they come, so that the last row of a table in
the target says how far an earlier try has got. What counts in the end is the comparison: for every table of every
workspace the number of rows and a hash of all of them, read anew from both databases.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, Table, bindparam, func, insert, select, tuple_
from sqlmodel import SQLModel

from service.store.columns import workspace_column
from service.store.statements import Connection

T = TypeVar("T")

BATCH = 1_000  # rows


class CopyableStore(Protocol):
    """What copying needs of a store: see `service.work.Store`."""

    async def lookup(self, job: Callable[[Connection], T]) -> T:
        """Across workspaces."""
        ...

    async def read(self, workspace_id: str, job: Callable[[Connection], T]) -> T:
        """In one workspace."""
        ...

    async def write(self, workspace_id: str, job: Callable[[Connection], T], *, sharing: Sequence[str] = ()) -> T:
        """In one workspace."""
        ...


@dataclass(frozen=True)
class Content:
    """What one table holds for one workspace: how many rows, and their SHA-256 in the order of their keys."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Difference:
    """A table of a workspace that is not the same in both databases."""

    subdomain: str
    table: str
    source: Content
    target: Content


async def in_the_way(source: CopyableStore, target: CopyableStore) -> list[str]:
    """The subdomains of the source that other workspaces have in the target: what cannot be copied."""
    there = {workspace.subdomain: workspace.id for workspace in await _workspaces(target)}
    return [each.subdomain for each in await _workspaces(source) if there.get(each.subdomain, each.id) != each.id]


async def count_rows(store: CopyableStore) -> int:
    """How many rows there are to copy."""
    total = 0
    for workspace in await _workspaces(store):
        total += await store.read(workspace.id, _all_counted(workspace.id))
    return total


async def copy_rows(source: CopyableStore, target: CopyableStore) -> AsyncIterator[int]:
    """Copy what the target has not yet got; yields how many rows are done, those of an earlier try included."""
    for workspace in await _workspaces(source):
        for table in SQLModel.metadata.sorted_tables:
            done, after = await target.read(workspace.id, _reached(table, workspace.id))
            yield done
            while rows := await source.read(workspace.id, _batch(table, workspace.id, after)):
                await target.write(workspace.id, _added(table, rows))
                after = _key(table, rows[-1])
                yield len(rows)


async def differences(source: CopyableStore, target: CopyableStore) -> AsyncIterator[Difference | int]:
    """Compare the two: each difference as it is found, and between them how many rows have been compared."""
    for workspace in await _workspaces(source):
        for table in SQLModel.metadata.sorted_tables:
            contents = [await _content(store, table, workspace.id) for store in (source, target)]
            if contents[0] != contents[1]:
                yield Difference(workspace.subdomain, table.name, *contents)
            yield contents[0].rows


async def _workspaces(store: CopyableStore) -> list[Any]:
    table = SQLModel.metadata.tables["workspace"]
    return await store.lookup(lambda connection: connection.rows(select(table).order_by(table.c.id), {}))


async def _content(store: CopyableStore, table: Table, workspace_id: str) -> Content:
    count, digest, after = 0, hashlib.sha256(), None
    while rows := await store.read(workspace_id, _batch(table, workspace_id, after)):
        for row in rows:
            digest.update(orjson.dumps(list(row)))
        count, after = count + len(rows), _key(table, rows[-1])
    return Content(count, digest.hexdigest())


def _all_counted(workspace_id: str) -> Callable[[Connection], int]:
    def counted(connection: Connection) -> int:
        parameters = {"of_workspace": workspace_id}
        return sum(
            int(connection.rows(_counting(table), parameters)[0][0]) for table in SQLModel.metadata.sorted_tables
        )

    return counted


def _reached(table: Table, workspace_id: str) -> Callable[[Connection], tuple[int, tuple[Any, ...] | None]]:
    """How many rows of the workspace are there already, and the key of the last."""

    def reached(connection: Connection) -> tuple[int, tuple[Any, ...] | None]:
        parameters = {"of_workspace": workspace_id}
        last = connection.rows(_last(table), parameters)
        return int(connection.rows(_counting(table), parameters)[0][0]), _key(table, last[0]) if last else None

    return reached


def _batch(table: Table, workspace_id: str, after: tuple[Any, ...] | None) -> Callable[[Connection], list[Any]]:
    parameters = {"of_workspace": workspace_id, "batch": BATCH}
    if after is not None:
        parameters |= {f"after_{number}": value for number, value in enumerate(after)}
    return lambda connection: connection.rows(_next(table, from_start=after is None), parameters)


def _added(table: Table, rows: Sequence[Any]) -> Callable[[Connection], None]:
    return lambda connection: connection.run_many(_insert(table), [row._asdict() for row in rows])


def _key(table: Table, row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, column.key) for column in table.primary_key.columns)


def _own(table: Table) -> ColumnElement[bool]:
    return workspace_column(table) == bindparam("of_workspace")


@cache
def _insert(table: Table) -> Any:
    return insert(table)


@cache
def _counting(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table).where(_own(table))


@cache
def _last(table: Table) -> Select[Any]:
    return select(table).where(_own(table)).order_by(*(key.desc() for key in table.primary_key.columns)).limit(1)


@cache
def _next(table: Table, *, from_start: bool) -> Select[Any]:
    keys = list(table.primary_key.columns)
    query = select(table).where(_own(table)).order_by(*keys).limit(bindparam("batch"))
    if from_start:
        return query
    after = tuple_(*(bindparam(f"after_{number}", type_=key.type) for number, key in enumerate(keys)))
    return query.where(tuple_(*keys) > after)
