"""Support staff: a realm of its own, whose people belong to no customer's workspace.

The realm is kept as one more workspace, so that signing in, sessions, passwords and their links are the same code. It
has a subdomain that no customer can have, no flags, and people whom only the command line makes.
"""

from service.actor import Actor, Permission, Role, support, supporting
from service.founding import create_who_signs_in, person_fields
from service.passwords import PasswordHasher
from service.refusals import Forbidden, NotFound, Refused
from service.unit_of_work import UnitOfWork
from service.users.fields import User
from service.work import Work
from service.workspaces import (
    STAFF_REALM,
    STAFF_SUBDOMAIN,
    Plan,
    Workspace,
    create_workspace,
    find_workspace,
    find_workspace_by_id,
)


async def add_staff(work: Work, hasher: PasswordHasher, *, email: str, name: str | None, password: str) -> User:
    """A member of staff who can sign in; makes the realm for the first one. Refuses as `create_user` does."""
    password_hash = await hasher.hash(password)
    fields = person_fields(email, name, family_name="Support")
    is_new = await work.lookup(find_workspace, STAFF_SUBDOMAIN) is None

    def added(uow: UnitOfWork) -> User:
        if is_new:
            create_workspace(uow, subdomain=STAFF_SUBDOMAIN, name="Support", plan=Plan.ESSENTIAL)
        return create_who_signs_in(uow, fields, role=Role.MEMBER, password_hash=password_hash)

    return await work.write(support(STAFF_REALM), added)


async def supported_workspace(
    work: Work, staff: Actor, *, id: str | None = None, subdomain: str | None = None
) -> tuple[Workspace, Actor]:
    """A customer's workspace by one of its names, and the member of staff as who acts there; Forbidden for others."""
    if Permission.WORKSPACES_SUPPORT not in staff.permissions:
        raise Refused(Forbidden(Permission.WORKSPACES_SUPPORT.value))
    found = await (
        work.lookup(find_workspace_by_id, id) if id is not None else work.lookup(find_workspace, subdomain or "")
    )
    if found is None or found.id == STAFF_REALM:
        raise Refused(NotFound("Workspace", id or subdomain or ""))
    return found, supporting(staff, found.id)
