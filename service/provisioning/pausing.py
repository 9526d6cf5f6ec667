"""Pausing provisioning: the directory is told to wait, and the workspace says what happens to whom it manages.

A pause is written at once. What it means for people follows in batches, so that a large workspace keeps nobody waiting;
where the process that does it dies, the background work goes on with it. Resuming gives back the access that the pause
took, and nothing that an admin or the directory took.
"""

from datetime import datetime
from enum import StrEnum

from service.actor import Permission, Role, system
from service.audit import Action, Change, Event, change_of
from service.clock import now
from service.refusals import LimitReached, NotFound, Refused
from service.store.columns import table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.commands import pause_user, release_user, resume_user
from service.users.deciding import BY_DIRECTORY, BY_PAUSE
from service.users.fields import ManagedBy, User
from service.work import Work
from service.workspaces import Workspace

BATCH = 200  # people whom one transaction changes


class ManagedPeople(StrEnum):
    """What a pause means for the people whom the directory manages."""

    KEEP = "KEEP"
    CONVERT = "CONVERT"
    DEACTIVATE = "DEACTIVATE"


class Sweep(StrEnum):
    """What is still to be done for people after a pause began or ended."""

    CONVERT = "CONVERT"
    DEACTIVATE = "DEACTIVATE"
    RESTORE = "RESTORE"


_USER = table_of(User)
_MANAGED = narrowed(User).where(_USER.c.managed_by == ManagedBy.DIRECTORY.value).order_by(_USER.c.id)
_TO_SWEEP = {
    Sweep.CONVERT: _MANAGED.page.locked,
    Sweep.DEACTIVATE: _MANAGED.where(_USER.c.active.is_(True), _USER.c.role != Role.OWNER.value).page.locked,
    Sweep.RESTORE: narrowed(User).where(_USER.c.deactivated_by == BY_PAUSE).order_by(_USER.c.id).page.locked,
}
_OWN_TO_CHANGE = narrowed(Workspace).locked


def pause_provisioning(uow: UnitOfWork, managed_people: ManagedPeople) -> Workspace:
    """Have the directory refused until provisioning is resumed. Pausing twice is no change.

    KEEP leaves people as they are; CONVERT lets the workspace decide about them; DEACTIVATE ends their access, an
    owner's excepted. `sweep_managed_people` does it.
    """
    uow.demand(Permission.PROVISIONING_WRITE)
    uow.demand_recent_password()
    workspace = _locked(uow)
    if workspace.provisioning_paused_at is not None:
        return workspace
    sweep = None if managed_people is ManagedPeople.KEEP else Sweep(managed_people)
    said = change_of("managed_people", None, managed_people)
    return _switched(uow, workspace, now(), sweep, Action.PROVISIONING_PAUSED, said)


def resume_provisioning(uow: UnitOfWork) -> Workspace:
    """Let the directory in again; access that the pause took comes back. Resuming twice is no change."""
    uow.demand(Permission.PROVISIONING_WRITE)
    workspace = _locked(uow)
    if workspace.provisioning_paused_at is None:
        return workspace
    return _switched(uow, workspace, None, Sweep.RESTORE, Action.PROVISIONING_RESUMED)


def sweep_managed_people(uow: UnitOfWork) -> int:
    """Do for up to `BATCH` people what pausing or resuming means for them: how many there were.

    Whom no seat is left for stays without access, and the directory may give it back later.
    """
    uow.demand(Permission.PROVISIONING_SWEEP)
    workspace = _locked(uow)
    if workspace.provisioning_sweep is None:
        return 0
    sweep = Sweep(workspace.provisioning_sweep)
    people = uow.all(_TO_SWEEP[sweep], page_limit=BATCH, page_offset=0)
    for user in people:
        match sweep:
            case Sweep.CONVERT:
                release_user(uow, user)
            case Sweep.DEACTIVATE:
                pause_user(uow, user)
            case Sweep.RESTORE:
                _restored(uow, user)
    if len(people) < BATCH:
        uow.keep(Workspace, workspace.id, {"provisioning_sweep": None})
    return len(people)


async def sweep_all(work: Work, workspace_id: str) -> None:
    """Sweep the workspace to its end."""
    while await work.write(system(workspace_id), sweep_managed_people) == BATCH:
        pass


def _restored(uow: UnitOfWork, user: User) -> None:
    try:
        resume_user(uow, user)
    except Refused as refused:
        if not isinstance(refused.reason, LimitReached):
            raise
        uow.keep(User, user.id, {"deactivated_by": BY_DIRECTORY})


def _locked(uow: UnitOfWork) -> Workspace:
    workspace = uow.first(_OWN_TO_CHANGE)
    if workspace is None:
        raise Refused(NotFound("Workspace", uow.actor.workspace_id))
    return workspace


def _switched(
    uow: UnitOfWork,
    workspace: Workspace,
    paused_at: datetime | None,
    sweep: Sweep | None,
    action: Action,
    *said: Change,
) -> Workspace:
    values = {"provisioning_paused_at": paused_at, "provisioning_sweep": sweep.value if sweep else None}
    changed = uow.update(Workspace, workspace.id, values)
    uow.record(Event(action, "Workspace", workspace.id, workspace.name, said))
    return changed
