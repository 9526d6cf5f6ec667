"""What may be done to a group. Each verb is one transaction's work and records what it did.

Whoever changes a group's members reads none of the others: the number of statements does not grow with the group.
"""

from collections.abc import Callable, Container, Iterable, Sequence

from sqlalchemy import ColumnElement, bindparam, exists

from service.actor import Permission, Role
from service.audit import Action, Change, Event, change_of
from service.clock import now
from service.groups.fields import (
    Group,
    GroupFields,
    GroupMember,
    MemberChange,
    NetChange,
    group_keys,
)
from service.groups.roles import follow_group_roles
from service.ids import is_possible, new_id
from service.refusals import Invalid, NotFound, Refused, Stale, Taken
from service.store.columns import table_of
from service.store.json_values import one_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User, shown_name

_NAMED_IN_AUDIT = 20  # people; more are counted
_GROUP, _MEMBER, _USER = table_of(Group), table_of(GroupMember), table_of(User)
_TO_CHANGE = narrowed(Group).where(_GROUP.c.id == bindparam("id")).locked
_USERS = narrowed(User).where(_USER.c.id.in_(one_of("user_ids")))
_KEPT_USERS = _USERS.only(_USER.c.id).kept  # who is to become a member is not deleted meanwhile
_MEMBERS = narrowed(GroupMember).where(_MEMBER.c.group_id == bindparam("group_id"))
_THESE = _MEMBERS.where(_MEMBER.c.user_id.in_(one_of("user_ids")))
_OTHERS = _MEMBERS.where(_MEMBER.c.user_id.not_in(one_of("user_ids")))
_here = (_MEMBER.c.workspace_id == _USER.c.workspace_id) & (_MEMBER.c.group_id == bindparam("group_id"))
_NEW = _USERS.where(~exists().where(_here, _MEMBER.c.user_id == _USER.c.id))  # NOT IN would read all members
_NEW_COLUMNS: tuple[ColumnElement[str], ...] = (
    _USER.c.workspace_id,
    bindparam("group_id").label("group_id"),
    _USER.c.id.label("user_id"),
)


def create_group(uow: UnitOfWork, fields: GroupFields, members: Sequence[MemberChange] = ()) -> Group:
    """Add a group with members. Refuses with Taken where the name is in use, and with Invalid who is no user here."""
    uow.demand(Permission.GROUPS_WRITE)
    at = now()
    values = {**fields.model_dump(), **group_keys(fields), "version": 1, "created_at": at, "updated_at": at}
    group = uow.insert(Group, {"id": new_id("grp"), **values, "role": None}, or_else=_taken(fields))
    uow.record(_event(Action.GROUP_CREATED, group))
    _change_members(uow, group, NetChange.of(members))
    return group


def update_group(
    uow: UnitOfWork,
    group_id: str,
    change: Callable[[Group], GroupFields],
    members: Sequence[MemberChange] = (),
    *,
    if_version: Container[int] | None = None,
) -> Group:
    """Make the group's fields those that `change` makes of the group as it is now, and then change its members.

    What changes nothing records nothing and touches no version. Refuses with NotFound, Stale (the version is not in
    `if_version`), Taken, and with Invalid where a member to be is no user of the workspace.
    """
    uow.demand(Permission.GROUPS_WRITE)
    group = _group_to_change(uow, group_id, if_version)
    fields = change(group)
    before, wanted = GroupFields.model_validate(_fields_of(group)).model_dump(), fields.model_dump()
    changed = {name: value for name, value in wanted.items() if value != before[name]}
    moved = _change_members(uow, group, NetChange.of(members))
    if not changed and not moved:
        return group
    row = {**changed, **group_keys(fields), "version": group.version + 1, "updated_at": now()}
    updated = uow.update(Group, group_id, row, if_version=group.version, or_else=_taken(fields))
    if changed:
        changes = tuple(change_of(name, before[name], value) for name, value in changed.items())
        uow.record(_event(Action.GROUP_UPDATED, updated, changes))
    return updated


def delete_group(uow: UnitOfWork, group_id: str, *, if_version: Container[int] | None = None) -> None:
    """Remove a group for good. Its members stay what they are, but for a role that they had through it."""
    uow.demand(Permission.GROUPS_WRITE)
    group = _group_to_change(uow, group_id, if_version)
    left = uow.delete_found(_MEMBERS, GroupMember, group_id=group_id)
    uow.delete(Group, id=group_id)
    uow.record(_event(Action.GROUP_DELETED, group, (Change("members", f"{len(left)}", "0"),)))
    if group.role is not None:
        follow_group_roles(uow, [row.user_id for row in left], lost=Role(group.role))


def _group_to_change(uow: UnitOfWork, group_id: str, if_version: Container[int] | None) -> Group:
    group = uow.first(_TO_CHANGE, id=group_id) if is_possible(group_id) else None
    if group is None:
        raise Refused(NotFound("Group", group_id))
    if if_version is not None and group.version not in if_version:
        raise Refused(Stale("Group", group_id))
    return group


def _change_members(uow: UnitOfWork, group: Group, net: NetChange) -> bool:
    """Let people join and leave; whether anybody did."""
    joined: list[GroupMember] = []
    left: list[GroupMember] = []
    here = {"group_id": group.id}
    if net.joins:
        _refuse_strangers(uow, net.joins)
        joined = uow.insert_found(GroupMember, _NEW, _NEW_COLUMNS, user_ids=list(net.joins), **here)
    if net.empties:
        left = uow.delete_found(_OTHERS, GroupMember, user_ids=list(net.joins), **here)
    elif net.leaves:
        left = uow.delete_found(_THESE, GroupMember, user_ids=list(net.leaves), **here)
    if not joined and not left:
        return False
    came, went = ([row.user_id for row in rows] for rows in (joined, left))
    changes = (Change("members", _names(uow, went), _names(uow, came)),)
    uow.record(_event(Action.GROUP_MEMBERS_CHANGED, group, changes))
    if group.role is not None:
        follow_group_roles(uow, came, lost=None)
        follow_group_roles(uow, went, lost=Role(group.role))
    return True


def _refuse_strangers(uow: UnitOfWork, user_ids: Sequence[str]) -> None:
    known = {user.id for user in uow.all(_KEPT_USERS, user_ids=list(user_ids))}
    stranger = next((each for each in user_ids if each not in known), None)
    if stranger is not None:
        raise Refused(Invalid("members", f"must be users of this workspace: there is no user with the id {stranger!r}"))


def _names(uow: UnitOfWork, user_ids: Iterable[str]) -> str | None:
    """Who left or joined, as a line of the audit log shows it."""
    everybody = sorted(user_ids)
    if not everybody:
        return None
    named = everybody[:_NAMED_IN_AUDIT]
    names = ", ".join(shown_name(user) for user in uow.all(_USERS, user_ids=named))
    more = len(everybody) - len(named)
    return f"{names} and {more:,} more" if more else names


def _fields_of(group: Group) -> dict[str, object]:
    return {name: getattr(group, name) for name in GroupFields.model_fields}


def _taken(fields: GroupFields) -> Taken:
    return Taken("Group", "display_name", fields.display_name, "is already the name of another group in this workspace")


def _event(action: Action, group: Group, changes: tuple[Change, ...] = ()) -> Event:
    return Event(action, "Group", group.id, group.display_name, changes)
