"""The schema: what can be asked, and what can be done."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.schema.config import StrawberryConfig

from graphql_facade.accounts import AccountMutations
from graphql_facade.api_keys import ApiKeyMutations, api_key_by_id
from graphql_facade.audit_log import audit_event_by_id
from graphql_facade.context import Context, Info
from graphql_facade.flags import flag_by_id
from graphql_facade.groups import GroupMutations, group_by_id
from graphql_facade.nodes import Node, domain_id
from graphql_facade.provisioning import ProvisioningMutations
from graphql_facade.provisioning_decisions import ProvisioningDecisionMutations, conflict_by_id
from graphql_facade.provisioning_log import provisioning_event_by_id
from graphql_facade.rate_limits import RateLimit
from graphql_facade.refusals import RefusalsAsData
from graphql_facade.resolvers import resolved
from graphql_facade.scalars import DATE_TIME
from graphql_facade.sessions import SessionRevocations, session_by_id
from graphql_facade.sign_in import SessionMutations
from graphql_facade.subscriptions import Subscription
from graphql_facade.support import SupportedWorkspace, SupportMutations, WorkspaceBy, workspace_for_support
from graphql_facade.user_changes import UserMutations
from graphql_facade.users import user_by_id
from graphql_facade.viewer import Viewer, viewer_of
from graphql_facade.workspaces import workspace_by_id
from service.refusals import NotFound, Refused

NODES: dict[str, Callable[[Context, str], Awaitable[Node]]] = {
    "usr": user_by_id,
    "grp": group_by_id,
    "wsp": workspace_by_id,
    "ses": session_by_id,
    "key": api_key_by_id,
    "flag": flag_by_id,
    "aud": audit_event_by_id,
    "pev": provisioning_event_by_id,
    "cfl": conflict_by_id,
}
"""How a node is fetched, by the prefix of its id."""


@strawberry.type(description="What can be asked.")
class Query:
    """The ways in."""

    @resolved("Who is signed in; everything hangs from here.")
    async def viewer(self, info: Info) -> Viewer:
        """The viewer."""
        return await viewer_of(info.context)

    @resolved("A customer's workspace, for support staff. Others have `viewer { workspace }`.")
    async def workspace(
        self, info: Info, by: Annotated[WorkspaceBy, strawberry.argument(description="Which.")]
    ) -> SupportedWorkspace:
        """Somebody else's workspace."""
        return await workspace_for_support(info.context, by)

    @resolved("What this operation costs, and what may still be asked for.")
    def rate_limit(self, info: Info) -> RateLimit:
        """Taken before anything was run."""
        return info.context.rate_limit

    @resolved("The thing with this id; null where the viewer's workspace has none, whatever another one has.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of anything.")],
    ) -> Node | None:
        """Fetch by the id's prefix."""
        await info.context.actor()
        fetch = NODES.get(id.partition("_")[0])
        try:
            return await fetch(info.context, domain_id(id)) if fetch else None
        except Refused as refused:
            if isinstance(refused.reason, NotFound):
                return None
            raise


@strawberry.type(description="What can be done. Each mutation is one transaction: it happens as a whole or not at all.")
class Mutation(
    SessionMutations,
    SessionRevocations,
    AccountMutations,
    UserMutations,
    GroupMutations,
    ApiKeyMutations,
    ProvisioningMutations,
    ProvisioningDecisionMutations,
    SupportMutations,
):
    """Every noun's mutations."""


def make_schema() -> strawberry.Schema:
    """The schema."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
        exception_handlers=[RefusalsAsData()],
    )


def printed_schema() -> str:
    """The schema in GraphQL's own language, as clients may rely on it; ends with a newline."""
    return make_schema().as_str().rstrip() + "\n"
