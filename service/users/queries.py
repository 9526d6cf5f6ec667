"""How users are found, always within the actor's workspace; conditions come from the doors as SQL over `User`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from sqlalchemy import ColumnElement, bindparam, exists, not_, or_, select

from service.actor import Permission, Role
from service.finding import Cursor, Found, Search, Test, Window, found, pattern_of
from service.ids import is_possible
from service.pages import Order, Page, PageRequest, page_of
from service.refusals import NotFound, Refused
from service.store.columns import table_of
from service.unit_of_work import Narrowed, UnitOfWork, narrowed
from service.users.fields import ManagedBy, User, UserEmail

_USER = table_of(User)
_EMAIL = table_of(UserEmail)
_BY_ID = narrowed(User).where(_USER.c.id == bindparam("id"))
_IN_ORDER = narrowed(User).order_by(_USER.c.id)


def get_user(uow: UnitOfWork, user_id: str) -> User:
    """One user, or NotFound."""
    uow.demand(Permission.USERS_READ)
    user = uow.first(_BY_ID, id=user_id) if is_possible(user_id) else None
    if user is None:
        raise Refused(NotFound("User", user_id))
    return user


def has_email(test: Test) -> ColumnElement[bool]:
    """The condition that the canonical form of one of the user's addresses passes a test."""
    mine = _EMAIL.c.workspace_id == bindparam("of_workspace")
    return _USER.c.id.in_(select(_EMAIL.c.user_id).where(mine, test(_EMAIL.c.value_key)))


def find_users(uow: UnitOfWork, search: Search[User], part: Window | Cursor) -> Found[User]:
    """A part of the users that a search finds, and how many there are in all; Invalid("cursor") names a bad one."""
    uow.demand(Permission.USERS_READ)
    return found(uow, search, part)


def all_users(uow: UnitOfWork) -> list[User]:
    """Every user of the workspace, in the order of their creation: for the operator's command line."""
    uow.demand(Permission.USERS_READ)
    return uow.all(_IN_ORDER)


LISTED = tuple(
    _USER.c[name]
    for name in (
        *("id", "user_name", "name_key", "display_name", "formatted_name", "given_name", "family_name", "title"),
        *("emails", "external_id", "active", "role", "managed_by", "invitation_expires_at"),
        *("created_at", "updated_at", "deactivated_at", "deactivated_by"),
    )
)
"""What a list shows of a person, of twice as many columns that there are."""


class UserOrder(Enum):
    """The orders in which people are listed."""

    NAME_ASC = Order("users by name", (_USER.c.name_key, _USER.c.id))
    CREATED_DESC = Order("users, the newest first", (_USER.c.id,), descending=True)


_invited = _USER.c.invitation_expires_at.is_not(None)
STATUSES: Mapping[str, ColumnElement[bool]] = {
    "INVITED": _USER.c.active.is_(True) & _invited,
    "ACTIVE": _USER.c.active.is_(True) & not_(_invited),
    "INACTIVE": _USER.c.active.is_(False),
}
"""What each status of a person is."""


@dataclass(frozen=True)
class UserFilter:
    """Which people to list; what is None or empty does not matter. `text` is part of a name, a userName or an address;
    `statuses` are those of `STATUSES`."""

    text: str | None = None
    statuses: tuple[str, ...] = ()
    roles: tuple[Role, ...] | None = None
    managed_by: ManagedBy | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The values that the filter's conditions compare with."""
        given: dict[str, object] = {f"role_{number}": role.value for number, role in enumerate(self.roles or ())}
        if self.text is not None:
            given["text"] = pattern_of(self.text)
        if self.managed_by is not None:
            given["managed_by"] = self.managed_by.value
        return given


def page_users(uow: UnitOfWork, filter: UserFilter, order: UserOrder, wanted: PageRequest) -> Page[User]:
    """One page of the workspace's people, with the columns of `LISTED`."""
    uow.demand(Permission.USERS_READ)
    parameters = filter.parameters
    return page_of(uow, _filtered(tuple(parameters), filter.statuses), order.value, wanted, parameters)


def count_users(uow: UnitOfWork, filter: UserFilter) -> int:
    """How many of the workspace's people a filter finds."""
    uow.demand(Permission.USERS_READ)
    parameters = filter.parameters
    return uow.number(_filtered(tuple(parameters), filter.statuses).count, **parameters)


@lru_cache(maxsize=64)
def _filtered(names: tuple[str, ...], statuses: tuple[str, ...]) -> Narrowed[User]:
    """One query for all filters of one shape."""
    query = narrowed(User).only(*LISTED)
    if "text" in names:
        text: ColumnElement[str] = bindparam("text")
        mine = (_EMAIL.c.workspace_id == _USER.c.workspace_id) & (_EMAIL.c.user_id == _USER.c.id)
        address = exists(select(_EMAIL.c.user_id).where(mine, _EMAIL.c.value_key.like(text, escape="\\")))
        named = (column.like(text, escape="\\") for column in (_USER.c.name_key, _USER.c.user_name_key))
        query = query.where(or_(*named, address))
    if statuses:
        query = query.where(or_(*(STATUSES[status] for status in statuses)))
    roles = [_USER.c.role == bindparam(name) for name in names if name.startswith("role_")]
    if roles:
        query = query.where(or_(*roles))
    if "managed_by" in names:
        query = query.where(_USER.c.managed_by == bindparam("managed_by"))
    return query
