"""Who decides about what of a person: the directory that manages them, or the workspace's own people."""

from collections.abc import Mapping
from typing import Any

from service.actor import ActorKind
from service.refusals import DirectoryManaged, Refused, WorkspaceDecides
from service.unit_of_work import UnitOfWork
from service.users.fields import FIELD_NAMES, ManagedBy, User, shown_name

BY_ADMIN = "ADMIN"
BY_DIRECTORY = "DIRECTORY"
BY_PAUSE = "PAUSE"


def locked_fields(user: User) -> tuple[str, ...]:
    """The fields that the workspace's own people cannot change: all that the directory says. The role stays theirs."""
    return FIELD_NAMES if user.managed_by == ManagedBy.DIRECTORY else ()


def refuse_unless_decided_here(uow: UnitOfWork, user: User, values: Mapping[str, Any]) -> None:
    """Refuse changes of a person to those who do not decide about them.

    An admin may end the access of anybody at once, and give back what an admin has taken; a directory gives back what
    it has taken itself, and nothing else.
    """
    deactivator = user.deactivated_by
    if uow.actor.is_directory:
        if values.get("active") and deactivator == BY_ADMIN:
            raise Refused(WorkspaceDecides(_ENDED_HERE.format(shown_name(user))))
        return
    if uow.actor.kind in _BESIDE_THE_WORKSPACE or user.managed_by != ManagedBy.DIRECTORY:
        return
    field = next((name for name in values if name in FIELD_NAMES and name != "active"), None)
    if field is None and values.get("active") and deactivator == BY_DIRECTORY:
        field = "active"
    if field is not None:
        raise Refused(DirectoryManaged(field, _MANAGED.format(shown_name(user))))


_BESIDE_THE_WORKSPACE = (ActorKind.SUPPORT, ActorKind.SYSTEM)
_ENDED_HERE = (
    "An admin of the workspace has ended the access of {}, and a directory cannot give it back. Let an admin "
    "reactivate the person in the workspace's settings, under People; then let the identity provider try again."
)
_MANAGED = (
    "{} is managed by the directory, which would undo this: change it in the identity provider, or take the person out "
    "of the directory's management first."
)
