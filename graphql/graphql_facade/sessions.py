"""Sessions: the browser that somebody is signed in with."""

from datetime import datetime
from typing import Self

import strawberry

from graphql_facade.context import Context
from graphql_facade.nodes import Node
from service import sessions


@strawberry.type(description="A signed-in browser.")
class Session(Node):
    """A row of `service.sessions.Session`, without anything of its token."""

    label: str = strawberry.field(description="What the browser calls itself.")
    ip: str | None = strawberry.field(description="The address it signed in from.")
    created_at: datetime = strawberry.field(description="When it signed in.")
    last_active_at: datetime = strawberry.field(description="When it was last used, to the minute.")
    expires_at: datetime = strawberry.field(description="When it must sign in again.")
    is_current: bool = strawberry.field(description="Whether this request comes from it.")

    @classmethod
    def of(cls, row: sessions.Session, current_id: str | None) -> Self:
        """The session of a row, seen from the session with this id."""
        return cls(
            id=strawberry.ID(row.id),
            label=row.label,
            ip=row.ip,
            created_at=row.created_at,
            last_active_at=row.last_active_at,
            expires_at=row.expires_at,
            is_current=row.id == current_id,
        )


async def session_by_id(context: Context, id: str) -> Session:
    """One of the viewer's own sessions, or NotFound."""
    row = await context.read(sessions.get_session, id)
    return Session.of(row, (await context.actor()).session_id)
