"""Pages of a list by keyset: where a page begins is said by the row before it, not by a count of rows.

A cursor survives that rows come and go. It is opaque, bound to the workspace, list and order that it was made in, and
tamper-evident: whatever was not made here, for this list, is refused with one sentence.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import ColumnElement, bindparam, tuple_
from sqlmodel import SQLModel

from service.refusals import Invalid, Refused
from service.store.columns import Instant
from service.unit_of_work import Narrowed, UnitOfWork

M = TypeVar("M", bound=SQLModel)

MAX_SIZE = 100
_TAG_LENGTH = 12  # bytes


@dataclass(frozen=True)
class Order:
    """An order of a list: its name and its columns, which the rows have, and the last of which tells all rows apart."""

    name: str
    columns: tuple[ColumnElement[Any], ...]
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
    purpose = f"cursor {uow.actor.workspace_id} {order.name}"
    from_here = None
    if cursor is not None and (from_here := opened(uow, purpose, order, cursor)) is None:
        why = "is no cursor of this list in this order: take one from its pageInfo or edges"
        raise Refused(Invalid("before" if backwards else "after", why))
    rows = rows_from(uow, query, order, from_here, size + 1, parameters, backwards=backwards)
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows=rows,
        has_next=cursor is not None if backwards else more,
        has_previous=more if backwards else cursor is not None,
        cursor_of=_seal_of(uow, purpose, order),
    )


def _goes_backwards(wanted: PageRequest) -> bool:
    if (wanted.first is None) == (wanted.last is None):
        raise Refused(Invalid("first", "or last must be given, and only one of them"))
    if wanted.last is None and wanted.before is not None:
        raise Refused(Invalid("before", "goes with last; first goes with after"))
    if wanted.first is None and wanted.after is not None:
        raise Refused(Invalid("after", "goes with first; last goes with before"))
    return wanted.last is not None


def rows_from(
    uow: UnitOfWork,
    query: Narrowed[M],
    order: Order,
    from_here: Sequence[Any] | None,
    limit: int,
    parameters: Mapping[str, object],
    *,
    backwards: bool = False,
    offset: int = 0,
) -> list[M]:
    """The rows behind those values of the order's columns (None: from an end on), in the order or against it."""
    statement = _page_query(query, order, backwards, from_here is not None)
    where = {f"from_{number}": value for number, value in enumerate(from_here or ())}
    return uow.all(statement, page_limit=limit, page_offset=offset, **where, **parameters)


@lru_cache(maxsize=512)
def _page_query(query: Narrowed[M], order: Order, backwards: bool, from_somewhere: bool) -> Narrowed[M]:
    """One statement for all pages of one shape."""
    descending = order.descending is not backwards
    if from_somewhere:
        here = tuple_(*order.columns)
        there = tuple_(*(bindparam(f"from_{number}", type_=c.type) for number, c in enumerate(order.columns)))
        query = query.where(here < there if descending else here > there)
    return query.order_by(*(column.desc() if descending else column.asc() for column in order.columns)).page


def sealed(uow: UnitOfWork, purpose: str, order: Order, row: Any) -> str:
    """The cursor of a row: opaque, of RFC 3986's unreserved characters, good for this purpose and no other."""
    return _seal_of(uow, purpose, order)(row)


def _seal_of(uow: UnitOfWork, purpose: str, order: Order) -> Callable[[Any], str]:
    """What makes the cursors of rows."""
    columns = [str(column.key) for column in order.columns]
    values_of = attrgetter(*columns) if len(columns) > 1 else lambda row: (getattr(row, columns[0]),)
    tag = uow.seal.tagging(purpose.encode())

    def of(row: Any) -> str:
        body = orjson.dumps(values_of(row))
        return base64.urlsafe_b64encode(tag(body)[:_TAG_LENGTH] + body).rstrip(b"=").decode()

    return of


def opened(uow: UnitOfWork, purpose: str, order: Order, cursor: str) -> list[Any] | None:
    """The values of the order's columns that a cursor stands for, or None where it was not made for this purpose."""
    try:
        bytes_of = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except (binascii.Error, UnicodeEncodeError):
        bytes_of = b""
    tag, body = bytes_of[:_TAG_LENGTH], bytes_of[_TAG_LENGTH:]
    if not hmac.compare_digest(tag, uow.seal.tagging(purpose.encode())(body)[:_TAG_LENGTH]):
        return None
    values = zip(orjson.loads(body), order.columns, strict=True)
    return [datetime.fromisoformat(value) if column.type is Instant else value for value, column in values]
