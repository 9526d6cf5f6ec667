"""The viewer: who asks, where, and what they may do."""

import strawberry

from graphql_facade.api_keys import ApiKey, page_of_personal_keys
from graphql_facade.connections import After, Before, Connection, First, Last
from graphql_facade.context import Context, Info
from graphql_facade.resolvers import resolved
from graphql_facade.sessions import Session, page_of_sessions, session_by_id
from graphql_facade.users import User, user_by_id
from graphql_facade.workspaces import Workspace, own_workspace
from service.actor import Actor, Permission
from service.pages import PageRequest


@strawberry.type(description="Who asks, where, and what they may do.")
class Viewer:
    """The person of a session or of a key of their own, or a key of the workspace's; everything hangs from it."""

    actor: strawberry.Private[Actor]

    @resolved("The person; null where it is a key of the workspace's that asks.")
    async def user(self, info: Info) -> User | None:
        """The user who acts."""
        return await user_by_id(info.context, self.actor.id) if self.actor.role is not None else None

    @resolved("The browser that this request comes from; null where it is an API key that asks.")
    async def session(self, info: Info) -> Session | None:
        """The session itself."""
        session_id = self.actor.session_id
        return await session_by_id(info.context, session_id) if session_id is not None else None

    @resolved("The workspace that the person is signed in to, or that the key is of.")
    async def workspace(self, info: Info) -> Workspace:
        """The actor's workspace."""
        return await own_workspace(info.context)

    @resolved("What the person's role, or the key's scopes, permit.")
    def permissions(self) -> list[Permission]:
        """In the order of the enum."""
        return [permission for permission in Permission if permission in self.actor.permissions]

    @resolved("The browsers that the person is signed in with, the newest first.")
    async def sessions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Session]:
        """A page of sessions."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_sessions(info.context, self.actor.id, wanted)

    @resolved("The API keys that the person has made for themselves, the newest first.")
    async def api_keys(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ApiKey]:
        """A page of keys."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_personal_keys(info.context, wanted)


async def viewer_of(context: Context) -> Viewer:
    """The viewer, or Unauthenticated."""
    return Viewer(actor=await context.actor())
