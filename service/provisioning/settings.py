"""A workspace's own say in how its directory provisions people."""

from collections.abc import Mapping
from typing import Any

from service.actor import Permission
from service.audit import Action, Event, change_of
from service.refusals import NotFound, Refused
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import checked
from service.workspaces import ProvisioningSettings, Workspace

_NAMES = tuple(ProvisioningSettings.model_fields)
_OWN = narrowed(Workspace)


def provisioning_settings(uow: UnitOfWork) -> ProvisioningSettings:
    """The settings as they are."""
    uow.demand(Permission.PROVISIONING_READ)
    return _settings_of(_found(uow.first(_OWN), uow))


def set_provisioning_settings(uow: UnitOfWork, changes: Mapping[str, Any]) -> ProvisioningSettings:
    """Change some settings, by the names of `ProvisioningSettings`, and return all; Invalid names the first bad one.

    What changes nothing records nothing.
    """
    uow.demand(Permission.PROVISIONING_WRITE)
    workspace = _found(uow.first(_OWN.locked), uow)
    before = _settings_of(workspace)
    after = checked(ProvisioningSettings, before.model_dump() | dict(changes))
    changed = tuple(name for name in _NAMES if getattr(before, name) != getattr(after, name))
    if changed:
        uow.update(Workspace, workspace.id, {name: getattr(after, name) for name in changed})
        said = tuple(change_of(name, getattr(before, name), getattr(after, name)) for name in changed)
        uow.record(Event(Action.PROVISIONING_SETTINGS_CHANGED, "Workspace", workspace.id, workspace.name, said))
    return after


def _found(workspace: Workspace | None, uow: UnitOfWork) -> Workspace:
    if workspace is None:
        raise Refused(NotFound("Workspace", uow.actor.workspace_id))
    return workspace


def _settings_of(workspace: Workspace) -> ProvisioningSettings:
    return ProvisioningSettings.model_validate({name: getattr(workspace, name) for name in _NAMES})
