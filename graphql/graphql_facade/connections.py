"""Relay's connections (GraphQL Cursor Connections Specification) over `service.pages`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, Self, TypeVar

import strawberry
from sqlmodel import SQLModel

from graphql_facade.resolvers import resolved
from service.pages import MAX_SIZE, Page

M = TypeVar("M", bound=SQLModel)
N = TypeVar("N")

First = Annotated[
    int | None, strawberry.argument(description=f"How many from the beginning, or after a cursor: 1 to {MAX_SIZE}.")
]
After = Annotated[str | None, strawberry.argument(description="The cursor that `first` begins after.")]
Last = Annotated[
    int | None, strawberry.argument(description=f"How many from the end, or before a cursor: 1 to {MAX_SIZE}.")
]
Before = Annotated[str | None, strawberry.argument(description="The cursor that `last` ends before.")]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there are more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first node, if there is one.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last node, if there is one.")


@strawberry.type(description="A node of a list, and where it stands.")
class Edge(Generic[N]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="Where the node stands; opaque, and good for this list in this order.")
    node: N = strawberry.field(description="The node.")


@strawberry.type(description="A page of a list. `first` or `last` must be given, and only one of them.")
class Connection(Generic[N]):
    """Relay's connection, with its nodes also without their edges, and the total."""

    nodes: list[N] = strawberry.field(description="The nodes.")
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]
    cursor_at: strawberry.Private[Callable[[int], str]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @classmethod
    def of(cls, page: Page[M], node_of: Callable[[M], N], count: Callable[[], Awaitable[int]]) -> Self:
        """A page of rows as nodes; `count` finds how many the whole list has."""
        return cls(
            nodes=[node_of(row) for row in page.rows],
            has_next=page.has_next,
            has_previous=page.has_previous,
            cursor_at=lambda at: page.cursor_of(page.rows[at]),
            count=count,
        )

    @resolved("The nodes with their cursors.")
    def edges(self) -> list[Edge[N]]:
        """Make cursors only for who asks."""
        return [Edge(cursor=self.cursor_at(at), node=node) for at, node in enumerate(self.nodes)]

    @resolved("Where the page stands in the list.")
    def page_info(self) -> PageInfo:
        """Two cursors."""
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=self.cursor_at(0) if self.nodes else None,
            end_cursor=self.cursor_at(-1) if self.nodes else None,
        )

    @resolved("How many the list has in all, whatever the page. Counted when asked for.")
    async def total_count(self) -> int:
        """One more statement."""
        return await self.count()
