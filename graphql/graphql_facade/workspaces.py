"""The workspace, and everything that is in it."""

from typing import Annotated, Self

import strawberry

from graphql_facade.api_keys import ApiKey, page_of_api_keys
from graphql_facade.audit_log import AuditEvent, AuditFilterArgument, page_of_audit_events
from graphql_facade.connections import After, Before, Connection, First, Last
from graphql_facade.context import Context, Info
from graphql_facade.enums import publish
from graphql_facade.flags import WorkspaceFlag, all_flags
from graphql_facade.groups import Group, Query, page_of_groups
from graphql_facade.nodes import Node, domain_id
from graphql_facade.provisioning import Provisioning
from graphql_facade.resolvers import resolved
from graphql_facade.sessions import Session, page_of_sessions
from graphql_facade.users import User, UserFilterArgument, UserOrderArgument, UserOrderName, page_of_users
from service import workspaces
from service.pages import PageRequest
from service.refusals import NotFound, Refused
from service.workspaces import Plan

publish(
    Plan,
    "What the customer pays for; flags have their defaults by plan.",
    ESSENTIAL="The smallest plan.",
    STANDARD="The plan for most.",
    PREMIUM="The plan for large teams.",
    ENTERPRISE="The plan for companies with a directory.",
)


@strawberry.type(description="A customer of the product: people, keys, flags and what happened.")
class Workspace(Node):
    """A row of `service.workspaces.Workspace`; lists are fetched when asked for."""

    name: str = strawberry.field(description="What the customer is called.")
    subdomain: str = strawberry.field(description="The first part of its addresses.")
    plan: Plan = strawberry.field(description="What it pays for.")

    @classmethod
    def of(cls, row: workspaces.Workspace) -> Self:
        """The workspace of a row."""
        return cls(id=strawberry.ID(row.id), name=row.name, subdomain=row.subdomain, plan=Plan(row.plan))

    @resolved("Every flag there is.")
    async def flags(self, info: Info) -> list[WorkspaceFlag]:
        """All flags."""
        return await all_flags(info.context)

    @resolved("How an identity provider reaches the workspace, and what it may do there.")
    async def provisioning(self, info: Info) -> Provisioning:
        """What hangs from here is looked up when it is asked for."""
        return Provisioning(base_url=info.context.scim_base_url(self.subdomain))

    @resolved("The people.")
    async def users(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: UserFilterArgument = None,
        order_by: UserOrderArgument = UserOrderName.NAME_ASC,
    ) -> Connection[User]:
        """A page of people."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_users(info.context, wanted, filter, order_by)

    @resolved("The groups, by name.")
    async def groups(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        query: Query = None,
    ) -> Connection[Group]:
        """A page of groups."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_groups(info.context, wanted, query or None)

    @resolved("The browsers that a person is signed in with, the newest first: one's own, or for admins anybody's.")
    async def sessions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        *,
        user_id: Annotated[strawberry.ID, strawberry.argument(description="The person.")],
    ) -> Connection[Session]:
        """A page of sessions."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_sessions(info.context, domain_id(user_id), wanted)

    @resolved("The API keys, the newest first, revoked and expired ones included.")
    async def api_keys(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ApiKey]:
        """A page of keys."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_api_keys(info.context, wanted)

    @resolved("The audit log, the newest events first.")
    async def audit_events(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: AuditFilterArgument = None,
    ) -> Connection[AuditEvent]:
        """A page of events."""
        wanted = PageRequest(first=first, after=after, last=last, before=before)
        return await page_of_audit_events(info.context, wanted, filter)


async def own_workspace(context: Context) -> Workspace:
    """The viewer's workspace."""
    return Workspace.of(await context.read(workspaces.get_workspace))


async def workspace_by_id(context: Context, id: str) -> Workspace:
    """The viewer's workspace if this is its id, or NotFound."""
    workspace = await own_workspace(context)
    if workspace.id != id:
        raise Refused(NotFound("Workspace", id))
    return workspace
