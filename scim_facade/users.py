"""/Users (RFC 7644, 3.3 to 3.6): each route runs one verb of `service.users`."""

from typing import Any

from starlette.responses import Response

from scim_facade.calls import Call
from scim_facade.patch import patched
from scim_facade.preconditions import Preconditions
from scim_facade.projection import Projection
from scim_facade.resource_types import USERS
from scim_facade.resources import Resource, read_one, with_links
from scim_facade.user_attributes import USER
from service.users.commands import create_user, delete_user, update_user
from service.users.fields import User, UserFields, user_fields
from service.users.queries import get_user


async def create(call: Call) -> Response:
    """POST /Users."""
    projection = Projection.of(call, USER)
    fields = user_fields(USER.parse(await call.document(), call.tolerances))
    user = await call.write(create_user, fields)
    return await Resource(user, {}).response(call, USERS, projection, status=201)  # who is new is in no group


async def read(call: Call) -> Response:
    """GET /Users/{id}; 304 where If-None-Match names the version."""
    return await read_one(call, USERS, Projection.of(call, USER), get_user)


async def replace(call: Call) -> Response:
    """PUT /Users/{id}: what the document leaves out is cleared, save `active`, which stays (Okta leaves it out)."""
    projection = Projection.of(call, USER)
    parsed = USER.parse(await call.document(), call.tolerances)
    verb = with_links(USERS, projection, update_user)
    changed = await call.write(verb, call.id, lambda now: _fields(now, parsed), if_version=Preconditions.of(call))
    return await changed.response(call, USERS, projection)


async def patch(call: Call) -> Response:
    """PATCH /Users/{id}: all operations or none; always answers with the user."""
    projection = Projection.of(call, USER)
    message = await call.document()

    def edited(now: User) -> UserFields:
        document = patched(USER.render(now, ""), message, USER, call.tolerances)
        return _fields(now, USER.parse(document, call.tolerances))

    verb = with_links(USERS, projection, update_user)
    changed = await call.write(verb, call.id, edited, if_version=Preconditions.of(call))
    return await changed.response(call, USERS, projection)


async def delete(call: Call) -> Response:
    """DELETE /Users/{id}."""
    await call.write(delete_user, call.id, if_version=Preconditions.of(call))
    return Response(status_code=204)


def _fields(now: User, parsed: dict[str, Any]) -> UserFields:
    return user_fields({"active": now.active, **parsed})
