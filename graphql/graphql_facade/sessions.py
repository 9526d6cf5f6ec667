"""Sessions: the browsers that somebody is signed in with."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from graphql_facade.connections import Connection
from graphql_facade.context import Context, Info
from graphql_facade.nodes import Node, domain_id
from graphql_facade.refusals import (
    BusyError,
    ForbiddenError,
    NotFoundError,
    OwnerProtectedError,
    UnauthenticatedError,
)
from graphql_facade.resolvers import mutation
from service import sessions
from service.pages import PageRequest


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


@strawberry.input(description="Which session to end.")
class SessionRevokeInput:
    """A session's id."""

    id: strawberry.ID = strawberry.field(description="The session: one's own, or as an admin anybody's.")


@strawberry.input(description="Whose sessions to end.")
class UserSessionsRevokeInput:
    """A person's id."""

    id: strawberry.ID = strawberry.field(description="The person: oneself, or as an admin anybody.")


@strawberry.type(description="What has ended, opens nothing any more.")
class SessionsRevokePayload:
    """How many."""

    ended: int = strawberry.field(description="How many sessions have ended; the one that asks goes on.")


_Others = NotFoundError | OwnerProtectedError | ForbiddenError | UnauthenticatedError | BusyError

SessionRevokeResult = Annotated[
    SessionsRevokePayload | _Others,
    strawberry.union("SessionRevokeResult", description="Done, or what stood in the way."),
]
UserSessionsRevokeResult = Annotated[
    SessionsRevokePayload | _Others,
    strawberry.union("UserSessionsRevokeResult", description="Done, or what stood in the way."),
]


@strawberry.type
class SessionRevocations:
    """What can be done to sessions from another one."""

    @mutation("End a session, from this moment on.")
    async def session_revoke(self, info: Info, input: SessionRevokeInput) -> SessionRevokeResult:
        """End one."""
        await info.context.write(sessions.revoke_session, domain_id(input.id))
        return SessionsRevokePayload(ended=1)

    @mutation("End all sessions of a person but this one.")
    async def user_sessions_revoke(self, info: Info, input: UserSessionsRevokeInput) -> UserSessionsRevokeResult:
        """End all."""
        return SessionsRevokePayload(ended=await info.context.write(sessions.revoke_sessions, domain_id(input.id)))


async def page_of_sessions(context: Context, user_id: str, wanted: PageRequest) -> Connection[Session]:
    """One page of a person's sessions, the newest first."""
    current = (await context.actor()).session_id
    page = await context.read(sessions.page_sessions, user_id, wanted)
    return Connection[Session].of(
        page, lambda row: Session.of(row, current), lambda: context.read(sessions.count_sessions, user_id)
    )


async def session_by_id(context: Context, id: str) -> Session:
    """One of the viewer's own sessions, or NotFound."""
    row = await context.read(sessions.get_session, id)
    return Session.of(row, (await context.actor()).session_id)
