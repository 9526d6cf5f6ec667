"""Workspace flags: what is switched on, and why."""

from datetime import datetime
from typing import Self

import strawberry

from graphql_facade.context import Context
from graphql_facade.enums import publish
from graphql_facade.nodes import Node
from service.flags import REGISTRY, Flag, FlagSource, FlagState, list_flags
from service.refusals import NotFound, Refused

publish(
    Flag,
    "The flags there are.",
    name="WorkspaceFlagKey",
    **{flag.name: definition.description for flag, definition in REGISTRY.items()},
)
publish(
    FlagSource,
    "Where a flag's value comes from.",
    PLAN="The plan's default.",
    OVERRIDE="Somebody has set it for this workspace.",
)


def flag_id(workspace_id: str, key: str) -> strawberry.ID:
    """The id of a flag as it stands in one workspace: every workspace has a flag of this key."""
    return strawberry.ID(f"flag_{workspace_id.partition('_')[2]}_{key}")


@strawberry.type(description="A flag as it stands in the workspace.")
class WorkspaceFlag(Node):
    """`service.flags.FlagState`."""

    key: Flag = strawberry.field(description="Which flag it is.")
    description: str = strawberry.field(description="What it switches.")
    enabled: bool = strawberry.field(description="Whether it is on.")
    is_available: bool = strawberry.field(description="Whether the workspace's plan may have it at all.")
    source: FlagSource = strawberry.field(description="Where the value comes from.")
    plan_default: bool = strawberry.field(description="What it is on this plan unless somebody sets it.")
    reason: str | None = strawberry.field(description="Why it was set, if it was.")
    set_by: str | None = strawberry.field(description="Who set it, by the name they had then.")
    set_at: datetime | None = strawberry.field(description="When it was set.")
    expires_at: datetime | None = strawberry.field(description="Until when; then it is what the plan says again.")

    @classmethod
    def of(cls, state: FlagState, workspace_id: str) -> Self:
        """The flag of a workspace."""
        override = state.override
        return cls(
            id=flag_id(workspace_id, state.flag.value),
            key=state.flag,
            description=state.description,
            enabled=state.enabled,
            is_available=state.is_available,
            source=state.source,
            plan_default=state.plan_default,
            reason=override.reason if override else None,
            set_by=override.set_by if override else None,
            set_at=override.set_at if override else None,
            expires_at=override.expires_at if override else None,
        )


async def all_flags(context: Context) -> list[WorkspaceFlag]:
    """Every flag there is, as it stands in the workspace."""
    workspace_id = (await context.actor()).workspace_id
    return [WorkspaceFlag.of(state, workspace_id) for state in await context.read(list_flags)]


async def flag_by_id(context: Context, id: str) -> WorkspaceFlag:
    """One flag, or NotFound."""
    for flag in await all_flags(context):
        if flag.id == id:
            return flag
    raise Refused(NotFound("WorkspaceFlag", id))
