"""Workspace flags: a typed registry in code; a workspace stores only where it departs from its plan.

To add a flag, add a line to `Flag` and one to `REGISTRY`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.audit import Action, Change, Event, change_of, checked_reason
from service.clock import now
from service.refusals import Invalid, Refused
from service.store.columns import Instant, table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.workspaces import Plan, get_workspace


class Flag(StrEnum):
    """The flags there are."""

    SCIM_PROVISIONING = "scim_provisioning"


@dataclass(frozen=True)
class FlagDefinition:
    """What a flag switches, which plans may have it, and on which it is on without an override. Only support sets flags
    so far."""

    description: str
    available_on: frozenset[Plan] = frozenset(Plan)
    on_for: frozenset[Plan] = frozenset()


REGISTRY = {
    Flag.SCIM_PROVISIONING: FlagDefinition(
        "An identity provider may create, update and deactivate people through SCIM.",
        available_on=frozenset({Plan.PREMIUM, Plan.ENTERPRISE}),
    ),
}


class FlagSource(StrEnum):
    """Where a flag's value comes from."""

    PLAN = "PLAN"
    OVERRIDE = "OVERRIDE"


class FlagOverride(SQLModel, table=True):
    """Where a workspace departs from its plan, until it `expires_at`: `id` is the flag's key."""

    __tablename__ = "flag_override"  # pyright: ignore[reportAssignmentType]

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    enabled: bool
    reason: str
    set_by: str
    set_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


@dataclass(frozen=True)
class FlagState:
    """A flag as it stands in one workspace. `override` is one that has not ended; on a plan that may not have the flag
    it changes nothing."""

    flag: Flag
    enabled: bool
    is_available: bool
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


_F = table_of(FlagOverride)
_OVERRIDES = narrowed(FlagOverride)
_ONE = _OVERRIDES.where(_F.c.id == bindparam("id"))
_ENDED = _OVERRIDES.where(_F.c.expires_at <= bindparam("at"))


def is_on(flag: Flag, plan: str, override: bool | None, expires_at: datetime | None = None) -> bool:
    """Whether a flag is on, on a plan and with this override (None: there is none), which may have ended."""
    definition = REGISTRY[flag]
    if Plan(plan) not in definition.available_on:
        return False
    if override is None or _has_ended(expires_at):
        return Plan(plan) in definition.on_for
    return override


def list_flags(uow: UnitOfWork) -> list[FlagState]:
    """Every flag as it stands in the actor's workspace."""
    uow.demand(Permission.FLAGS_READ)
    return flags_on(uow, get_workspace(uow).plan)


def flags_on(uow: UnitOfWork, plan: str) -> list[FlagState]:
    """Every flag as it would stand on this plan, for whoever may see the flags."""
    overrides = {row.id: row for row in uow.all(_OVERRIDES)}
    return [_state(flag, plan, overrides.get(flag.value)) for flag in Flag]


def set_flag(
    uow: UnitOfWork, flag: Flag, *, enabled: bool | None, reason: str, expires_at: datetime | None = None
) -> FlagState:
    """Override a flag for the actor's workspace until a time, or (None) leave it to the plan again, saying why.

    Setting what is set already is no change. Refuses with Invalid what the plan may not have, and an end that is past.
    """
    uow.demand(Permission.FLAGS_WRITE)
    uow.demand_recent_password()
    why = checked_reason(reason)
    plan = get_workspace(uow).plan
    if enabled and Plan(plan) not in REGISTRY[flag].available_on:
        raise Refused(Invalid("enabled", f"is not possible on the plan {plan.title()}: {_which_plans(flag)}"))
    if _has_ended(expires_at) or (expires_at is not None and enabled is None):
        raise Refused(Invalid("expires_at", "must be in the future, and goes with a value that is set"))
    kept = uow.first(_ONE.locked, id=flag.value)
    before = _state(flag, plan, kept)
    known = before.override
    if (known.enabled, known.expires_at) == (enabled, expires_at) if known else enabled is None:
        return before
    values = {"reason": why, "set_by": uow.actor.name, "set_at": now(), "expires_at": expires_at}
    after = None
    if enabled is None:
        uow.delete(FlagOverride, id=flag.value)
    elif kept:
        after = uow.update(FlagOverride, flag.value, {"enabled": enabled, **values})
    else:
        after = uow.insert(FlagOverride, {"id": flag.value, "enabled": enabled, **values})
    state = _state(flag, plan, after)
    _record(uow, before, state, why)
    return state


def end_flag_overrides(uow: UnitOfWork) -> int:
    """Remove overrides whose time is over, which count for nothing since then, and say so: how many there were."""
    uow.demand(Permission.RETENTION_ENFORCE)
    ended = uow.all(_ENDED, at=now())
    for override in ended:
        uow.delete(FlagOverride, id=override.id)
        change = Change("source", FlagSource.OVERRIDE.value, FlagSource.PLAN.value)
        uow.record(
            Event(Action.FLAG_SET, "WorkspaceFlag", override.id, override.id, (change,), "its end date has come")
        )
    return len(ended)


def changes_of(before: Iterable[FlagState], after: Iterable[FlagState]) -> tuple[Change, ...]:
    """Which flags are on now and were not, and the other way round."""
    pairs = zip(before, after, strict=True)
    return tuple(
        Change(old.flag.value, _on_off(old.enabled), _on_off(new.enabled))
        for old, new in pairs
        if old.enabled != new.enabled
    )


def _record(uow: UnitOfWork, before: FlagState, after: FlagState, reason: str) -> None:
    changes = [Change("enabled", _on_off(before.enabled), _on_off(after.enabled))]
    ends = [state.override.expires_at if state.override else None for state in (before, after)]
    if ends[0] != ends[1]:
        changes.append(change_of("expires_at", *(end and end.isoformat(timespec="seconds") for end in ends)))
    if before.source is not after.source and after.source is FlagSource.PLAN:
        changes.append(Change("source", before.source.value, after.source.value))
    key = after.flag.value
    uow.record(Event(Action.FLAG_SET, "WorkspaceFlag", key, key, tuple(changes), reason))


def _state(flag: Flag, plan: str, override: FlagOverride | None) -> FlagState:
    if override is not None and _has_ended(override.expires_at):
        override = None
    return FlagState(
        flag=flag,
        enabled=is_on(flag, plan, override.enabled if override else None),
        is_available=Plan(plan) in REGISTRY[flag].available_on,
        plan_default=is_on(flag, plan, None),
        override=override,
    )


def _has_ended(expires_at: datetime | None) -> bool:
    return expires_at is not None and expires_at <= now()


def _which_plans(flag: Flag) -> str:
    return f"it comes with {' and '.join(plan.title() for plan in Plan if plan in REGISTRY[flag].available_on)}"


def _on_off(enabled: bool) -> str:
    return "on" if enabled else "off"
