"""Which kinds of resource there are (RFC 7643, 6). To serve one more, add a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlmodel import SQLModel

from scim_facade.attributes import AttributeTable
from scim_facade.group_attributes import GROUP
from scim_facade.user_attributes import USER
from service.finding import Cursor, Found, Search, Window
from service.groups.fields import Group
from service.groups.queries import Link, find_groups, group_links_of_users, members_of_groups
from service.unit_of_work import UnitOfWork
from service.users.fields import User
from service.users.queries import find_users

M = TypeVar("M", bound=SQLModel)


@dataclass(frozen=True, kw_only=True)
class Links:
    """An attribute that says what a resource is linked with: kept in another table, and read where it is wanted."""

    attribute: str
    of: Callable[[UnitOfWork, Sequence[str]], Mapping[str, list[Link]]]
    endpoint: str
    type: str
    always: bool
    """Whether the attribute is there, if only as an empty list, when there is none."""


@dataclass(frozen=True, kw_only=True)
class ResourceType(Generic[M]):
    """The attributes of a kind of resource, where its resources live, and the verb that finds them."""

    table: AttributeTable[M]
    endpoint: str
    description: str
    find: Callable[[UnitOfWork, Search[M], Window | Cursor], Found[M]]
    links: Links


USERS: ResourceType[User] = ResourceType(
    table=USER,
    endpoint="Users",
    description="User Account",
    find=find_users,
    links=Links(attribute="groups", of=group_links_of_users, endpoint="Groups", type="direct", always=False),
)
GROUPS: ResourceType[Group] = ResourceType(
    table=GROUP,
    endpoint="Groups",
    description="Group",
    find=find_groups,
    links=Links(attribute="members", of=members_of_groups, endpoint="Users", type="User", always=True),
)

RESOURCE_TYPES: tuple[ResourceType[Any], ...] = (USERS, GROUPS)


def spelling(field: str) -> str:
    """The attribute that keeps a field of the domain (`user_name`): `userName`; other names stay as they are."""
    spelled = (each.table.spelling(field) for each in RESOURCE_TYPES)
    return next((name for name in spelled if name != field), field)
