"""Which kinds of resource there are (RFC 7643, 6). To serve one more, add a row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlmodel import SQLModel

from scim_facade.attributes import AttributeTable
from scim_facade.user_attributes import USER
from service.finding import Cursor, Found, Search, Window
from service.unit_of_work import UnitOfWork
from service.users.fields import User
from service.users.queries import find_users

M = TypeVar("M", bound=SQLModel)


@dataclass(frozen=True, kw_only=True)
class ResourceType(Generic[M]):
    """The attributes of a kind of resource, where its resources live, and the verb that finds them."""

    table: AttributeTable[M]
    endpoint: str
    description: str
    find: Callable[[UnitOfWork, Search[M], Window | Cursor], Found[M]]


USERS: ResourceType[User] = ResourceType(table=USER, endpoint="Users", description="User Account", find=find_users)

RESOURCE_TYPES: tuple[ResourceType[Any], ...] = (USERS,)


def spelling(field: str) -> str:
    """The attribute that keeps a field of the domain (`user_name`): `userName`; other names stay as they are."""
    spelled = (each.table.spelling(field) for each in RESOURCE_TYPES)
    return next((name for name in spelled if name != field), field)
