"""The mass-deactivation breaker: a directory that is about to end too many people's access has to wait for an admin.

Counted are the deactivations and deletions that a directory does within a window, which begins with the first of them;
the share is of those who were active then. To take back a creation of minutes ago (a rehearsal, a mistake) is neither.
What goes too far is refused, and nothing of it is done.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.audit import Action, Change, Event
from service.clock import now
from service.refusals import LimitReached, Refused
from service.store.columns import Instant, table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User
from service.workspaces import Workspace, get_workspace

_ID = "deactivations"
_PERCENT = 100


class ProvisioningBreaker(SQLModel, table=True):
    """The window of a workspace that is being counted in, or was last."""

    __tablename__ = "provisioning_breaker"  # pyright: ignore[reportAssignmentType]

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    began_at: datetime = Field(sa_type=Instant)
    ended: int
    active_before: int
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    approved_until: datetime | None = Field(default=None, sa_type=Instant)


_OWN = narrowed(Workspace)
_WINDOW = narrowed(ProvisioningBreaker)
_ACTIVE = narrowed(User).where(table_of(User).c.active.is_(True))


@dataclass(frozen=True)
class BreakerState:
    """The breaker as an admin sees it. `stopped_at`: since when a directory waits; None where none does."""

    ended: int
    active_before: int
    window_ends_at: datetime | None
    stopped_at: datetime | None
    approved_until: datetime | None


def breaker_state(uow: UnitOfWork) -> BreakerState:
    """The breaker as it is now."""
    uow.demand(Permission.PROVISIONING_READ)
    workspace, window = get_workspace(uow), uow.first(_WINDOW)
    if window is None or now() >= (ends := _end(window, workspace)):
        return BreakerState(0, 0, None, None, None)
    waits = window.stopped_at is not None and not _is_approved(window)
    return BreakerState(
        window.ended, window.active_before, ends, window.stopped_at if waits else None, window.approved_until
    )


def approve_mass_deactivation(uow: UnitOfWork) -> BreakerState:
    """Let the directory go on, for as long as a window is. Where none waits, nothing is changed."""
    uow.demand(Permission.PROVISIONING_WRITE)
    uow.claim(_name(uow))
    workspace, window = get_workspace(uow), uow.first(_WINDOW)
    if window is not None and window.stopped_at is not None and now() < _end(window, workspace):
        until = now() + timedelta(minutes=workspace.breaker_minutes)
        if not _is_approved(window):
            uow.update(ProvisioningBreaker, _ID, {"approved_until": until, "began_at": now()})
            uow.record(_event(Action.MASS_DEACTIVATION_APPROVED, workspace, window))
    return breaker_state(uow)


def count_deactivation(uow: UnitOfWork, user: User) -> None:
    """Count one person more whose access a directory is about to end; who came within a window's time does not count.

    Refuses with LimitReached where that is more than the workspace's share, and at least its number, in its window.
    """
    uow.claim(_name(uow))  # one at a time: two at once could each be the last that is allowed
    workspace, window, at = uow.first(_OWN), uow.first(_WINDOW), now()
    if workspace is None or user.created_at > at - timedelta(minutes=workspace.breaker_minutes):
        return
    if window is None or at >= _end(window, workspace):
        fresh: dict[str, Any] = {"began_at": at, "ended": 1, "active_before": uow.number(_ACTIVE.count)}
        fresh |= {"stopped_at": None, "approved_until": None}
        if window is None:
            uow.insert(ProvisioningBreaker, {"id": _ID, **fresh})
        else:
            uow.update(ProvisioningBreaker, _ID, fresh)
        return
    ended = window.ended + 1
    too_many = ended * _PERCENT > workspace.breaker_percent * window.active_before
    if too_many and ended >= workspace.breaker_minimum and not _is_approved(window):
        raise Refused(_too_many(window, workspace), note=_note_stop)
    uow.update(ProvisioningBreaker, _ID, {"ended": ended})


def _too_many(window: ProvisioningBreaker, workspace: Workspace) -> LimitReached:
    why = (
        f"The directory has ended the access of {window.ended:,} of {window.active_before:,} people within "
        f"{workspace.breaker_minutes} minutes, and this workspace allows {workspace.breaker_percent} % without being "
        "asked. Nothing was changed. If it is meant, let an admin of the workspace approve it under Settings, "
        "Provisioning; if not, check the assignments in the identity provider."
    )
    return LimitReached(why, max(1, round((_end(window, workspace) - now()).total_seconds())))


def _note_stop(uow: UnitOfWork) -> None:
    """Leave word that a directory was stopped, once in a window."""
    uow.claim(_name(uow))
    workspace, window = uow.first(_OWN), uow.first(_WINDOW)
    if workspace is not None and window is not None and window.stopped_at is None:
        uow.update(ProvisioningBreaker, _ID, {"stopped_at": now()})
        uow.record(_event(Action.MASS_DEACTIVATION_STOPPED, workspace, window))


def _event(action: Action, workspace: Workspace, window: ProvisioningBreaker) -> Event:
    changes = (Change("people", f"{window.active_before:,}", f"{window.active_before - window.ended:,}"),)
    return Event(action, "Workspace", workspace.id, workspace.name, changes)


def _end(window: ProvisioningBreaker, workspace: Workspace) -> datetime:
    return window.began_at + timedelta(minutes=workspace.breaker_minutes)


def _is_approved(window: ProvisioningBreaker) -> bool:
    return window.approved_until is not None and now() < window.approved_until


def _name(uow: UnitOfWork) -> str:
    return f"breaker of {uow.actor.workspace_id}"
