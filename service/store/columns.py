"""Column types and table access that every noun shares."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, Column, DateTime, Dialect, Table
from sqlalchemy.types import UserDefinedType
from sqlmodel import SQLModel


class _SqliteInstant(UserDefinedType[datetime]):
    """SQLite has no type for a moment: RFC 3339 in UTC, which sorts as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column's type in SQL."""
        return "DATETIME"

    def bind_processor(self, dialect: Dialect) -> Any:
        """What SQLite is given: a function from a moment or None to text or None."""
        return lambda moment: None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """What the domain gets back, aware and in UTC: a function from text to a moment."""
        return datetime.fromisoformat


Instant = DateTime(timezone=True).with_variant(_SqliteInstant(), "sqlite")
"""A moment in UTC: aware in Python, whatever the engine keeps."""


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
