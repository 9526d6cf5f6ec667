"""Workspace flags: a typed registry in code; a workspace stores only where it departs from its plan.

To add a flag, add a line to `Flag` and one to `REGISTRY`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.audit import Action, Change, Event
from service.clock import now
from service.refusals import Invalid, Refused
from service.store.columns import Instant, table_of
from service.text import unstorable
from service.unit_of_work import UnitOfWork, narrowed
from service.workspaces import Plan, get_workspace

_MAX_REASON = 500


class Flag(StrEnum):
    """The flags there are."""

    SCIM_PROVISIONING = "scim_provisioning"


@dataclass(frozen=True)
class FlagDefinition:
    """What a flag switches and on which plans it is on without an override. Only support sets flags so far."""

    description: str
    on_for: frozenset[Plan] = frozenset()


REGISTRY = {
    Flag.SCIM_PROVISIONING: FlagDefinition(
        "An identity provider may create, update and deactivate people through SCIM."
    ),
}


class FlagSource(StrEnum):
    """Where a flag's value comes from."""

    PLAN = "PLAN"
    OVERRIDE = "OVERRIDE"


class FlagOverride(SQLModel, table=True):
    """Where a workspace departs from its plan: `id` is the flag's key."""

    __tablename__ = "flag_override"  # pyright: ignore[reportAssignmentType]

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    enabled: bool
    reason: str
    set_by: str
    set_at: datetime = Field(sa_type=Instant)


@dataclass(frozen=True)
class FlagState:
    """A flag as it stands in one workspace."""

    flag: Flag
    enabled: bool
    plan_default: bool
    override: FlagOverride | None

    @property
    def description(self) -> str:
        """What the flag switches."""
        return REGISTRY[self.flag].description

    @property
    def source(self) -> FlagSource:
        """Where the value comes from."""
        return FlagSource.OVERRIDE if self.override else FlagSource.PLAN


_OVERRIDES = narrowed(FlagOverride)
_ONE = _OVERRIDES.where(table_of(FlagOverride).c.id == bindparam("id"))


def is_on(flag: Flag, plan: str, override: bool | None) -> bool:
    """Whether a flag is on for a workspace of this plan with this override (None: no override)."""
    return Plan(plan) in REGISTRY[flag].on_for if override is None else override


def list_flags(uow: UnitOfWork) -> list[FlagState]:
    """Every flag as it stands in the actor's workspace."""
    uow.demand(Permission.FLAGS_READ)
    plan = get_workspace(uow).plan
    overrides = {row.id: row for row in uow.all(_OVERRIDES)}
    return [_state(flag, plan, overrides.get(flag.value)) for flag in Flag]


def set_flag(uow: UnitOfWork, flag: Flag, *, enabled: bool, reason: str) -> FlagState:
    """Override a flag for the actor's workspace, saying why. Setting what is set already is no change."""
    uow.demand(Permission.FLAGS_WRITE)
    uow.demand_recent_password()
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise Refused(Invalid("reason", f"must say why, in 1 to {_MAX_REASON} characters"))
    if why := unstorable(reason):
        raise Refused(Invalid("reason", why))
    plan = get_workspace(uow).plan
    before = uow.first(_ONE.locked, id=flag.value)
    if before and before.enabled == enabled:
        return _state(flag, plan, before)
    values = {"enabled": enabled, "reason": reason.strip(), "set_by": uow.actor.name, "set_at": now()}
    if before:
        after = uow.update(FlagOverride, flag.value, values)
    else:
        after = uow.insert(FlagOverride, {"id": flag.value, **values})
    was_on = is_on(flag, plan, before.enabled if before else None)
    change = Change("enabled", _on_off(was_on), _on_off(enabled))
    uow.record(Event(Action.FLAG_SET, "WorkspaceFlag", flag.value, flag.value, (change,), reason.strip()))
    return _state(flag, plan, after)


def _state(flag: Flag, plan: str, override: FlagOverride | None) -> FlagState:
    return FlagState(
        flag=flag,
        enabled=is_on(flag, plan, override.enabled if override else None),
        plan_default=is_on(flag, plan, None),
        override=override,
    )


def _on_off(enabled: bool) -> str:
    return "on" if enabled else "off"
