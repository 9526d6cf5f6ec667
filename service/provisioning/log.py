"""The provisioning log: what an identity provider asked for and was told, an entry for each request that showed a key.

Written after the answer, in batches, so that no request waits for it; a crash may lose the entries of its last moments.
What was changed stands in the audit log, which loses nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Index, bindparam, func, select
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.clock import now
from service.ids import new_id
from service.pages import Order, Page, PageRequest, page_of
from service.provisioning.tolerances import note_tolerances
from service.refusals import NotFound, Refused
from service.retention import BATCH
from service.store.columns import Instant, Json, table_of
from service.store.json_values import one_of
from service.unit_of_work import Narrowed, UnitOfWork, narrowed
from service.workspaces import Workspace

MAX_ENTRIES = 100_000  # of a workspace; older ones go
MAX_TEXT = 4_096  # characters of a request or an answer that are kept


class Operation(StrEnum):
    """What a request came to."""

    TEST = "TEST"
    DISCOVERY = "DISCOVERY"
    LOOKUP = "LOOKUP"
    LIST = "LIST"
    READ = "READ"
    CREATE = "CREATE"
    LINK = "LINK"
    UPDATE = "UPDATE"
    DEACTIVATE = "DEACTIVATE"
    REACTIVATE = "REACTIVATE"
    DELETE = "DELETE"
    GROUP_CHANGE = "GROUP_CHANGE"
    BULK = "BULK"
    OTHER = "OTHER"
    ENTRIES_LOST = "ENTRIES_LOST"


class Outcome(StrEnum):
    """How a request ended: it was done, it was refused, or it failed on our side."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"

    @classmethod
    def of(cls, status: int) -> "Outcome":
        """By the status of the answer."""
        return cls.DONE if status < 400 else cls.REFUSED if status < 500 else cls.FAILED


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer. Texts are without secrets and cut to `MAX_TEXT` characters."""

    at: datetime
    operation: Operation
    outcome: Outcome
    status: int
    duration_ms: int
    api_key_id: str
    api_key_name: str
    client: str | None
    ip: str | None
    request_id: str | None
    target_kind: str | None
    target_id: str | None
    target_name: str | None
    changes: list[dict[str, str | None]] | None
    tolerances: list[str] | None
    method: str
    address: str
    request: str | None
    response: str | None


class ProvisioningEvent(SQLModel, table=True):
    """An entry of the log; ids sort by the time of writing."""

    __tablename__ = "provisioning_event"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("provisioning_event_request", "workspace_id", "request_id"),
        Index("provisioning_event_target", "workspace_id", "target_id", "id"),
    )

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    operation: str
    outcome: str
    status: int
    duration_ms: int
    api_key_id: str
    api_key_name: str
    client: str | None = None
    ip: str | None = None
    request_id: str | None = None
    target_kind: str | None = None
    target_id: str | None = None
    target_name: str | None = None
    changes: list[dict[str, str | None]] | None = Field(default=None, sa_type=Json)
    tolerances: list[str] | None = Field(default=None, sa_type=Json)
    method: str
    address: str
    request: str | None = None
    response: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProvisioningFilter:
    """Which entries to list; what is None does not matter."""

    operation: Operation | None = None
    outcome: Outcome | None = None
    api_key_id: str | None = None
    target_id: str | None = None
    request_id: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The values that the filter's conditions compare with."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


_EVENT = table_of(ProvisioningEvent)
_BY_ID = narrowed(ProvisioningEvent).where(_EVENT.c.id == bindparam("id"))
_ORDER = Order("provisioning events, the newest first", (_EVENT.c.id,), descending=True)
_NEWEST = narrowed(ProvisioningEvent).order_by(_EVENT.c.id.desc()).page
_OLD = narrowed(ProvisioningEvent).where(_EVENT.c.at < bindparam("before")).order_by(_EVENT.c.id).page
_TOO_MANY = narrowed(ProvisioningEvent).where(_EVENT.c.id <= bindparam("last")).order_by(_EVENT.c.id).page
_SINCE = narrowed(ProvisioningEvent).where(_EVENT.c.id >= bindparam("since")).order_by(_EVENT.c.id)
_OTHER = _EVENT.alias()
_LAST = select(func.max(_OTHER.c.id)).where(
    _OTHER.c.workspace_id == bindparam("of_workspace"), _OTHER.c.target_id.in_(one_of("target_ids"))
)
_LAST_OF_TARGETS = narrowed(ProvisioningEvent).where(_EVENT.c.id.in_(_LAST.group_by(_OTHER.c.target_id)))
_OWN = narrowed(Workspace)


def write_exchanges(uow: UnitOfWork, exchanges: Sequence[Exchange]) -> None:
    """Add entries to the log, and note which tolerances they needed."""
    uow.demand(Permission.PROVISIONING_LOG_WRITE)
    uow.log(ProvisioningEvent, [{"id": new_id("pev"), **vars(each)} for each in exchanges])
    used = ((each, tolerance) for each in exchanges for tolerance in each.tolerances or ())
    note_tolerances(uow, ((each.api_key_id, each.api_key_name, tolerance) for each, tolerance in used))


def trim_provisioning_log(uow: UnitOfWork) -> int:
    """Remove what is older than the workspace keeps its log for, and what is too much: up to `BATCH`, and how many."""
    uow.demand(Permission.RETENTION_ENFORCE)
    workspace = uow.first(_OWN)
    if workspace is None:
        return 0
    batch = {"page_limit": BATCH, "page_offset": 0}
    before = now() - timedelta(days=workspace.provisioning_log_days)
    removed = uow.expire(_OLD, ProvisioningEvent, before=before, **batch)
    if removed == BATCH:
        return removed
    first_too_many = uow.first(_NEWEST, page_limit=1, page_offset=MAX_ENTRIES)
    return uow.expire(_TOO_MANY, ProvisioningEvent, last=first_too_many.id, **batch) if first_too_many else removed


def get_provisioning_event(uow: UnitOfWork, entry_id: str) -> ProvisioningEvent:
    """One entry, or NotFound."""
    uow.demand(Permission.PROVISIONING_READ)
    event = uow.first(_BY_ID, id=entry_id)
    if event is None:
        raise Refused(NotFound("ProvisioningEvent", entry_id))
    return event


def page_provisioning_events(
    uow: UnitOfWork, filter: ProvisioningFilter, wanted: PageRequest
) -> Page[ProvisioningEvent]:
    """One page of the workspace's entries, the newest first."""
    uow.demand(Permission.PROVISIONING_READ)
    parameters = filter.parameters
    return page_of(uow, _filtered(tuple(parameters)), _ORDER, wanted, parameters)


def count_provisioning_events(uow: UnitOfWork, filter: ProvisioningFilter) -> int:
    """How many entries a filter finds."""
    uow.demand(Permission.PROVISIONING_READ)
    parameters = filter.parameters
    return uow.number(_filtered(tuple(parameters)).count, **parameters)


def provisioning_events_since(uow: UnitOfWork, since: str) -> list[ProvisioningEvent]:
    """The entries from this id on, the oldest first."""
    uow.demand(Permission.PROVISIONING_READ)
    return uow.all(_SINCE, since=since)


def last_provisioning_events(uow: UnitOfWork, target_ids: Sequence[str]) -> Mapping[str, ProvisioningEvent]:
    """The newest entry about each of some people or groups, by their ids, in one statement."""
    uow.demand(Permission.PROVISIONING_READ)
    rows = uow.all(_LAST_OF_TARGETS, target_ids=list(target_ids)) if target_ids else ()
    return {row.target_id: row for row in rows if row.target_id is not None}


@lru_cache(maxsize=64)
def _filtered(names: tuple[str, ...]) -> Narrowed[ProvisioningEvent]:
    """One query for all filters of one shape."""
    return narrowed(ProvisioningEvent).where(*(_EVENT.c[name] == bindparam(name) for name in names))
