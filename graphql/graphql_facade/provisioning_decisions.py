"""What an admin decides about the directory's doings: conflicts, mass deactivations, and pauses."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from graphql_facade.connections import Connection
from graphql_facade.context import Context, Info
from graphql_facade.enums import publish
from graphql_facade.nodes import Node, domain_id
from graphql_facade.refusals import (
    BusyError,
    ForbiddenError,
    NotFoundError,
    OwnerProtectedError,
    ReauthenticationRequiredError,
    UnauthenticatedError,
)
from graphql_facade.resolvers import mutation
from service.pages import PageRequest
from service.provisioning import breaker, conflicts, pausing
from service.provisioning.conflicts import ConflictState
from service.provisioning.pausing import ManagedPeople
from service.workspaces import Workspace, get_workspace

publish(
    ConflictState,
    "What has been decided about a conflict.",
    name="ProvisioningConflictState",
    OPEN="Nothing yet.",
    LINKED="The directory manages the person.",
    DISMISSED="The directory does not get to manage the person.",
)

publish(
    ManagedPeople,
    "What a pause means for the people whom the directory manages.",
    KEEP="They stay as they are.",
    CONVERT="The workspace's own people decide about them from now on.",
    DEACTIVATE="Their access ends, an owner's excepted; it comes back when provisioning is resumed.",
)

State = Annotated[ConflictState | None, strawberry.argument(description="Those in this state.")]


@strawberry.type(description="A person who was there before the directory asked for them.")
class ProvisioningConflict(Node):
    """A row of `service.provisioning.conflicts.ProvisioningConflict`."""

    user_id: strawberry.ID = strawberry.field(description="The person.")
    user_name: str = strawberry.field(description="The person's userName when the directory first asked.")
    external_id: str | None = strawberry.field(description="The directory's own identifier of the person.")
    api_key_name: str = strawberry.field(description="The API key that asked last, by its name then.")
    state: ConflictState = strawberry.field(description="What has been decided.")
    times: int = strawberry.field(description="How often the directory has asked.")
    first_at: datetime = strawberry.field(description="When it first asked.")
    last_at: datetime = strawberry.field(description="When it last asked.")
    decided_by: str | None = strawberry.field(description="Who decided, by the name they had then.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")

    @classmethod
    def of(cls, row: conflicts.ProvisioningConflict) -> Self:
        """The conflict of a row."""
        return cls(
            id=strawberry.ID(row.id),
            user_id=strawberry.ID(row.user_id),
            user_name=row.user_name,
            external_id=row.external_id,
            api_key_name=row.api_key_name,
            state=ConflictState(row.state),
            times=row.times,
            first_at=row.first_at,
            last_at=row.last_at,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
        )


@strawberry.type(description="What keeps a directory from ending too many people's access at once.")
class MassDeactivationBreaker:
    """`service.provisioning.breaker.BreakerState`."""

    ended: int = strawberry.field(description="How many people's access the directory has ended in this window.")
    active_before: int = strawberry.field(description="How many had access when the window began.")
    window_ends_at: datetime | None = strawberry.field(description="When counting begins anew; null if nothing counts.")
    stopped_at: datetime | None = strawberry.field(description="Since when the directory waits for an approval.")
    approved_until: datetime | None = strawberry.field(description="Until when it may go on.")

    @classmethod
    def of(cls, state: breaker.BreakerState) -> Self:
        """As the domain has it."""
        return cls(**vars(state))


@strawberry.type(description="Whether the directory has been told to wait.")
class ProvisioningPause:
    """The pause, as the workspace's row has it."""

    since: datetime | None = strawberry.field(description="Since when; null where the directory is let in.")
    is_settling: bool = strawberry.field(description="Whether people are still being changed as was decided.")

    @classmethod
    def of(cls, row: Workspace) -> Self:
        """The pause of a workspace."""
        return cls(since=row.provisioning_paused_at, is_settling=row.provisioning_sweep is not None)


@strawberry.input(description="What is decided about a conflict.")
class ProvisioningConflictDecideInput:
    """A conflict's id, and the decision."""

    id: strawberry.ID = strawberry.field(description="The conflict.")
    link: bool = strawberry.field(description="Whether the directory is to manage the person.")


@strawberry.type(description="The conflict as it is now.")
class ProvisioningConflictDecidePayload:
    """The conflict."""

    conflict: ProvisioningConflict = strawberry.field(description="The conflict.")


@strawberry.type(description="The breaker as it is now.")
class MassDeactivationApprovePayload:
    """The breaker."""

    breaker: MassDeactivationBreaker = strawberry.field(description="The breaker.")


@strawberry.input(description="What a pause is to mean.")
class ProvisioningPauseInput:
    """What happens to people."""

    managed_people: ManagedPeople = strawberry.field(
        description="What happens to those whom the directory manages. Of a pause that has begun, nothing changes."
    )


@strawberry.type(description="The pause as it is now.")
class ProvisioningPausePayload:
    """The pause."""

    pause: ProvisioningPause = strawberry.field(description="The pause.")


_Nobody = ForbiddenError | UnauthenticatedError | BusyError

ProvisioningConflictDecideResult = Annotated[
    ProvisioningConflictDecidePayload | NotFoundError | OwnerProtectedError | _Nobody,
    strawberry.union("ProvisioningConflictDecideResult", description="The conflict, or what stood in the way."),
]
MassDeactivationApproveResult = Annotated[
    MassDeactivationApprovePayload | _Nobody,
    strawberry.union("MassDeactivationApproveResult", description="The breaker, or what stood in the way."),
]

ProvisioningPauseResult = Annotated[
    ProvisioningPausePayload | ReauthenticationRequiredError | _Nobody,
    strawberry.union("ProvisioningPauseResult", description="The pause, or what stood in the way."),
]

ProvisioningResumeResult = Annotated[
    ProvisioningPausePayload | _Nobody,
    strawberry.union("ProvisioningResumeResult", description="The pause, which is over, or what stood in the way."),
]


@strawberry.type
class ProvisioningDecisionMutations:
    """What an admin decides."""

    @mutation("Let the directory manage a person who was there before it asked for them, or not.")
    async def provisioning_conflict_decide(
        self, info: Info, input: ProvisioningConflictDecideInput
    ) -> ProvisioningConflictDecideResult:
        """Decide."""
        row = await info.context.write(conflicts.decide_conflict, domain_id(input.id), link=input.link)
        return ProvisioningConflictDecidePayload(conflict=ProvisioningConflict.of(row))

    @mutation("Let the directory go on ending people's access, for as long as it is counted in one window.")
    async def mass_deactivation_approve(self, info: Info) -> MassDeactivationApproveResult:
        """Approve."""
        state = await info.context.write(breaker.approve_mass_deactivation)
        return MassDeactivationApprovePayload(breaker=MassDeactivationBreaker.of(state))

    @mutation("Refuse the directory until provisioning is resumed, and decide what happens to whom it manages.")
    async def provisioning_pause(self, info: Info, input: ProvisioningPauseInput) -> ProvisioningPauseResult:
        """Pause."""
        return await _settled(info.context, await info.context.write(pausing.pause_provisioning, input.managed_people))

    @mutation("Let the directory in again, and give back the access that the pause has taken.")
    async def provisioning_resume(self, info: Info) -> ProvisioningResumeResult:
        """Resume."""
        return await _settled(info.context, await info.context.write(pausing.resume_provisioning))


async def _settled(context: Context, workspace: Workspace) -> ProvisioningPausePayload:
    """Answer when everybody has been changed: whose access was to end must not have any by then."""
    await pausing.sweep_all(context.work, workspace.id)
    return ProvisioningPausePayload(pause=await pause_of(context))


async def pause_of(context: Context) -> ProvisioningPause:
    """The workspace's pause."""
    return ProvisioningPause.of(await context.read(get_workspace))


async def conflict_by_id(context: Context, id: str) -> ProvisioningConflict:
    """One conflict, or NotFound."""
    return ProvisioningConflict.of(await context.read(conflicts.get_conflict, id))


async def page_of_conflicts(
    context: Context, wanted: PageRequest, state: ConflictState | None
) -> Connection[ProvisioningConflict]:
    """One page of the conflict list."""
    page = await context.read(conflicts.page_conflicts, state, wanted)
    return Connection[ProvisioningConflict].of(
        page, ProvisioningConflict.of, lambda: context.read(conflicts.count_conflicts, state)
    )
