"""Which SCIM attribute is which field of a user (RFC 7643, 4.1 and 4.3). To support one more, add a row.

The row alone makes it readable, writable, patchable and listed under /Schemas. `password` has no row on purpose:
it is accepted like any attribute that we do not keep, and never stored, logged or returned.
"""

from scim_facade.attributes import Attribute, AttributeTable
from service.groups.queries import in_group
from service.users.fields import User
from service.users.queries import has_email

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def _plural(
    name: str, field: str, doc: str, *, types: tuple[str, ...] = (), value: Attribute | None = None
) -> Attribute:
    """A multi-valued attribute with the default sub-attributes of RFC 7643, 2.4."""
    return Attribute(
        name=name,
        field=field,
        type="complex",
        multi_valued=True,
        doc=doc,
        sub=(
            value or Attribute(name="value", doc="The value itself."),
            Attribute(name="display", doc="A name for people to read."),
            Attribute(name="type", canonical_values=types, doc="What the value is for."),
            Attribute(name="primary", type="boolean", doc="Whether this is the preferred value; true at most once."),
        ),
    )


def identifier(noun: str) -> Attribute:
    """`id`, of every resource (RFC 7643, 3.1)."""
    return Attribute(
        name="id",
        field="id",
        case_exact=True,
        mutability="readOnly",
        returned="always",
        uniqueness="server",
        doc=f"The identifier that this service gave the {noun}.",
    )


def external_id(noun: str) -> Attribute:
    """`externalId`, of every resource."""
    return Attribute(
        name="externalId",
        field="external_id",
        case_exact=True,
        doc=f"The identifier that the identity provider has for the {noun}.",
    )


def meta(name: str) -> Attribute:
    """`meta`, of every resource."""
    made, changed = "When it was made.", "When it last changed."
    return Attribute(
        name="meta",
        type="complex",
        mutability="readOnly",
        doc="About this record.",
        sub=(
            Attribute(name="resourceType", case_exact=True, mutability="readOnly", doc=f"{name}."),
            Attribute(name="created", field="created_at", type="dateTime", mutability="readOnly", doc=made),
            Attribute(name="lastModified", field="updated_at", type="dateTime", mutability="readOnly", doc=changed),
            Attribute(name="location", type="reference", case_exact=True, mutability="readOnly", doc="Its address."),
            Attribute(name="version", case_exact=True, mutability="readOnly", doc="Its entity tag."),
        ),
    )


USER = AttributeTable(
    User,
    "User",
    CORE,
    [
        identifier("user"),
        external_id("user"),
        Attribute(
            name="userName",
            field="user_name",
            required=True,
            uniqueness="server",
            key="user_name_key",
            doc="The name a user signs in with; compared without regard to case.",
        ),
        Attribute(
            name="name",
            type="complex",
            doc="The parts of the user's name.",
            sub=(
                Attribute(name="formatted", field="formatted_name", doc="The full name, as it is displayed."),
                Attribute(name="familyName", field="family_name", doc="The family name."),
                Attribute(name="givenName", field="given_name", doc="The given name."),
                Attribute(name="middleName", field="middle_name", doc="The middle names."),
                Attribute(name="honorificPrefix", field="honorific_prefix", doc="A title before the name, such as Dr."),
                Attribute(name="honorificSuffix", field="honorific_suffix", doc="What follows the name, such as III."),
            ),
        ),
        Attribute(name="displayName", field="display_name", doc="The name that other people see."),
        Attribute(name="nickName", field="nick_name", doc="What the user is casually called."),
        Attribute(
            name="profileUrl",
            field="profile_url",
            type="reference",
            case_exact=True,
            reference_types=("external",),
            doc="The address of the user's profile elsewhere.",
        ),
        Attribute(name="title", field="title", doc="The job title. It grants nothing."),
        Attribute(
            name="userType", field="user_type", doc="How the user relates to the organization, such as Contractor."
        ),
        Attribute(name="preferredLanguage", field="preferred_language", doc="Languages, as in HTTP's Accept-Language."),
        Attribute(name="locale", field="locale", doc="How to show numbers and dates, such as en-US."),
        Attribute(name="timezone", field="timezone", doc="The time zone, such as Europe/Berlin."),
        Attribute(
            name="active", field="active", type="boolean", doc="Whether the user has access. False ends it at once."
        ),
        _plural(
            "emails",
            "emails",
            "E-mail addresses; mail goes to the primary one.",
            types=("work", "home", "other"),
            value=Attribute(name="value", holds=has_email, doc="The address."),
        ),
        _plural(
            "phoneNumbers",
            "phone_numbers",
            "Phone numbers, kept as they are sent.",
            types=("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural(
            "ims",
            "ims",
            "Addresses of instant messengers.",
            types=("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _plural(
            "photos",
            "photos",
            "Addresses of pictures.",
            types=("photo", "thumbnail"),
            value=Attribute(
                name="value",
                type="reference",
                case_exact=True,
                reference_types=("external",),
                doc="The picture's address.",
            ),
        ),
        Attribute(
            name="addresses",
            field="addresses",
            type="complex",
            multi_valued=True,
            doc="Postal addresses.",
            sub=(
                Attribute(name="formatted", doc="The whole address, as on an envelope."),
                Attribute(name="streetAddress", doc="Street and house."),
                Attribute(name="locality", doc="City or place."),
                Attribute(name="region", doc="State or region."),
                Attribute(name="postalCode", doc="Postal code."),
                Attribute(name="country", doc="Country, as ISO 3166-1 alpha-2."),
                Attribute(name="type", canonical_values=("work", "home", "other"), doc="What the address is for."),
                Attribute(
                    name="primary", type="boolean", doc="Whether this is the preferred address; true at most once."
                ),
            ),
        ),
        _plural("entitlements", "entitlements", "What the user is entitled to, as the identity provider says."),
        _plural("roles", "roles", "Roles at the identity provider. They grant nothing here."),
        _plural(
            "x509Certificates",
            "x509_certificates",
            "Certificates of the user.",
            value=Attribute(name="value", type="binary", case_exact=True, doc="DER, in base 64."),
        ),
        Attribute(
            name="groups",
            type="complex",
            multi_valued=True,
            mutability="readOnly",
            holds=in_group,
            case_exact=True,
            doc="The groups that the user is in. They change with the groups' members.",
            sub=(
                Attribute(name="value", case_exact=True, mutability="readOnly", doc="The id of the group."),
                Attribute(
                    name="$ref",
                    type="reference",
                    case_exact=True,
                    mutability="readOnly",
                    reference_types=("Group",),
                    doc="The address of the group.",
                ),
                Attribute(name="display", mutability="readOnly", doc="The group's name."),
                Attribute(
                    name="type",
                    case_exact=True,
                    mutability="readOnly",
                    canonical_values=("direct",),
                    doc="Always direct: no group is in another.",
                ),
            ),
        ),
        meta("User"),
    ],
    extensions=[
        Attribute(
            name=ENTERPRISE,
            type="complex",
            doc="Enterprise User",
            sub=(
                Attribute(
                    name="employeeNumber",
                    field="employee_number",
                    doc="The number that the organization gave the user.",
                ),
                Attribute(name="costCenter", field="cost_center", doc="The name of a cost center."),
                Attribute(name="organization", field="organization", doc="The name of an organization."),
                Attribute(name="division", field="division", doc="The name of a division."),
                Attribute(name="department", field="department", doc="The name of a department."),
                Attribute(
                    name="manager",
                    type="complex",
                    doc="The user's manager.",
                    sub=(
                        Attribute(
                            name="value", field="manager_id", case_exact=True, doc="The id of the manager's user."
                        ),
                        Attribute(
                            name="$ref",
                            field="manager_ref",
                            type="reference",
                            case_exact=True,
                            reference_types=("User",),
                            doc="The address of the manager's user.",
                        ),
                        Attribute(name="displayName", field="manager_display_name", doc="The manager's name."),
                    ),
                ),
            ),
        )
    ],
)
