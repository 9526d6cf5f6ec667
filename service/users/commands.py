"""What may be done to a user. Each verb is one transaction's work and records what it did."""

from collections.abc import Callable, Container
from functools import partial
from typing import Any

from sqlalchemy import bindparam

from service.actor import ActorKind, Permission, Role
from service.api_keys import end_personal_keys
from service.audit import Action, Change, Event, change_of
from service.clock import now
from service.groups.fields import GroupMember
from service.ids import is_possible, new_id
from service.links import OneTimeLink
from service.provisioning.breaker import count_deactivation
from service.provisioning.conflicts import note_taken, refuse_unless_linkable
from service.refusals import NotFound, OwnerProtected, Refused, Stale, Taken
from service.sessions import Credential, Session
from service.store.columns import table_of
from service.text import canonical
from service.unit_of_work import UnitOfWork, narrowed
from service.users.deciding import BY_ADMIN, BY_DIRECTORY, BY_PAUSE, refuse_unless_decided_here
from service.users.fields import (
    FIELD_NAMES,
    ManagedBy,
    User,
    UserEmail,
    UserFields,
    email_keys,
    fields_of,
    initial_values,
    keys_of,
    shown_name,
    user_fields,
    with_primary_email,
)
from service.users.seats import take_seat
from service.users.tombstones import bury, identity_of
from service.workspaces import Workspace

_EMAIL = table_of(UserEmail)
_USER = table_of(User)
_ADDRESS_OF_ANOTHER = narrowed(UserEmail).where(
    _EMAIL.c.value_key == bindparam("value_key"), _EMAIL.c.user_id != bindparam("user_id")
)
_TO_CHANGE = narrowed(User).where(_USER.c.id == bindparam("id")).locked
_OWN = narrowed(Workspace)
_ACTIVE_OWNERS = narrowed(User).where(_USER.c.role == Role.OWNER.value, _USER.c.active.is_(True)).locked


def create_user(uow: UnitOfWork, fields: UserFields, *, role: Role = Role.MEMBER) -> User:
    """Add a person to the workspace; whom a directory adds has the workspace's default role.

    Refuses with Taken where the userName is in use or is another person's e-mail address, with OwnerProtected where
    somebody who is no owner would make one, and with LimitReached where all seats are taken.
    """
    uow.demand(Permission.USERS_WRITE)
    _refuse_unless_owner(uow, role)
    if role is Role.OWNER:
        uow.demand_recent_password()
    directed = uow.actor.is_directory
    workspace = uow.once(_OWN)
    if workspace is not None and directed:
        role = Role(workspace.default_role)
    if workspace is not None and fields.active:
        take_seat(uow, workspace)
    user_id, version = identity_of(uow, fields.external_id) if directed else (new_id("usr"), 1)
    managed_by = ManagedBy.DIRECTORY if directed else ManagedBy.WORKSPACE
    values = {"id": user_id, **initial_values(fields, role, managed_by, now()), "version": version}
    try:
        user = uow.insert(User, values, or_else=_taken(fields.user_name))
    except Refused as refused:
        if directed:
            refused.note = partial(note_taken, user_name=fields.user_name, external_id=fields.external_id)
        raise
    _refuse_address_of_another(uow, fields.user_name, user_id)
    uow.insert_all(UserEmail, _email_rows(user_id, fields))
    uow.record(_event(Action.USER_CREATED, user))
    return user


def update_user(
    uow: UnitOfWork, user_id: str, change: Callable[[User], UserFields], *, if_version: Container[int] | None = None
) -> User:
    """Make the user's fields those that `change` makes of the user as it is now, activity included.

    What changes nothing records nothing and touches no version. Refuses with NotFound, Stale (the version is
    not in `if_version`), Taken, Invalid and OwnerProtected (only owners change an owner; a directory may not
    deactivate one or touch the userName or an address of one; the last active owner stays); with DirectoryManaged
    where people change what the directory decides about, with WorkspaceDecides where a directory does what an admin
    has not allowed, and with LimitReached where seats or the breaker stand in the way.
    """
    uow.demand(Permission.USERS_WRITE)
    user = _user_to_change(uow, user_id)
    if if_version is not None and user.version not in if_version:
        raise Refused(Stale("User", user_id))
    fields = change(user)
    links = uow.actor.is_directory and user.managed_by == ManagedBy.WORKSPACE and user.role != Role.OWNER
    if links:
        refuse_unless_linkable(uow, user, fields.external_id)
        # Adopting somebody by a matching userName must not be a way to take over their mail (CVE-2022-1680).
        fields = fields.model_copy(update={"emails": user.emails})
    before = fields_of(user)
    wanted = fields.model_dump()
    values = {name: wanted[name] for name in FIELD_NAMES if wanted[name] != before[name]}
    if not values and not links:
        return user
    if links:
        values["managed_by"] = ManagedBy.DIRECTORY.value
    return _apply(uow, user, fields, values)


def deactivate_user(uow: UnitOfWork, user_id: str) -> User:
    """End a person's access: see `update_user`. Deactivating twice is no change."""
    return update_user(uow, user_id, lambda user: user_fields({**fields_of(user), "active": False}))


def reactivate_user(uow: UnitOfWork, user_id: str) -> User:
    """Give a deactivated person access again. Reactivating twice is no change."""
    return update_user(uow, user_id, lambda user: user_fields({**fields_of(user), "active": True}))


def edit_user(uow: UnitOfWork, user_id: str, changes: dict[str, Any], role: Role | None) -> User:
    """Change some fields of a person, by the names of `UserFields`, and their role: all of it or nothing.

    `email` stands for the address that mail goes to; None takes it away and leaves the others.
    """
    uow.demand(Permission.USERS_WRITE)

    def edited(user: User) -> UserFields:
        fields = {**fields_of(user), **changes}
        if "email" in changes:
            fields["emails"] = with_primary_email(user.emails, fields.pop("email"))
        return user_fields(fields)

    user = update_user(uow, user_id, edited)
    return user if role is None else set_role(uow, user_id, role)


def unlink_user(uow: UnitOfWork, user_id: str) -> User:
    """Let the workspace's own people decide about a person again. The directory's next write links them anew, or is
    refused, as the workspace has decided."""
    uow.demand(Permission.USERS_WRITE)
    user = _user_to_change(uow, user_id)
    return user if user.managed_by == ManagedBy.WORKSPACE else release_user(uow, user)


def release_user(uow: UnitOfWork, user: User) -> User:
    """Take a person out of the directory's management, which whoever calls this has made sure of, and say so."""
    values = _touched(user, {"managed_by": ManagedBy.WORKSPACE.value})
    changed = uow.update(User, user.id, values, if_version=user.version)
    uow.record(_event(Action.USER_UNLINKED, changed, _changes(user, {"managed_by": ManagedBy.WORKSPACE})))
    return changed


def pause_user(uow: UnitOfWork, user: User) -> User:
    """End a person's access for as long as provisioning is paused."""
    return _apply(uow, user, user_fields({**fields_of(user), "active": False}), {"active": False})


def resume_user(uow: UnitOfWork, user: User) -> User:
    """Give back what the pause took, or refuse with LimitReached where all seats are taken."""
    return _apply(uow, user, user_fields({**fields_of(user), "active": True}), {"active": True})


def set_role(uow: UnitOfWork, user_id: str, role: Role) -> User:
    """Change what a person may do; only owners make and unmake owners, and one active owner stays."""
    uow.demand(Permission.USERS_WRITE)
    user = _user_to_change(uow, user_id)
    if user.role == role:
        return user
    _refuse_unless_owner(uow, role)
    if role is Role.OWNER:
        uow.demand_recent_password()
    if user.role == Role.OWNER:
        _protect_owner(uow, user, "change the role of")
    return give_role(uow, user, role)


def give_role(uow: UnitOfWork, user: User, role: Role) -> User:
    """Make a role the user's, which whoever calls this has made sure of, and say so."""
    uow.claim(user.id)
    changed = uow.update(User, user.id, _touched(user, {"role": role.value}), if_version=user.version)
    uow.record(_event(Action.USER_UPDATED, changed, (Change("role", user.role, role.value),)))
    return changed


def delete_user(uow: UnitOfWork, user_id: str, *, if_version: Container[int] | None = None) -> None:
    """Remove a person for good: userName and addresses are free at once, sessions end."""
    uow.demand(Permission.USERS_WRITE)
    user = _user_to_change(uow, user_id)
    if if_version is not None and user.version not in if_version:
        raise Refused(Stale("User", user_id))
    if user.role == Role.OWNER:
        _protect_owner(uow, user, "delete")
    if uow.actor.is_directory:
        if user.managed_by == ManagedBy.WORKSPACE:
            refuse_unless_linkable(uow, user, user.external_id)
        if user.active:
            count_deactivation(uow, user)
    bury(uow, user)
    uow.claim(user_id)
    receipt = _receipt(uow, user_id)
    for model in (Credential, OneTimeLink, UserEmail, GroupMember):
        uow.delete(model, user_id=user_id)
    if not uow.delete(User, id=user_id):
        raise Refused(NotFound("User", user_id))
    uow.record(_event(Action.USER_DELETED, user, receipt))


def _user_to_change(uow: UnitOfWork, user_id: str) -> User:
    user = uow.first(_TO_CHANGE, id=user_id) if is_possible(user_id) else None
    if user is None:
        raise Refused(NotFound("User", user_id))
    return user


def _apply(uow: UnitOfWork, user: User, fields: UserFields, values: dict[str, Any]) -> User:
    """Write the changed values of one user and say what they were."""
    if user.role == Role.OWNER:
        _protect_owner_fields(uow, user, values)
    refuse_unless_decided_here(uow, user, values)
    if not values.get("active", True):
        uow.claim(user.id)
        if uow.actor.is_directory:
            count_deactivation(uow, user)
    elif "active" in values and (workspace := uow.once(_OWN)) is not None:
        take_seat(uow, workspace)
    changes = _changes(user, values)
    row = _touched(user, values | keys_of(fields))
    if "active" in values:
        row["deactivated_at"] = None if fields.active else row["updated_at"]
        row["deactivated_by"] = None if fields.active else _deactivator(uow)
    changed = uow.update(User, user.id, row, if_version=user.version, or_else=_taken(fields.user_name))
    if "user_name" in values:
        _refuse_address_of_another(uow, fields.user_name, user.id)
    if "emails" in values and email_keys(fields) != email_keys(user):
        uow.delete(UserEmail, user_id=user.id)
        uow.insert_all(UserEmail, _email_rows(user.id, fields))
    if "active" in values and not fields.active:
        changes += _receipt(uow, user.id)
    uow.record(_event(_action(values), changed, changes))
    return changed


def _receipt(uow: UnitOfWork, user_id: str) -> tuple[Change, ...]:
    """End whatever a person could still act with, and say how much it was."""
    ended = {"sessions": uow.delete(Session, user_id=user_id), "personal_keys": end_personal_keys(uow, user_id)}
    return tuple(Change(what, str(number), "0") for what, number in ended.items())


def _action(values: dict[str, Any]) -> Action:
    """What a reader of the audit log looks for first."""
    if "active" in values:
        return Action.USER_REACTIVATED if values["active"] else Action.USER_DEACTIVATED
    return Action.USER_LINKED if "managed_by" in values else Action.USER_UPDATED


def _deactivator(uow: UnitOfWork) -> str:
    if uow.actor.kind is ActorKind.SYSTEM:
        return BY_PAUSE
    return BY_DIRECTORY if uow.actor.is_directory else BY_ADMIN


def _touched(user: User, values: dict[str, Any]) -> dict[str, Any]:
    return values | {"version": user.version + 1, "updated_at": now()}


def _event(action: Action, user: User, changes: tuple[Change, ...] = ()) -> Event:
    return Event(action, "User", user.id, shown_name(user), changes)


def _changes(user: User, values: dict[str, Any]) -> tuple[Change, ...]:
    return tuple(change_of(name, getattr(user, name), value) for name, value in values.items())


def _taken(user_name: str) -> Taken:
    return Taken("User", "user_name", user_name, "is already the userName of another person in this workspace")


def _email_rows(user_id: str, fields: UserFields) -> list[dict[str, str]]:
    return [{"value_key": key, "user_id": user_id} for key in sorted(email_keys(fields))]


def _refuse_address_of_another(uow: UnitOfWork, user_name: str, user_id: str) -> None:
    # People sign in by userName or by address: a name equal to another's address would lock that person out.
    if uow.first(_ADDRESS_OF_ANOTHER, value_key=canonical(user_name), user_id=user_id):
        why = "is the e-mail address of another person in this workspace"
        raise Refused(Taken("User", "user_name", user_name, why))


def _refuse_unless_owner(uow: UnitOfWork, role: Role) -> None:
    """Only an owner, or the operator of the installation, makes, changes or removes an owner."""
    actor = uow.actor
    if role is Role.OWNER and actor.role is not Role.OWNER and actor.kind is not ActorKind.SUPPORT:
        raise Refused(OwnerProtected("Only an owner of the workspace may make, change or remove an owner."))


def _protect_owner_fields(uow: UnitOfWork, user: User, values: dict[str, Any]) -> None:
    if not values.get("active", True):
        _protect_owner(uow, user, "deactivate")
    elif not uow.actor.is_directory:
        _refuse_unless_owner(uow, Role.OWNER)
    elif values.keys() & {"user_name", "emails"}:
        _protect_owner(uow, user, "change the userName or an e-mail address of")


def _protect_owner(uow: UnitOfWork, user: User, act: str) -> None:
    """A directory may not take an owner's access, and nobody may take the last active owner's."""
    if uow.actor.is_directory:
        why = (
            f"{shown_name(user)} is an owner of this workspace, and a directory may not {act} an owner. "
            "Let an owner change the person's role in the workspace's settings first, then try again."
        )
        raise Refused(OwnerProtected(why))
    _refuse_unless_owner(uow, Role.OWNER)
    uow.demand_recent_password()
    if user.active and len(uow.all(_ACTIVE_OWNERS)) <= 1:
        why = f"{shown_name(user)} is the last active owner of this workspace. Make somebody else an owner first."
        raise Refused(OwnerProtected(why))
