"""How groups and memberships are found, always within the actor's workspace."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, select

from service.actor import Permission
from service.finding import Cursor, Found, Search, Test, Window, found, pattern_of
from service.groups.fields import Group, GroupMember
from service.ids import is_possible
from service.pages import Order, Page, PageRequest, page_of
from service.refusals import NotFound, Refused
from service.store.columns import table_of
from service.store.json_values import one_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User, shown_name

_GROUP, _MEMBER, _USER = table_of(Group), table_of(GroupMember), table_of(User)
_BY_ID = narrowed(Group).where(_GROUP.c.id == bindparam("id"))
_ALL = narrowed(Group)
_NAMED = _ALL.where(_GROUP.c.display_name_key.like(bindparam("text"), escape="\\"))
_BY_NAME = Order("groups by name", (_GROUP.c.display_name_key, _GROUP.c.id))
_here = (_MEMBER.c.workspace_id == bindparam("of_workspace")) & (_MEMBER.c.group_id == bindparam("group_id"))
_MEMBERS = narrowed(User).where(_USER.c.id.in_(select(_MEMBER.c.user_id).where(_here)))
_MEMBERS_BY_NAME = Order("members by name", (_USER.c.name_key, _USER.c.id))
_theirs = (_MEMBER.c.workspace_id == _GROUP.c.workspace_id) & (_MEMBER.c.group_id == _GROUP.c.id)
_GROUPS_OF_USERS = (
    narrowed(Group)
    .with_columns(_MEMBER.c.user_id)
    .where(_theirs, _MEMBER.c.user_id.in_(one_of("user_ids")))
    .order_by(_MEMBER.c.user_id, _MEMBER.c.group_id)  # by group alone, SQLite would read all memberships
)
_same = (_MEMBER.c.workspace_id == _USER.c.workspace_id) & (_MEMBER.c.user_id == _USER.c.id)
_NAMES = ("user_name", "display_name", "formatted_name", "given_name", "family_name")
_MEMBERS_OF_GROUPS = (
    narrowed(GroupMember)
    .with_columns(*(_USER.c[name] for name in _NAMES))
    .where(_same, _MEMBER.c.group_id.in_(one_of("group_ids")))
    .order_by(_MEMBER.c.group_id, _MEMBER.c.user_id)
)


class Link(NamedTuple):
    """A member of a group, or a group that somebody is in."""

    id: str
    name: str


def get_group(uow: UnitOfWork, group_id: str) -> Group:
    """One group, or NotFound."""
    uow.demand(Permission.GROUPS_READ)
    group = uow.first(_BY_ID, id=group_id) if is_possible(group_id) else None
    if group is None:
        raise Refused(NotFound("Group", group_id))
    return group


def find_groups(uow: UnitOfWork, search: Search[Group], part: Window | Cursor) -> Found[Group]:
    """A part of the groups that a search finds, and how many there are in all; Invalid("cursor") names a bad one."""
    uow.demand(Permission.GROUPS_READ)
    return found(uow, search, part)


def page_groups(uow: UnitOfWork, text: str | None, wanted: PageRequest) -> Page[Group]:
    """One page of the workspace's groups by name; `text` is part of the name."""
    uow.demand(Permission.GROUPS_READ)
    return page_of(uow, _ALL if text is None else _NAMED, _BY_NAME, wanted, _pattern(text))


def count_groups(uow: UnitOfWork, text: str | None) -> int:
    """How many groups there are."""
    uow.demand(Permission.GROUPS_READ)
    return uow.number((_ALL if text is None else _NAMED).count, **_pattern(text))


def page_members(uow: UnitOfWork, group_id: str, wanted: PageRequest) -> Page[User]:
    """One page of a group's members by name."""
    get_group(uow, group_id)
    return page_of(uow, _MEMBERS, _MEMBERS_BY_NAME, wanted, {"group_id": group_id})


def count_members(uow: UnitOfWork, group_id: str) -> int:
    """How many members a group has."""
    get_group(uow, group_id)
    return uow.number(_MEMBERS.count, group_id=group_id)


def groups_of_users(uow: UnitOfWork, user_ids: Sequence[str]) -> Mapping[str, list[Group]]:
    """The groups that some users are in, by user, in one statement."""
    uow.demand(Permission.GROUPS_READ)
    groups: dict[str, list[Group]] = {}
    for row in uow.all(_GROUPS_OF_USERS, user_ids=list(user_ids)) if user_ids else ():
        groups.setdefault(row.user_id, []).append(row)  # type: ignore[attr-defined]
    return groups


def group_links_of_users(uow: UnitOfWork, user_ids: Sequence[str]) -> Mapping[str, list[Link]]:
    """The same as links."""
    groups = groups_of_users(uow, user_ids)
    return {user_id: [Link(group.id, group.display_name) for group in theirs] for user_id, theirs in groups.items()}


def members_of_groups(uow: UnitOfWork, group_ids: Sequence[str]) -> Mapping[str, list[Link]]:
    """The members of some groups, by group, in one statement."""
    uow.demand(Permission.GROUPS_READ)
    members: dict[str, list[Link]] = {}
    for row in uow.all(_MEMBERS_OF_GROUPS, group_ids=list(group_ids)) if group_ids else ():
        members.setdefault(row.group_id, []).append(Link(row.user_id, shown_name(row)))  # type: ignore[arg-type]
    return members


def has_member(test: Test) -> ColumnElement[bool]:
    """The condition that a user whose id passes a test is in the group."""
    return _GROUP.c.id.in_(select(_MEMBER.c.group_id).where(_of_workspace, test(_MEMBER.c.user_id)))


def in_group(test: Test) -> ColumnElement[bool]:
    """The condition that the user is in a group whose id passes a test."""
    return _USER.c.id.in_(select(_MEMBER.c.user_id).where(_of_workspace, test(_MEMBER.c.group_id)))


_of_workspace = _MEMBER.c.workspace_id == bindparam("of_workspace")


def _pattern(text: str | None) -> dict[str, object]:
    return {} if text is None else {"text": pattern_of(text)}
