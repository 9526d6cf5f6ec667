"""Relay's connections (GraphQL Cursor Connections Specification) over `service.pages`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, Self, TypeVar

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
    page: strawberry.Private[Page[Any]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @classmethod
    def of(cls, page: Page[M], node_of: Callable[[M], N], count: Callable[[], Awaitable[int]]) -> Self:
        """A page of rows as nodes; `count` finds how many the whole list has."""
        return cls(nodes=list(map(node_of, page.rows)), page=page, count=count)

    @resolved("The nodes with their cursors.")
    def edges(self) -> list[Edge[N]]:
        """Make cursors only for who asks."""
        cursors = map(self.page.cursor_of, self.page.rows)
        return [Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, self.nodes, strict=True)]

    @resolved("Where the page stands in the list.")
    def page_info(self) -> PageInfo:
        """Two cursors."""
        page = self.page
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursor_of(page.rows[0]) if page.rows else None,
            end_cursor=page.cursor_of(page.rows[-1]) if page.rows else None,
        )

    @resolved("How many the list has in all, whatever the page. Counted when asked for.")
    async def total_count(self) -> int:
        """One more statement."""
        return await self.count()
