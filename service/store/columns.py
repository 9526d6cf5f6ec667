"""Column types and table access that every noun shares."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, Column, DateTime, Dialect, Table
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, whatever the engine keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the engine is given; SQLite keeps no zone."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the domain gets back."""
        return None if value is None else value.replace(tzinfo=UTC)


class Json(JSON):
    """A list or mapping kept as JSON; None is SQL's NULL."""

    def __init__(self) -> None:
        super().__init__(none_as_null=True)


def table_of(model: type[SQLModel]) -> Table:
    """The table that a model declares."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


def workspace_column(table: Table) -> Column[Any]:
    """The column that says whose row it is."""
    return table.c.id if table.name == "workspace" else table.c.workspace_id
