"""Lists as an identity provider asks for them: what a search finds, by number or by cursor, and how much there is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import SQLModel

from service.pages import Order, opened, rows_from, sealed
from service.refusals import Invalid, Refused
from service.text import MAX_TEXT, canonical, unstorable
from service.unit_of_work import Narrowed, UnitOfWork

M = TypeVar("M", bound=SQLModel)

Test = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""What a value must be to be found."""


@dataclass(frozen=True, kw_only=True)
class Search(Generic[M]):
    """A query, the order that its rows are wanted in, and the values that its conditions compare with."""

    query: Narrowed[M]
    order: Order
    parameters: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which part of what is found: `limit` rows after the first `offset`."""

    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Which part of what is found: at most `limit` rows behind the one that `after` stands for (None: from the first).

    A cursor is good for whoever it was made for, and for the question that it was `asked` with.
    """

    after: str | None
    limit: int
    asked: str


@dataclass(frozen=True, kw_only=True)
class Found(Generic[M]):
    """Some rows, how many there are in all, and where cursors are used, the one behind these if more follow."""

    rows: list[M]
    total: int
    next_cursor: str | None = None


def found(uow: UnitOfWork, search: Search[M], part: Window | Cursor) -> Found[M]:
    """A part of what a search finds. Refuses with Invalid("cursor") one that was not made for this question here."""
    return _in_window(uow, search, part) if isinstance(part, Window) else _behind(uow, search, part)


def pattern_of(text: str) -> str:
    """A text as LIKE finds it within a canonical column, itself and nothing else; Invalid("text") where none can be."""
    if len(text) > MAX_TEXT:
        raise Refused(Invalid("text", f"must not have more than {MAX_TEXT:,} characters"))
    if why := unstorable(text):
        raise Refused(Invalid("text", why))
    escaped = canonical(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _in_window(uow: UnitOfWork, search: Search[M], window: Window) -> Found[M]:
    if window.offset == 0:
        rows = _rows(uow, search, window.limit)
        return Found(rows=rows, total=len(rows) if len(rows) < window.limit else _total(uow, search))
    total = _total(uow, search)
    size = min(window.limit, total - window.offset)
    behind = total - window.offset - size
    if behind >= window.offset:
        return Found(rows=_rows(uow, search, size, offset=window.offset), total=total)
    # From the end on, which is nearer: what stands before a window is walked over, row by row.
    return Found(rows=_rows(uow, search, size, offset=behind, backwards=True)[::-1], total=total)


def _rows(uow: UnitOfWork, search: Search[M], limit: int, *, offset: int = 0, backwards: bool = False) -> list[M]:
    if limit <= 0:
        return []
    return rows_from(
        uow, search.query, search.order, None, limit, search.parameters, backwards=backwards, offset=offset
    )


def _behind(uow: UnitOfWork, search: Search[M], cursor: Cursor) -> Found[M]:
    purpose = f"cursor {uow.actor.workspace_id} {uow.actor.id} {search.order.name} {cursor.asked}"
    from_here = None
    if cursor.after is not None and (from_here := opened(uow, purpose, search.order, cursor.after)) is None:
        raise Refused(Invalid("cursor", "is none of this question: begin again with an empty one"))
    rows = rows_from(uow, search.query, search.order, from_here, cursor.limit + 1, search.parameters)
    more, rows = len(rows) > cursor.limit, rows[: cursor.limit]
    behind = sealed(uow, purpose, search.order, rows[-1]) if more else None
    return Found(rows=rows, total=_total(uow, search), next_cursor=behind)


def _total(uow: UnitOfWork, search: Search[M]) -> int:
    return uow.number(search.query.count, **search.parameters)
