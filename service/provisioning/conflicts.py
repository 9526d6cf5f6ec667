"""The conflict list: people who were there before the directory asked for them, and about whom an admin decides."""

from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlalchemy import UniqueConstraint, bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission, Role
from service.audit import Action, Change, Event
from service.clock import now
from service.ids import is_possible, new_id
from service.pages import Order, Page, PageRequest, page_of
from service.refusals import NotFound, OwnerProtected, Refused, WorkspaceDecides
from service.store.columns import Instant, table_of
from service.text import canonical
from service.unit_of_work import Narrowed, UnitOfWork, narrowed
from service.users.fields import ManagedBy, User, shown_name
from service.workspaces import LinkExistingUsers, Workspace


class ConflictState(StrEnum):
    """What has been decided, or has not."""

    OPEN = "OPEN"
    LINKED = "LINKED"
    DISMISSED = "DISMISSED"


class ProvisioningConflict(SQLModel, table=True):
    """A person whom the directory asked for, at most one row of each."""

    __tablename__ = "provisioning_conflict"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("workspace_id", "user_id", name="provisioning_conflict_user"),)

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    user_id: str
    user_name: str
    external_id: str | None = None
    api_key_name: str
    state: str
    times: int
    first_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)


_CONFLICT, _USER = table_of(ProvisioningConflict), table_of(User)
_OWN = narrowed(Workspace)
_ALL = narrowed(ProvisioningConflict)
_IN_STATE = _ALL.where(_CONFLICT.c.state == bindparam("state"))
_BY_ID = _ALL.where(_CONFLICT.c.id == bindparam("id"))
_BY_USER = _ALL.where(_CONFLICT.c.user_id == bindparam("user_id"))
_USER_TO_CHANGE = narrowed(User).where(_USER.c.id == bindparam("id")).locked
_USER_NAMED = narrowed(User).where(_USER.c.user_name_key == bindparam("key"))
_ORDER = Order("conflicts, the newest first", (_CONFLICT.c.id,), descending=True)


def page_conflicts(uow: UnitOfWork, state: ConflictState | None, wanted: PageRequest) -> Page[ProvisioningConflict]:
    """One page of the conflict list, the newest first."""
    uow.demand(Permission.PROVISIONING_READ)
    return page_of(uow, _ALL if state is None else _IN_STATE, _ORDER, wanted, _named(state))


def count_conflicts(uow: UnitOfWork, state: ConflictState | None) -> int:
    """How many there are."""
    uow.demand(Permission.PROVISIONING_READ)
    return uow.number((_ALL if state is None else _IN_STATE).count, **_named(state))


def get_conflict(uow: UnitOfWork, conflict_id: str) -> ProvisioningConflict:
    """One, or NotFound."""
    uow.demand(Permission.PROVISIONING_READ)
    return _found(uow, _BY_ID, conflict_id)


def decide_conflict(uow: UnitOfWork, conflict_id: str, *, link: bool) -> ProvisioningConflict:
    """Let the directory manage the person, or not; its next request is answered accordingly. Owners stay free of it."""
    uow.demand(Permission.PROVISIONING_WRITE)
    conflict = _found(uow, _BY_ID.locked, conflict_id)
    user = uow.first(_USER_TO_CHANGE, id=conflict.user_id)
    if user is None:
        raise Refused(NotFound("User", conflict.user_id))
    if link and user.role == Role.OWNER:
        why = f"{shown_name(user)} is an owner, whom no directory may manage. Change the person's role first."
        raise Refused(OwnerProtected(why))
    state = ConflictState.LINKED if link else ConflictState.DISMISSED
    if conflict.state == state:
        return conflict
    if link and user.managed_by == ManagedBy.WORKSPACE:
        values = {"managed_by": ManagedBy.DIRECTORY.value, "version": user.version + 1, "updated_at": now()}
        uow.update(User, user.id, values, if_version=user.version)
        change = Change("managed_by", ManagedBy.WORKSPACE, ManagedBy.DIRECTORY)
        uow.record(Event(Action.USER_LINKED, "User", user.id, shown_name(user), (change,)))
    decided = {"state": state.value, "decided_by": uow.actor.name, "decided_at": now()}
    changed = uow.update(ProvisioningConflict, conflict.id, decided)
    said = (Change("state", conflict.state, state),)
    uow.record(Event(Action.CONFLICT_DECIDED, "User", user.id, shown_name(user), said))
    return changed


def refuse_unless_linkable(uow: UnitOfWork, user: User, external_id: str | None) -> None:
    """Refuse with WorkspaceDecides where an admin wants to be asked before the directory manages somebody."""
    workspace = uow.first(_OWN)
    if workspace is None or workspace.link_existing_users != LinkExistingUsers.ASK:
        return
    why = (
        f"{shown_name(user)} was in this workspace before the directory asked for them, and an admin of the workspace "
        "has to link them first: under Settings, Provisioning, Conflicts. Then let the identity provider try again."
    )
    raise Refused(WorkspaceDecides(why), note=partial(_note, user_id=user.id, external_id=external_id))


def note_taken(uow: UnitOfWork, *, user_name: str, external_id: str | None) -> None:
    """Leave word that the directory tried to create somebody who is there already and whom it does not manage."""
    user = uow.first(_USER_NAMED, key=canonical(user_name))
    if user is not None and user.managed_by == ManagedBy.WORKSPACE and user.role != Role.OWNER:
        _note(uow, user_id=user.id, external_id=external_id)


def _note(uow: UnitOfWork, *, user_id: str, external_id: str | None) -> None:
    uow.claim(f"conflict about {user_id}")
    user, known = uow.first(_USER_TO_CHANGE, id=user_id), uow.first(_BY_USER, user_id=user_id)
    if user is None:
        return
    seen = {"last_at": now(), "external_id": external_id, "api_key_name": uow.actor.name}
    if known is not None:
        uow.keep(ProvisioningConflict, known.id, {**seen, "times": known.times + 1})
        return
    row = {"user_id": user.id, "user_name": user.user_name, "state": ConflictState.OPEN.value, "times": 1}
    uow.log(ProvisioningConflict, [{"id": new_id("cfl"), **row, **seen, "first_at": now(), **_UNDECIDED}])


_UNDECIDED = {"decided_by": None, "decided_at": None}


def _found(uow: UnitOfWork, query: Narrowed[ProvisioningConflict], conflict_id: str) -> ProvisioningConflict:
    conflict = uow.first(query, id=conflict_id) if is_possible(conflict_id) else None
    if conflict is None:
        raise Refused(NotFound("ProvisioningConflict", conflict_id))
    return conflict


def _named(state: ConflictState | None) -> dict[str, object]:
    return {} if state is None else {"state": state.value}
