"""Pages of a list by keyset: where a page begins is said by the row before it, not by a count of rows.

A cursor survives that rows come and go. It is opaque, bound to the workspace, list and order that it was made in, and
tamper-evident: whatever was not made here, for this list, is refused with one sentence.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Column, bindparam, tuple_
from sqlmodel import SQLModel

from service.refusals import Invalid, Refused
from service.unit_of_work import Narrowed, UnitOfWork

M = TypeVar("M", bound=SQLModel)

MAX_SIZE = 100
_TAG_LENGTH = 12  # bytes


@dataclass(frozen=True)
class Order:
    """An order of a list: its name and its columns, the last of which tells all rows apart."""

    name: str
    columns: tuple[Column[Any], ...]
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """Relay's arguments: `first` rows after a cursor, or the `last` ones before one."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows of a list, in its order."""

    rows: list[M]
    has_next: bool
    has_previous: bool
    cursor_of: Callable[[M], str]


def page_of(
    uow: UnitOfWork, query: Narrowed[M], order: Order, wanted: PageRequest, parameters: dict[str, object]
) -> Page[M]:
    """One page of what a query finds. Refuses with Invalid a size outside 1 to 100, both ends at once, a bad cursor."""
    backwards = _goes_backwards(wanted)
    size, cursor = (wanted.last, wanted.before) if backwards else (wanted.first, wanted.after)
    if size is None or not 1 <= size <= MAX_SIZE:
        raise Refused(Invalid("last" if backwards else "first", f"must be between 1 and {MAX_SIZE}"))
    from_here = _opened(uow, order, cursor, "before" if backwards else "after") if cursor is not None else ()
    statement = _page_query(query, order, backwards, bool(from_here))
    where = {f"from_{number}": value for number, value in enumerate(from_here)}
    rows = uow.all(statement, page_limit=size + 1, page_offset=0, **where, **parameters)
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows=rows,
        has_next=cursor is not None if backwards else more,
        has_previous=more if backwards else cursor is not None,
        cursor_of=lambda row: _sealed(uow, order, [getattr(row, column.key) for column in order.columns]),
    )


def _goes_backwards(wanted: PageRequest) -> bool:
    if (wanted.first is None) == (wanted.last is None):
        raise Refused(Invalid("first", "or last must be given, and only one of them"))
    if wanted.last is None and wanted.before is not None:
        raise Refused(Invalid("before", "goes with last; first goes with after"))
    if wanted.first is None and wanted.after is not None:
        raise Refused(Invalid("after", "goes with first; last goes with before"))
    return wanted.last is not None


@lru_cache(maxsize=512)
def _page_query(query: Narrowed[M], order: Order, backwards: bool, from_somewhere: bool) -> Narrowed[M]:
    """One statement for all pages of one shape."""
    descending = order.descending is not backwards
    if from_somewhere:
        here = tuple_(*order.columns)
        there = tuple_(*(bindparam(f"from_{number}", type_=c.type) for number, c in enumerate(order.columns)))
        query = query.where(here < there if descending else here > there)
    return query.order_by(*(column.desc() if descending else column.asc() for column in order.columns)).page


def _sealed(uow: UnitOfWork, order: Order, values: Sequence[Any]) -> str:
    body = orjson.dumps(values)
    return base64.urlsafe_b64encode(_tag(uow, order, body) + body).rstrip(b"=").decode()


def _opened(uow: UnitOfWork, order: Order, cursor: str, field: str) -> list[Any]:
    try:
        sealed = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except (binascii.Error, UnicodeEncodeError):
        sealed = b""
    tag, body = sealed[:_TAG_LENGTH], sealed[_TAG_LENGTH:]
    if not hmac.compare_digest(tag, _tag(uow, order, body)):
        raise Refused(Invalid(field, "is no cursor of this list in this order: take one from its pageInfo or edges"))
    values: list[Any] = orjson.loads(body)
    return values


def _tag(uow: UnitOfWork, order: Order, body: bytes) -> bytes:
    return uow.seal.tag(f"cursor {uow.actor.workspace_id} {order.name}".encode(), body)[:_TAG_LENGTH]
