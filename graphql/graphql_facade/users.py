"""People: what the people page shows."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from graphql_facade.connections import Connection
from graphql_facade.context import Context, Info
from graphql_facade.enums import publish
from graphql_facade.nodes import Node
from graphql_facade.resolvers import resolved
from graphql_facade.spelling import input_path
from service.actor import Role
from service.clock import now
from service.pages import PageRequest
from service.users import fields, queries
from service.users.deciding import locked_fields
from service.users.fields import ManagedBy, addresses, primary_email, shown_name

if TYPE_CHECKING:
    from graphql_facade.groups import Group
    from graphql_facade.provisioning_log import ProvisioningEvent

publish(
    ManagedBy,
    "Who decides about a person.",
    WORKSPACE="The workspace's own owners and admins.",
    DIRECTORY="The identity provider, through SCIM.",
)


@strawberry.enum(description="Whether a person has access.")
class UserStatus(Enum):
    """Derived from `active` and from an invitation that has not been accepted; see `queries.STATUSES`."""

    INVITED = strawberry.enum_value("INVITED", description="They are invited and have not come in yet.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="They have.")
    INACTIVE = strawberry.enum_value("INACTIVE", description="They have not: `statusReason` says why.")


@strawberry.enum(description="Why a person has no access.")
class UserStatusReason(Enum):
    """By the door that deactivated them; or the invitation's end."""

    INVITATION_EXPIRED = strawberry.enum_value(
        "INVITATION_EXPIRED", description="The invitation is good no more: `invitationResend` sends another."
    )
    DEACTIVATED_BY_ADMIN = strawberry.enum_value(
        "ADMIN", description="Somebody in the workspace, or support, ended it."
    )
    DEACTIVATED_BY_DIRECTORY = strawberry.enum_value("DIRECTORY", description="The identity provider ended it.")
    PROVISIONING_PAUSED = strawberry.enum_value(
        "PAUSE", description="It ended when provisioning was paused, and comes back when that is resumed."
    )


@strawberry.enum(name="UserOrder", description="The orders in which people are listed.")
class UserOrderName(Enum):
    """Names of `service.users.queries.UserOrder`."""

    NAME_ASC = strawberry.enum_value("NAME_ASC", description="By the name that people see, A to Z.")
    CREATED_DESC = strawberry.enum_value("CREATED_DESC", description="Those who were added last come first.")


@strawberry.type(description="One of a person's e-mail addresses.")
class EmailAddress:
    """`service.users.fields.Email`."""

    address: str = strawberry.field(description="The address.")
    type: str | None = strawberry.field(description="What it is for, such as `work`, in the directory's words.")
    is_primary: bool = strawberry.field(description="Whether the directory calls it the primary one.")


@strawberry.type(description="A person in one workspace: the membership itself.")
class User(Node):
    """A row of `service.users.fields.User`, as people read it.

    A field is made of the row when it is asked for: most pages ask for few, and making all costs more than the rest.
    """

    row: strawberry.Private[fields.User]

    user_name: str = strawberry.field(description="The name to sign in with; unique in the workspace.")
    display_name: str = strawberry.field(description="The name that people see.")
    given_name: str | None = strawberry.field(description="The given name.")
    family_name: str | None = strawberry.field(description="The family name.")
    email: str | None = strawberry.field(description="The address that mail goes to.")
    emails: list[EmailAddress] = strawberry.field(description="All addresses.")
    title: str | None = strawberry.field(description="The job title. It grants nothing.")
    status: UserStatus = strawberry.field(description="Whether the person has access.")
    status_reason: UserStatusReason | None = strawberry.field(description="Why not, if not.")
    invitation_expires_at: datetime | None = strawberry.field(
        description="Until when the invitation is good that the person has not accepted yet."
    )
    role: Role = strawberry.field(description="What the person may do.")
    managed_by: ManagedBy = strawberry.field(description="Who decides about the person.")
    locked_fields: list[str] = strawberry.field(
        description="What only the directory can change, by the names of its own inputs; empty for others' people."
    )
    external_id: str | None = strawberry.field(description="The directory's own identifier of the person.")
    created_at: datetime = strawberry.field(description="When the person was added.")
    updated_at: datetime = strawberry.field(description="When something about the person last changed.")
    deactivated_at: datetime | None = strawberry.field(description="Since when the person has no access.")

    @classmethod
    def of(cls, row: fields.User) -> Self:
        """The person of a row."""
        user = cls.__new__(cls)
        user.row = row
        return user

    @resolved("The groups that the person is in.")
    async def groups(self, info: Info) -> list[Annotated["Group", strawberry.lazy("graphql_facade.groups")]]:
        """Read together with those of all people of the page."""
        return await info.context.groups_of.load(self.id)

    @resolved("The last thing that the directory asked for about the person; null where the log has nothing.")
    async def last_provisioning_event(
        self, info: Info
    ) -> Annotated["ProvisioningEvent", strawberry.lazy("graphql_facade.provisioning_log")] | None:
        """Read together with those of all people of the page."""
        event: ProvisioningEvent | None = await info.context.last_event_of.load(self.id)
        return event


@strawberry.input(description="Which people to list; what is left out, null or an empty list does not matter.")
class UserFilter:
    """`service.users.queries.UserFilter`."""

    query: str | None = strawberry.field(default=None, description="Part of a name, a userName or an address.")
    status: list[UserStatus] | None = strawberry.field(default=None, description="With one of these.")
    role: list[Role] | None = strawberry.field(default=None, description="With one of these.")
    managed_by: ManagedBy | None = strawberry.field(default=None, description="Whom these decide about.")

    def in_domain(self) -> queries.UserFilter:
        """The filter in the domain's words."""
        return queries.UserFilter(
            text=self.query or None,
            statuses=tuple(status.name for status in UserStatus if status in (self.status or ())),
            roles=tuple(role for role in Role if role in (self.role or ())) or None,
            managed_by=self.managed_by,
        )


UserFilterArgument = Annotated[UserFilter | None, strawberry.argument(description="Which people.")]
UserOrderArgument = Annotated[UserOrderName, strawberry.argument(description="In which order.")]


def _status(user: User) -> UserStatus:
    row = user.row
    if not row.active:
        return UserStatus.INACTIVE
    return UserStatus.ACTIVE if row.invitation_expires_at is None else UserStatus.INVITED


def _reason(user: User) -> UserStatusReason | None:
    row = user.row
    if row.deactivated_by:
        return UserStatusReason(row.deactivated_by)
    invited_until = row.invitation_expires_at
    return UserStatusReason.INVITATION_EXPIRED if row.active and invited_until and invited_until <= now() else None


def _emails(user: User) -> list[EmailAddress]:
    return [
        EmailAddress(address=email["value"], type=email.get("type"), is_primary=email.get("primary", False))
        for email in addresses(user.row.emails)
    ]


_ROLES = {role.value: role for role in Role}
_MANAGED_BY = {managed_by.value: managed_by for managed_by in ManagedBy}

_SHOWN: Mapping[str, Callable[[User], Any]] = {
    "display_name": lambda user: shown_name(user.row),
    "email": lambda user: primary_email(user.row),
    "emails": _emails,
    "status": _status,
    "status_reason": _reason,
    "invitation_expires_at": lambda user: user.row.invitation_expires_at if user.row.active else None,
    "role": lambda user: _ROLES[user.row.role],
    "managed_by": lambda user: _MANAGED_BY[user.row.managed_by],
    "locked_fields": lambda user: [input_path(name)[0] for name in locked_fields(user.row) if name != "active"],
}

for _field in dataclasses.fields(User):
    if _field.name != "row" and getattr(_field, "is_basic_field", False):  # what _SHOWN makes, or the row's column
        setattr(User, _field.name, property(_SHOWN.get(_field.name) or attrgetter(f"row.{_field.name}")))


async def user_by_id(context: Context, id: str) -> User:
    """One person, or NotFound."""
    return User.of(await context.read(queries.get_user, id))


async def page_of_users(
    context: Context, wanted: PageRequest, filter: UserFilter | None, order_by: UserOrderName
) -> Connection[User]:
    """One page of the workspace's people."""
    which = (filter or UserFilter()).in_domain()
    page = await context.read(queries.page_users, which, queries.UserOrder[order_by.name], wanted)
    return Connection[User].of(page, User.of, lambda: context.read(queries.count_users, which))
