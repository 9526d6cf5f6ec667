"""/Groups (RFC 7644, 3.3 to 3.6): each route runs one verb of `service.groups`."""

from starlette.responses import Response

from scim_facade.calls import Call
from scim_facade.group_attributes import GROUP
from scim_facade.membership import apart_from_members, without_members
from scim_facade.messages import Document
from scim_facade.patch import patched
from scim_facade.preconditions import Preconditions
from scim_facade.projection import Projection
from scim_facade.resource_types import GROUPS
from scim_facade.resources import created, read_one, with_links
from scim_facade.tolerances import Tolerances
from service.groups.commands import create_group, delete_group, update_group
from service.groups.fields import Group, GroupFields, MemberChange, group_fields
from service.groups.queries import get_group


async def create(call: Call) -> Response:
    """POST /Groups."""
    projection = Projection.of(call, GROUP)
    fields, members = await call.interpreted(_told)
    return await created(call, GROUPS, projection, create_group, fields, members)


async def read(call: Call) -> Response:
    """GET /Groups/{id}; 304 where If-None-Match names the version."""
    return await read_one(call, GROUPS, Projection.of(call, GROUP), get_group)


async def replace(call: Call) -> Response:
    """PUT /Groups/{id}. Members that the document does not speak of stay (RFC 7644, 3.5.1 leaves that to us)."""
    projection = Projection.of(call, GROUP)
    fields, members = await call.interpreted(_told)
    preconditions = Preconditions.of(call)
    verb = with_links(GROUPS, projection, update_group)
    resource = await call.write(verb, call.id, lambda _: fields, members, if_version=preconditions)
    return await resource.response(call, GROUPS, projection)


async def patch(call: Call) -> Response:
    """PATCH /Groups/{id}: all operations or none. 204, since members may be many, unless attributes are asked for."""
    projection = Projection.of(call, GROUP)
    message, members = await call.interpreted(without_members)

    def edited(now: Group) -> GroupFields:
        document = patched(GROUP.render(now, ""), message, GROUP, call.tolerances)
        return group_fields(GROUP.parse(document, call.tolerances))

    preconditions = Preconditions.of(call)
    if projection.is_default:
        await call.write(update_group, call.id, edited, members, if_version=preconditions)
        return Response(status_code=204)
    verb = with_links(GROUPS, projection, update_group)
    resource = await call.write(verb, call.id, edited, members, if_version=preconditions)
    return await resource.response(call, GROUPS, projection)


async def delete(call: Call) -> Response:
    """DELETE /Groups/{id}: its members stay what they are."""
    await call.write(delete_group, call.id, if_version=Preconditions.of(call))
    return Response(status_code=204)


def _told(document: Document, tolerances: Tolerances) -> tuple[GroupFields, list[MemberChange]]:
    """What a whole document says of a group and its members."""
    rest, members = apart_from_members(document, tolerances)
    return group_fields(GROUP.parse(rest, tolerances)), members
