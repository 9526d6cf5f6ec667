"""How users are found, always within the actor's workspace; conditions come from the doors as SQL over `User`."""

from sqlalchemy import ColumnElement, bindparam, exists, select

from service.actor import Permission
from service.refusals import NotFound, Refused
from service.store.columns import table_of
from service.unit_of_work import Narrowed, UnitOfWork, narrowed
from service.users.fields import User, UserEmail

_USER = table_of(User)
_EMAIL = table_of(UserEmail)
_BY_ID = narrowed(User).where(_USER.c.id == bindparam("id"))
_IN_ORDER = narrowed(User).order_by(_USER.c.id)


def get_user(uow: UnitOfWork, user_id: str) -> User:
    """One user, or NotFound."""
    uow.demand(Permission.USERS_READ)
    user = uow.first(_BY_ID, id=user_id)
    if user is None:
        raise Refused(NotFound("User", user_id))
    return user


def has_email(value_key: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that one of the user's addresses has this canonical form."""
    mine = (_EMAIL.c.workspace_id == _USER.c.workspace_id) & (_EMAIL.c.user_id == _USER.c.id)
    return exists(select(_EMAIL.c.user_id).where(mine, _EMAIL.c.value_key == value_key))


def find_users(
    uow: UnitOfWork, query: Narrowed[User], *, offset: int, limit: int, parameters: dict[str, object]
) -> tuple[list[User], int]:
    """One page of the users that a query finds (`limit` rows after `offset`), and how many there are in all."""
    uow.demand(Permission.USERS_READ)
    found = uow.all(query.page, page_limit=limit, page_offset=offset, **parameters) if limit else []
    if len(found) < limit and (found or offset == 0):  # the page holds the last of them
        return found, offset + len(found)
    return found, uow.number(query.count, **parameters)


def all_users(uow: UnitOfWork) -> list[User]:
    """Every user of the workspace, in the order of their creation: for the operator's command line."""
    uow.demand(Permission.USERS_READ)
    return uow.all(_IN_ORDER)
