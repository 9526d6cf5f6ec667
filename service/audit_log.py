"""Reading the audit log; `service.audit` says what stands in it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, or_

from service.actor import Channel, Permission
from service.audit import Action, AuditEvent, Event, change_of
from service.pages import Order, Page, PageRequest, page_of, rows_from
from service.refusals import NotFound, Refused
from service.store.columns import table_of
from service.unit_of_work import Narrowed, UnitOfWork, narrowed

_EVENT = table_of(AuditEvent)
_BY_ID = narrowed(AuditEvent).where(_EVENT.c.id == bindparam("id"))
_ABOUT_PEOPLE = (
    narrowed(AuditEvent).where(_EVENT.c.id >= bindparam("since"), _EVENT.c.target_kind == "User").order_by(_EVENT.c.id)
)
_ORDER = Order("audit events, the newest first", (_EVENT.c.id,), descending=True)


@dataclass(frozen=True)
class AuditFilter:
    """Which events to list; what is None does not matter. Times are UTC; `until` itself is left out."""

    actions: tuple[Action, ...] | None = None
    channels: tuple[Channel, ...] | None = None
    actor_id: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The values that the filter's conditions compare with."""
        given: dict[str, object] = {f"action_{number}": each.value for number, each in enumerate(self.actions or ())}
        given |= {f"channel_{number}": each.value for number, each in enumerate(self.channels or ())}
        single = {"actor": self.actor_id, "target": self.target_id, "since": self.since, "until": self.until}
        return given | {name: value for name, value in single.items() if value is not None}


def get_audit_event(uow: UnitOfWork, event_id: str) -> AuditEvent:
    """One event, or NotFound."""
    uow.demand(Permission.AUDIT_READ)
    event = uow.first(_BY_ID, id=event_id)
    if event is None:
        raise Refused(NotFound("AuditEvent", event_id))
    return event


def page_audit_events(uow: UnitOfWork, filter: AuditFilter, wanted: PageRequest) -> Page[AuditEvent]:
    """One page of the workspace's events, the newest first."""
    uow.demand(Permission.AUDIT_READ)
    parameters = filter.parameters
    return page_of(uow, _filtered(tuple(parameters)), _ORDER, wanted, parameters)


def count_audit_events(uow: UnitOfWork, filter: AuditFilter) -> int:
    """How many events a filter finds."""
    uow.demand(Permission.AUDIT_READ)
    parameters = filter.parameters
    return uow.number(_filtered(tuple(parameters)).count, **parameters)


def events_about_people_since(uow: UnitOfWork, since: str) -> list[AuditEvent]:
    """The events from this id on that are about people, the oldest first: for whoever may see the people themselves."""
    uow.demand(Permission.USERS_READ)
    return uow.all(_ABOUT_PEOPLE, since=since)


def audit_events_behind(uow: UnitOfWork, filter: AuditFilter, last: AuditEvent | None, limit: int) -> list[AuditEvent]:
    """The next events behind one (None: from the newest on), for whoever goes through all of them."""
    uow.demand(Permission.AUDIT_READ)
    parameters = filter.parameters
    return rows_from(uow, _filtered(tuple(parameters)), _ORDER, [last.id] if last else None, limit, parameters)


def note_audit_export(uow: UnitOfWork, filter: AuditFilter) -> None:
    """Say in the log that it is taken out as a file, and what of it."""
    uow.demand(Permission.AUDIT_READ)
    said = tuple(change_of(name, None, value) for name, value in filter.parameters.items())
    uow.record(Event(Action.AUDIT_LOG_EXPORTED, "Workspace", uow.actor.workspace_id, "audit log", said))


@lru_cache(maxsize=64)
def _filtered(names: tuple[str, ...]) -> Narrowed[AuditEvent]:
    """One query for all filters of one shape."""
    query = narrowed(AuditEvent)
    for column in (_EVENT.c.action, _EVENT.c.channel):
        any_of = [column == bindparam(name) for name in names if name.startswith(f"{column.key}_")]
        if any_of:
            query = query.where(or_(*any_of))
    conditions = {
        "actor": _EVENT.c.actor_id == bindparam("actor"),
        "target": _EVENT.c.target_id == bindparam("target"),
        "since": _EVENT.c.at >= bindparam("since"),
        "until": _EVENT.c.at < bindparam("until"),
    }
    return query.where(*(condition for name, condition in conditions.items() if name in names))
