"""Groups that an admin has mapped to a role: their members have it. An owner's role comes from nobody's group."""

from collections.abc import Sequence

from sqlalchemy import bindparam

from service.actor import Permission, Role
from service.audit import Action, Event, change_of
from service.groups.fields import Group, GroupMember
from service.ids import is_possible
from service.refusals import Forbidden, Invalid, NotFound, Refused
from service.store.columns import table_of
from service.store.json_values import one_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.commands import give_role
from service.users.fields import User
from service.workspaces import Workspace

_GROUP, _MEMBER, _USER = table_of(Group), table_of(GroupMember), table_of(User)
_TO_CHANGE = narrowed(Group).where(_GROUP.c.id == bindparam("id")).locked
_MEMBERS = narrowed(GroupMember).where(_MEMBER.c.group_id == bindparam("group_id"))
_NO_OWNERS = (
    narrowed(User)
    .where(_USER.c.id.in_(one_of("user_ids")), _USER.c.role != Role.OWNER.value)
    .order_by(_USER.c.id)
    .locked
)
_same = (_MEMBER.c.workspace_id == _GROUP.c.workspace_id) & (_MEMBER.c.group_id == _GROUP.c.id)
_MAPPED = (
    narrowed(Group)
    .with_columns(_MEMBER.c.user_id)
    .where(_same, _GROUP.c.role.is_not(None), _MEMBER.c.user_id.in_(one_of("user_ids")))
)
_OWN = narrowed(Workspace)


def set_group_role(uow: UnitOfWork, group_id: str, role: Role | None) -> Group:
    """Map a group to a role, or to none, and let its members follow; nobody maps to a role above their own.

    Refuses with Invalid where the role is OWNER, which no directory may give.
    """
    uow.demand(Permission.GROUP_ROLES_WRITE)
    if role is Role.OWNER:
        raise Refused(Invalid("role", "must be ADMIN or MEMBER: only an owner makes owners, one by one"))
    if role is not None and (uow.actor.role is None or not uow.actor.role.may_grant(role)):
        raise Refused(Forbidden(Permission.GROUP_ROLES_WRITE.value))
    group = uow.first(_TO_CHANGE, id=group_id) if is_possible(group_id) else None
    if group is None:
        raise Refused(NotFound("Group", group_id))
    if group.role == role:
        return group
    changed = uow.update(Group, group_id, {"role": role.value if role else None}, if_version=group.version)
    change = change_of("role", group.role, changed.role)
    uow.record(Event(Action.GROUP_ROLE_SET, "Group", group.id, group.display_name, (change,)))
    members = [row.user_id for row in uow.all(_MEMBERS, group_id=group_id)]
    follow_group_roles(uow, members, lost=Role(group.role) if group.role else None)
    return changed


def follow_group_roles(uow: UnitOfWork, user_ids: Sequence[str], *, lost: Role | None) -> None:
    """Give users who joined the highest role of their mapped groups, and take `lost` from those who had it by a group.

    Who has another role than a group had given has it from somebody else and keeps it, unless a group gives more.
    """
    if not user_ids:
        return
    mapped: dict[str, list[Role]] = {}
    for row in uow.all(_MAPPED, user_ids=list(user_ids)):
        mapped.setdefault(row.user_id, []).append(Role(row.role or ""))  # type: ignore[attr-defined]
    default: Role | None = None
    for user in uow.all(_NO_OWNERS, user_ids=list(user_ids)):
        has = Role(user.role)
        by_group = min(mapped.get(user.id, ()), key=list(Role).index, default=None)
        if by_group is None:
            if has is not lost:
                continue
            default = default or _default_role(uow)
            by_group = default
        if has is not by_group and (has is lost or by_group.may_grant(has)):
            give_role(uow, user, by_group)


def _default_role(uow: UnitOfWork) -> Role:
    workspace = uow.first(_OWN)
    return Role(workspace.default_role) if workspace else Role.MEMBER
