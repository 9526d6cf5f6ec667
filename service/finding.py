"""Lists as an identity provider asks for them: what a query finds, a window of it at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlmodel import SQLModel

from service.unit_of_work import Narrowed, UnitOfWork

M = TypeVar("M", bound=SQLModel)


@dataclass(frozen=True, kw_only=True)
class Search(Generic[M]):
    """A query in the order that it is wanted in, and the values that its conditions compare with."""

    query: Narrowed[M]
    parameters: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which part of what is found: `limit` rows after the first `offset`."""

    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class Found(Generic[M]):
    """The rows within a window, and how many there are in all."""

    rows: list[M]
    total: int


def found(uow: UnitOfWork, search: Search[M], window: Window) -> Found[M]:
    """What a search finds within a window."""
    rows: list[M] = []
    if window.limit:
        rows = uow.all(search.query.page, page_limit=window.limit, page_offset=window.offset, **search.parameters)
    if len(rows) < window.limit and (rows or window.offset == 0):  # the window holds the last of them
        return Found(rows=rows, total=window.offset + len(rows))
    return Found(rows=rows, total=uow.number(search.query.count, **search.parameters))
