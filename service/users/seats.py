"""Seats: how many people of a workspace may have access at a time, where that is bounded."""

from service.actor import Permission
from service.audit import Action, Event, change_of, checked_reason
from service.refusals import Invalid, LimitReached, Refused
from service.store.columns import table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User
from service.workspaces import Workspace, get_workspace

_ACTIVE = narrowed(User).where(table_of(User).c.active.is_(True))


def take_seat(uow: UnitOfWork, workspace: Workspace) -> None:
    """Refuse with LimitReached where one more person with access is one too many."""
    if workspace.seats is None:
        return
    uow.claim(f"seats of {workspace.id}")  # two at once could both take the last one
    taken = uow.number(_ACTIVE.count)
    if taken >= workspace.seats:
        why = (
            f"All {workspace.seats:,} seats of this workspace are taken: deactivate somebody, or ask support for more "
            "seats. Then let the identity provider try again."
        )
        raise Refused(LimitReached(why))


def set_seats(uow: UnitOfWork, seats: int | None, *, reason: str | None = None) -> Workspace:
    """Bound the number of people with access, or (None) do not. Who has access already keeps it."""
    uow.demand(Permission.SEATS_WRITE)
    uow.demand_recent_password()
    why = checked_reason(reason) if reason is not None else None
    if seats is not None and seats < 1:
        raise Refused(Invalid("seats", "must be 1 or more, or none"))
    workspace = get_workspace(uow)
    if workspace.seats == seats:
        return workspace
    changed = uow.update(Workspace, workspace.id, {"seats": seats})
    change = change_of("seats", workspace.seats, seats)
    uow.record(Event(Action.SEATS_SET, "Workspace", workspace.id, workspace.name, (change,), why))
    return changed
