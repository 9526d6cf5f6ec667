"""The viewer: who is signed in, where, and what they may do."""

import strawberry

from graphql_facade.context import Context, Info
from graphql_facade.resolvers import resolved
from graphql_facade.sessions import Session, session_by_id
from graphql_facade.users import User, user_by_id
from graphql_facade.workspaces import Workspace, own_workspace
from service.actor import Permission
from service.authentication import SignedIn


@strawberry.type(description="Who is signed in, where, and what they may do.")
class Viewer:
    """A session's user; everything hangs from it."""

    signed_in: strawberry.Private[SignedIn]

    @resolved("The person.")
    async def user(self, info: Info) -> User:
        """The session's user."""
        return await user_by_id(info.context, self.signed_in.actor.id)

    @resolved("The browser that this request comes from.")
    async def session(self, info: Info) -> Session:
        """The session itself."""
        return await session_by_id(info.context, self.signed_in.session_id)

    @resolved("The workspace that the person is signed in to.")
    async def workspace(self, info: Info) -> Workspace:
        """The session's workspace."""
        return await own_workspace(info.context)

    @resolved("What the person's role permits.")
    def permissions(self) -> list[Permission]:
        """In the order of the enum."""
        return [permission for permission in Permission if permission in self.signed_in.actor.permissions]


async def viewer_of(context: Context) -> Viewer:
    """The viewer, or Unauthenticated."""
    return Viewer(signed_in=await context.signed_in())
