"""What support staff see of a customer's workspace, and do in it: flags, plan and seats, with a reason each.

Nothing here shows people, keys or what a directory does. Each act stands in the workspace's own audit log, by name.
"""

from datetime import datetime
from typing import Annotated, Any, Self

import strawberry

from graphql_facade.audit_log import AuditEvent, AuditFilterArgument, events_page
from graphql_facade.connections import After, Before, Connection, First, Last
from graphql_facade.context import Context, Info
from graphql_facade.flags import WorkspaceFlag
from graphql_facade.nodes import domain_id
from graphql_facade.refusals import (
    BusyError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    ReauthenticationRequiredError,
    UnauthenticatedError,
)
from graphql_facade.resolvers import mutation, resolved
from service import workspaces
from service.actor import Actor
from service.flags import Flag, list_flags, set_flag
from service.pages import PageRequest
from service.plans import set_plan
from service.staff import supported_workspace
from service.users.seats import set_seats
from service.workspaces import Plan


@strawberry.input(one_of=True, description="Which workspace: by exactly one of these.")
class WorkspaceBy:
    """One name."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="By its id.")
    subdomain: str | None = strawberry.field(default=strawberry.UNSET, description="By its subdomain.")


@strawberry.type(description="A customer's workspace as support sees it: no people, no keys.")
class SupportedWorkspace:
    """A row of `service.workspaces.Workspace`, and as whom to look further."""

    id: strawberry.ID = strawberry.field(description="The workspace's id.")
    name: str = strawberry.field(description="What the customer is called.")
    subdomain: str = strawberry.field(description="The first part of its addresses.")
    plan: Plan = strawberry.field(description="What it pays for.")
    seats: int | None = strawberry.field(description="How many people may have access; null for any number.")
    actor: strawberry.Private[Actor]

    @classmethod
    def of(cls, row: workspaces.Workspace, actor: Actor) -> Self:
        """The workspace of a row."""
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            subdomain=row.subdomain,
            plan=Plan(row.plan),
            seats=row.seats,
            actor=actor,
        )

    @resolved("Every flag there is. Its history is that of audit events with its id as `targetId`.")
    async def flags(self, info: Info) -> list[WorkspaceFlag]:
        """All flags."""
        states = await info.context.work.read(self.actor, list_flags)
        return [WorkspaceFlag.of(state, self.actor.workspace_id) for state in states]

    @resolved("The workspace's audit log, the newest events first.")
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
        return await events_page(info.context.work, self.actor, wanted, filter)


@strawberry.input(description="A flag of a workspace, what to set it to, why and until when.")
class WorkspaceFlagSetInput:
    """Everything that support says about a flag."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    key: Flag = strawberry.field(description="The flag.")
    enabled: bool | None = strawberry.field(description="On or off; null leaves it to the plan again.")
    reason: str = strawberry.field(description="Why; the workspace's audit log shows it.")
    expires_at: datetime | None = strawberry.field(default=None, description="Until when; null for good.")


@strawberry.input(description="The plan that a workspace is on from now on, and why.")
class WorkspacePlanSetInput:
    """A plan."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    plan: Plan = strawberry.field(description="The plan.")
    reason: str = strawberry.field(description="Why; the workspace's audit log shows it.")


@strawberry.input(description="How many people of a workspace may have access, and why.")
class WorkspaceSeatsSetInput:
    """A number of seats."""

    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    seats: int | None = strawberry.field(description="How many; null for any number.")
    reason: str = strawberry.field(description="Why; the workspace's audit log shows it.")


@strawberry.type(description="The workspace as it is now.")
class SupportPayload:
    """What support has changed."""

    workspace: SupportedWorkspace = strawberry.field(description="The workspace.")


_Errors = (
    InvalidInputError
    | NotFoundError
    | ForbiddenError
    | ReauthenticationRequiredError
    | UnauthenticatedError
    | BusyError
)
_DONE = "The workspace as it is now, or what stood in the way."
WorkspaceFlagSetResult = Annotated[
    SupportPayload | _Errors, strawberry.union("WorkspaceFlagSetResult", description=_DONE)
]
WorkspacePlanSetResult = Annotated[
    SupportPayload | _Errors, strawberry.union("WorkspacePlanSetResult", description=_DONE)
]
WorkspaceSeatsSetResult = Annotated[
    SupportPayload | _Errors, strawberry.union("WorkspaceSeatsSetResult", description=_DONE)
]


@strawberry.type
class SupportMutations:
    """What support does."""

    @mutation("Set a flag of a workspace, until a time or for good. For support staff.")
    async def workspace_flag_set(self, info: Info, input: WorkspaceFlagSetInput) -> WorkspaceFlagSetResult:
        """Set it."""
        said = {"enabled": input.enabled, "reason": input.reason, "expires_at": input.expires_at}
        return await _done(info.context, input.workspace_id, set_flag, input.key, **said)

    @mutation("Put a workspace on another plan; its flags follow. For support staff.")
    async def workspace_plan_set(self, info: Info, input: WorkspacePlanSetInput) -> WorkspacePlanSetResult:
        """Set it."""
        return await _done(info.context, input.workspace_id, set_plan, input.plan, reason=input.reason)

    @mutation("Bound the number of people with access; who has it keeps it. For support staff.")
    async def workspace_seats_set(self, info: Info, input: WorkspaceSeatsSetInput) -> WorkspaceSeatsSetResult:
        """Set it."""
        return await _done(info.context, input.workspace_id, set_seats, input.seats, reason=input.reason)


async def workspace_for_support(context: Context, by: WorkspaceBy) -> SupportedWorkspace:
    """A customer's workspace; Forbidden for whoever is no member of staff."""
    staff = await context.recognise()
    by_id = domain_id(by.id) if by.id else None
    row, actor = await supported_workspace(context.work, staff, id=by_id, subdomain=by.subdomain or None)
    return SupportedWorkspace.of(row, actor)


async def _done(context: Context, id: strawberry.ID, verb: Any, *said: Any, **named: Any) -> SupportPayload:
    workspace = await workspace_for_support(context, WorkspaceBy(id=id))
    await context.work.write(workspace.actor, verb, *said, **named)
    return SupportPayload(workspace=await workspace_for_support(context, WorkspaceBy(id=id)))
