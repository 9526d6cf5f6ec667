"""The audit log: what happened, who did it and through which door; one row, in the transaction that did it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from service.actor import Actor
from service.clock import now
from service.ids import new_id
from service.refusals import Invalid, Refused
from service.store.columns import Instant, Json
from service.text import unstorable

_MAX_REASON = 500


class Action(StrEnum):
    """The catalogue of what can happen."""

    WORKSPACE_CREATED = "WORKSPACE_CREATED"
    USER_CREATED = "USER_CREATED"
    USER_UPDATED = "USER_UPDATED"
    USER_LINKED = "USER_LINKED"
    USER_UNLINKED = "USER_UNLINKED"
    USER_DEACTIVATED = "USER_DEACTIVATED"
    USER_REACTIVATED = "USER_REACTIVATED"
    USER_DELETED = "USER_DELETED"
    GROUP_CREATED = "GROUP_CREATED"
    GROUP_UPDATED = "GROUP_UPDATED"
    GROUP_MEMBERS_CHANGED = "GROUP_MEMBERS_CHANGED"
    GROUP_ROLE_SET = "GROUP_ROLE_SET"
    GROUP_DELETED = "GROUP_DELETED"
    USER_INVITED = "USER_INVITED"
    INVITATION_ACCEPTED = "INVITATION_ACCEPTED"
    NEW_PASSWORD_ASKED_FOR = "NEW_PASSWORD_ASKED_FOR"  # noqa: S105 - the name of an event
    PASSWORD_SET = "PASSWORD_SET"  # noqa: S105 - the name of an event
    API_KEY_CREATED = "API_KEY_CREATED"
    API_KEY_ROTATED = "API_KEY_ROTATED"
    API_KEY_REVOKED = "API_KEY_REVOKED"
    FLAG_SET = "FLAG_SET"
    PLAN_SET = "PLAN_SET"
    MASS_DEACTIVATION_STOPPED = "MASS_DEACTIVATION_STOPPED"
    MASS_DEACTIVATION_APPROVED = "MASS_DEACTIVATION_APPROVED"
    CONFLICT_DECIDED = "CONFLICT_DECIDED"
    SEATS_SET = "SEATS_SET"
    PROVISIONING_SETTINGS_CHANGED = "PROVISIONING_SETTINGS_CHANGED"
    PROVISIONING_PAUSED = "PROVISIONING_PAUSED"
    PROVISIONING_RESUMED = "PROVISIONING_RESUMED"
    AUDIT_LOG_TRIMMED = "AUDIT_LOG_TRIMMED"
    AUDIT_LOG_EXPORTED = "AUDIT_LOG_EXPORTED"
    SIGNED_IN = "SIGNED_IN"
    SIGNED_OUT = "SIGNED_OUT"
    SESSIONS_REVOKED = "SESSIONS_REVOKED"
    SIGN_IN_SLOWED_DOWN = "SIGN_IN_SLOWED_DOWN"


@dataclass(frozen=True)
class Change:
    """A field before and after, as a person would read them; None where there was or is no value."""

    field: str
    before: str | None
    after: str | None


def checked_reason(text: str) -> str:
    """The reason that somebody gives for an act, or Invalid."""
    if not text.strip() or len(text) > _MAX_REASON:
        raise Refused(Invalid("reason", f"must say why, in 1 to {_MAX_REASON} characters"))
    if why := unstorable(text):
        raise Refused(Invalid("reason", why))
    return text.strip()


def change_of(field: str, before: object, after: object) -> Change:
    """A change of any value, each as a line of the log shows it."""
    return Change(field, _readable(before), _readable(after))


def _readable(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(str(_readable(each)) for each in value)
        case {"value": one} | {"formatted": one}:
            return str(one)
        case _:
            return str(value)


@dataclass(frozen=True)
class Event:
    """Something that happened to one target."""

    action: Action
    target_kind: str
    target_id: str
    target_name: str
    changes: tuple[Change, ...] = ()
    reason: str | None = None


class AuditEvent(SQLModel, table=True):
    """A row of the log. Rows are added and never changed; ids sort by time."""

    __tablename__ = "audit_event"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("audit_event_target", "workspace_id", "target_id", "id"),)

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    action: str
    actor_kind: str
    actor_id: str
    actor_name: str
    channel: str
    target_kind: str
    target_id: str
    target_name: str
    changes: list[dict[str, str | None]] | None = Field(default=None, sa_type=Json)
    reason: str | None = None
    ip: str | None = None
    request_id: str | None = None


def row_of(event: Event, actor: Actor) -> dict[str, Any]:
    """The values of the event's row, save the workspace, which the unit of work adds."""
    return {
        "id": new_id("aud"),
        "at": now(),
        "action": event.action.value,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "channel": actor.channel.value,
        "target_kind": event.target_kind,
        "target_id": event.target_id,
        "target_name": event.target_name,
        "changes": [{"field": c.field, "before": c.before, "after": c.after} for c in event.changes] or None,
        "reason": event.reason,
        "ip": actor.ip,
        "request_id": actor.request_id,
    }
