"""The one table of what SCIM can say about a group (RFC 7643, 4.2)."""

from scim_facade.attributes import Attribute, AttributeTable
from scim_facade.user_attributes import external_id, identifier, meta
from service.groups.fields import Group
from service.groups.queries import has_member

CORE = "urn:ietf:params:scim:schemas:core:2.0:Group"

GROUP = AttributeTable(
    Group,
    "Group",
    CORE,
    [
        identifier("group"),
        external_id("group"),
        Attribute(
            name="displayName",
            field="display_name",
            required=True,
            uniqueness="server",
            key="display_name_key",
            doc="The group's name; unique without regard to case.",
        ),
        Attribute(
            name="members",
            type="complex",
            multi_valued=True,
            holds=has_member,
            case_exact=True,
            doc="Who is in the group: users of the workspace.",
            sub=(
                Attribute(name="value", case_exact=True, mutability="immutable", doc="The id of the user."),
                Attribute(
                    name="$ref",
                    type="reference",
                    case_exact=True,
                    mutability="immutable",
                    reference_types=("User",),
                    doc="The address of the user.",
                ),
                Attribute(
                    name="type",
                    case_exact=True,
                    mutability="immutable",
                    canonical_values=("User",),
                    doc="Groups within groups are not supported.",
                ),
                Attribute(name="display", mutability="readOnly", doc="The user's name."),
            ),
        ),
        meta("Group"),
    ],
)
