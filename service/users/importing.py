"""People who come from a list: made where nobody has their userName, else changed to what the list says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.actor import Permission, Role
from service.refusals import Invalid, Refused
from service.store.columns import table_of
from service.store.json_values import one_of
from service.text import canonical, unstorable
from service.unit_of_work import UnitOfWork, narrowed
from service.users.commands import create_user, edit_user
from service.users.fields import User, user_fields, with_primary_email

_USER = table_of(User)
_NAMED = narrowed(User).only(_USER.c.id, _USER.c.user_name_key).where(_USER.c.user_name_key.in_(one_of("keys")))


@dataclass(frozen=True)
class Listed:
    """What a list says of somebody: `changes` as `edit_user` takes them, who is untouched where it says nothing."""

    user_name: str
    changes: Mapping[str, Any]
    role: Role | None = None


class Imported(StrEnum):
    """What came of somebody on a list."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def import_users(uow: UnitOfWork, people: Sequence[Listed]) -> list[Imported]:
    """Create or change people, all of them or, where one is refused as `create_user` and `edit_user` do, none.

    To import the same people again changes nothing.
    """
    uow.demand(Permission.USERS_WRITE)
    for each in people:
        if why := unstorable(each.user_name):
            raise Refused(Invalid("user_name", why))
    named = uow.all(_NAMED, keys=[canonical(each.user_name) for each in people])
    known = {user.user_name_key: user.id for user in named}
    return [_imported(uow, each, known) for each in people]


def _imported(uow: UnitOfWork, listed: Listed, known: dict[str, str]) -> Imported:
    """What comes of one; `known` are the ids of those who are there, by their userNames, and becomes theirs as well."""
    key = canonical(listed.user_name)
    changes = {"user_name": listed.user_name, **listed.changes}
    if key not in known:
        if "email" in changes:
            changes["emails"] = with_primary_email(None, changes.pop("email"))
        known[key] = create_user(uow, user_fields(changes), role=listed.role or Role.MEMBER).id
        return Imported.CREATED
    before = len(uow.recorded)
    edit_user(uow, known[key], changes, listed.role)
    return Imported.UPDATED if len(uow.recorded) > before else Imported.UNCHANGED
