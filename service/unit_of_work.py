"""One actor's transaction in one workspace: the only road to a row.

Doors run verbs through `service.work.Work`, which makes the unit, commits it when the verb returns and
rolls it back when the verb raises. Whatever the unit hands out or writes is narrowed to the actor's
workspace, and a change that no event was recorded for does not commit.

Rows are plain database rows that answer to the names of the model that declares their table, in the
order of its columns; making model objects of them would cost more than reading them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlmodel import SQLModel

from service.actor import Actor, Permission
from service.audit import AuditEvent, Event, row_of
from service.clock import now
from service.refusals import Forbidden, ReauthenticationRequired, Refused, Stale, Taken
from service.store.columns import table_of, workspace_column
from service.store.statements import Connection, UniqueViolationError
from service.tokens import Seal
from service.totals import CHANGE, KEPT, Total, one_of, total_of

M = TypeVar("M", bound=SQLModel)

CONFIRMED_FOR = timedelta(minutes=15)  # how long a password that was shown is enough for what is dangerous
STAMPED_EVERY = timedelta(minutes=1)  # how often the last use of a row is noted


@dataclass(frozen=True, eq=False)
class Narrowed(Generic[M]):
    """A SELECT of rows of one model that sees a single workspace. Made by `narrowed` and by nothing else.

    `whole` is the table's name where it finds all rows of the workspace and their number is kept.
    """

    statement: Select[Any]
    whole: str | None = None

    def where(self, *conditions: ColumnElement[bool]) -> "Narrowed[M]":
        """The same with further conditions."""
        return Narrowed(self.statement.where(*conditions), None if conditions else self.whole)

    def order_by(self, *columns: ColumnElement[Any]) -> "Narrowed[M]":
        """The same in this order."""
        return Narrowed(self.statement.order_by(*columns), self.whole)

    def with_columns(self, *columns: ColumnElement[Any]) -> "Narrowed[M]":
        """The same with further columns behind those of the model."""
        return Narrowed(self.statement.add_columns(*columns), self.whole)

    def only(self, *columns: ColumnElement[Any]) -> "Narrowed[M]":
        """The same rows with these columns alone, for whoever reads many and needs no others."""
        return Narrowed(self.statement.with_only_columns(*columns, maintain_column_froms=True), self.whole)

    @cached_property
    def page(self) -> "Narrowed[M]":
        """The same cut to a page by the parameters `page_limit` and `page_offset`."""
        return Narrowed(self.statement.limit(bindparam("page_limit")).offset(bindparam("page_offset")))

    @cached_property
    def locked(self) -> "Narrowed[M]":
        """The same rows, which nobody else changes until this unit's end: for what is read in order to be changed."""
        return Narrowed(self.statement.with_for_update())

    @cached_property
    def kept(self) -> "Narrowed[M]":
        """The same rows, which nobody else deletes until this unit's end: for what is read in order to be linked to."""
        return Narrowed(self.statement.with_for_update(read=True, key_share=True))

    @cached_property
    def count(self) -> "Narrowed[M]":
        """How many rows it would find, for `UnitOfWork.number`."""
        if self.whole is not None:
            return Narrowed(total_of(self.whole))
        return Narrowed(self.statement.with_only_columns(func.count(), maintain_column_froms=True).order_by(None))


def narrowed(model: type[M]) -> Narrowed[M]:
    """All columns of the model's rows in the actor's workspace. Best made once, at import."""
    table = table_of(model)
    statement = select(table).where(workspace_column(table) == bindparam("of_workspace"))
    return Narrowed(statement, table.name if table.name in KEPT else None)


class UnitOfWork:
    """A transaction, who acts in it and where; the first argument of every verb."""

    def __init__(self, connection: Connection, actor: Actor, seal: Seal) -> None:
        self.actor = actor
        self.seal = seal
        self._connection = connection
        self._of_workspace = {"of_workspace": actor.workspace_id}
        self._changed = False
        self._more: Counter[str] = Counter()
        self.recorded: list[Event] = []
        self._once: dict[Narrowed[Any], Any] = {}

    def demand(self, permission: Permission) -> None:
        """Refuse with Forbidden unless the actor has this permission."""
        if permission not in self.actor.permissions:
            raise Refused(Forbidden(permission.value))

    def demand_recent_password(self) -> None:
        """Refuse with ReauthenticationRequired where a session acts whose password was shown too long ago."""
        shown = self.actor.confirmed_at
        if self.actor.session_id is not None if shown is None else now() - shown > CONFIRMED_FOR:
            raise Refused(ReauthenticationRequired())

    def claim(self, id: str) -> None:
        """Be alone with this id, to end what others act by: wait for the changes that are being made on the strength of
        it, and keep others from beginning until this unit's end."""
        self._connection.claim(id)

    def first(self, query: Narrowed[M], **parameters: object) -> M | None:
        """The first row, or None."""
        return next(iter(self.all(query, **parameters)), None)

    def once(self, query: Narrowed[M]) -> M | None:
        """The first row as it was when this unit first asked: for what many steps of a unit go by and none changes."""
        if query not in self._once:
            self._once[query] = self.first(query)
        row: M | None = self._once[query]
        return row

    def all(self, query: Narrowed[M], **parameters: object) -> list[M]:
        """Every row."""
        return self._connection.rows(query.statement, parameters | self._of_workspace)

    def number(self, count: Narrowed[M], **parameters: object) -> int:
        """The number that a `Narrowed.count` finds."""
        return int(self._connection.rows(count.statement, parameters | self._of_workspace)[0][0])

    def insert(self, model: type[M], values: Mapping[str, Any], *, or_else: Taken | None = None) -> M:
        """Add a row and return it, or refuse with `or_else` where a unique constraint stands in the way."""
        self._changed = True
        owned = {**values, workspace_column(table_of(model)).key: self.actor.workspace_id}
        row: M = self._saved(_insert(table_of(model)), owned, or_else)[0]
        self._count(model, 1)
        return row

    def insert_all(self, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that depend on one that this unit writes too."""
        if rows:
            self._changed = True
            owned = [{**values, "workspace_id": self.actor.workspace_id} for values in rows]
            self._connection.run_many(_plain_insert(table_of(model)), owned)
            self._count(model, len(owned))

    def insert_found(
        self, model: type[M], query: Narrowed[Any], columns: tuple[ColumnElement[Any], ...], **parameters: object
    ) -> list[M]:
        """Add a row for each that a query finds, made of these columns by their names in the model; the new rows."""
        rows: list[M] = self._connection.rows(
            _insert_found(table_of(model), query, columns), parameters | self._of_workspace
        )
        self._count(model, len(rows))
        self._changed = self._changed or bool(rows)
        return rows

    def delete_found(self, query: Narrowed[M], model: type[M], **parameters: object) -> list[M]:
        """Remove the rows that a query of the model finds, and return them."""
        rows: list[M] = self._connection.rows(_delete_found(table_of(model), query), parameters | self._of_workspace)
        self._count(model, -len(rows))
        self._changed = self._changed or bool(rows)
        return rows

    def log(self, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of a log, which are no change of anything that anybody decides, and leave no event."""
        owned = [{**values, "workspace_id": self.actor.workspace_id} for values in rows]
        if owned:
            self._connection.run_many(_plain_insert(table_of(model)), owned)

    def update(
        self,
        model: type[M],
        id: str,
        values: Mapping[str, Any],
        *,
        if_version: int | None = None,
        or_else: Taken | None = None,
    ) -> M:
        """Change a row and return it as it is now.

        Refuses with Stale where the row is gone or, if `if_version` is given, has another version by now,
        and with `or_else` where a unique constraint stands in the way.
        """
        self._changed = True
        named = {**values, **self._of_workspace, "of_id": id}
        if if_version is not None:
            named["of_version"] = if_version
        rows = self._saved(_update(table_of(model), versioned=if_version is not None), named, or_else)
        if not rows:
            raise Refused(Stale(model.__name__, id))
        row: M = rows[0]
        return row

    def delete(self, model: type[SQLModel], **equal: object) -> int:
        """Remove the rows whose columns equal these values; how many there were."""
        named = self._of_workspace | {f"of_{name}": value for name, value in equal.items()}
        removed = self._connection.run(_delete(table_of(model), tuple(equal)), named)
        self._count(model, -removed)
        self._changed = self._changed or removed > 0
        return removed

    def expire(self, query: Narrowed[M], model: type[M], **parameters: object) -> int:
        """Remove the rows that a query finds, because their time is over: how many. Leaves no event by itself."""
        over = [self._of_workspace | {"of_id": row.id} for row in self.all(query, **parameters)]  # type: ignore[attr-defined]
        if over:
            self._connection.run_many(_delete(table_of(model), ("id",)), over)
            self._count(model, -len(over))
        return len(over)

    def keep(self, model: type[M], id: str, values: Mapping[str, Any]) -> None:
        """Change a row of bookkeeping that decides nothing, and leave no event."""
        self._connection.rows(_update(table_of(model), versioned=False), {**values, **self._of_workspace, "of_id": id})

    def stamp(self, model: type[M], id: str, column: str, **more: object) -> None:
        """Note in a column of a row that it was used now, with what else is given; at most every `STAMPED_EVERY`.

        Bookkeeping that changes nothing anybody decided and leaves no event. Of several processes that would note the
        same use, the first does.
        """
        at = now()
        named = {column: at, **more, **self._of_workspace, "of_id": id, "of_before": at - STAMPED_EVERY}
        self._connection.rows(_stamp(table_of(model), column), named)

    def record(self, event: Event) -> None:
        """Say what happened: one row of the audit log in the same transaction, written by `finish`."""
        self.recorded.append(event)

    def finish(self) -> None:
        """Write what is left to be written; called before the commit. Raises AssertionError where something changed and
        nothing was recorded."""
        if self._changed and not self.recorded:
            raise AssertionError("a change without an event: the verb must call uow.record(...)")
        self.log(AuditEvent, [row_of(event, self.actor) for event in self.recorded])
        for table, more in self._more.items():
            if more:
                self._write_total(one_of(table), more)

    def _count(self, model: type[SQLModel], more: int) -> None:
        if (table := table_of(model).name) in KEPT:
            self._more[table] += more

    def _write_total(self, id: str, more: int) -> None:
        if not self._connection.run(CHANGE, self._of_workspace | {"of_id": id, "more": more}):
            first = {"workspace_id": self.actor.workspace_id, "id": id, "number": more}
            self._connection.rows(_insert(_TOTAL), first)  # or again from the start, where another one was faster

    def _saved(self, statement: Insert | Update, values: Mapping[str, Any], or_else: Taken | None) -> list[Any]:
        try:
            return self._connection.rows(statement, values)
        except UniqueViolationError as error:
            raise (Refused(or_else) if or_else else error) from error


class Lookup:
    """Reading across workspaces, to find out who is asking and where. It cannot write.

    Only `service.workspaces` and `service.authentication` may use it; the linter's banned-api holds everybody else off.
    """

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self.seal = seal
        self._connection = connection

    def first(self, statement: Select[*tuple[Any, ...]], **parameters: object) -> Any:
        """The first row, or None."""
        return next(iter(self.all(statement, **parameters)), None)

    def all(self, statement: Select[*tuple[Any, ...]], **parameters: object) -> list[Any]:
        """Every row."""
        return self._connection.rows(statement, parameters)


_TOTAL = table_of(Total)


@cache
def _plain_insert(table: Table) -> Insert:
    return insert(table)


@cache
def _insert(table: Table) -> Insert:
    return cast(Insert, insert(table).returning(*table.c))


@cache
def _insert_found(table: Table, query: Narrowed[Any], columns: tuple[ColumnElement[Any], ...]) -> Insert:
    names = [str(column.key) for column in columns]
    found = query.statement.with_only_columns(*columns)
    return cast(Insert, insert(table).from_select(names, found).returning(*table.c))


@cache
def _delete_found(table: Table, query: Narrowed[Any]) -> Delete:
    condition = query.statement.whereclause
    assert condition is not None  # noqa: S101 - a narrowed query has one
    return cast(Delete, delete(table).where(condition).returning(*table.c))


@cache
def _update(table: Table, *, versioned: bool) -> Update:
    statement = update(table).where(
        workspace_column(table) == bindparam("of_workspace"), table.c.id == bindparam("of_id")
    )
    if versioned:
        statement = statement.where(table.c.version == bindparam("of_version"))
    return cast(Update, statement.returning(*table.c))


@cache
def _stamp(table: Table, column: str) -> Update:
    due = table.c[column].is_(None) | (table.c[column] <= bindparam("of_before"))
    return _update(table, versioned=False).where(due)


@cache
def _delete(table: Table, names: tuple[str, ...]) -> Delete:
    same = [table.c[name] == bindparam(f"of_{name}") for name in names]
    return delete(table).where(workspace_column(table) == bindparam("of_workspace"), *same)
