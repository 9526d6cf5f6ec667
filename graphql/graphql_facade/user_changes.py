"""What the people page can do to people."""

from dataclasses import replace
from typing import Annotated

import strawberry

from graphql_facade.context import Info
from graphql_facade.nodes import domain_id
from graphql_facade.refusals import (
    BusyError,
    ConflictError,
    DirectoryManagedError,
    ForbiddenError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    OwnerProtectedError,
    ReauthenticationRequiredError,
    UnauthenticatedError,
)
from graphql_facade.resolvers import mutation
from graphql_facade.users import User
from service.actor import Role
from service.refusals import Invalid, Reason, Refused, Taken
from service.users import fields
from service.users.commands import create_user, deactivate_user, delete_user, edit_user, reactivate_user, unlink_user
from service.users.fields import user_fields

_NAME = "The name to sign in with; unique in the workspace."
_ROLE = "What the person may do; only owners make owners."


@strawberry.input(description="A new person.")
class UserCreateInput:
    """What a person needs, and may have."""

    email: str = strawberry.field(description="The address that mail goes to.")
    user_name: str | None = strawberry.field(default=None, description=f"{_NAME} The address, where it is left out.")
    display_name: str | None = strawberry.field(default=None, description="The name that people see.")
    given_name: str | None = strawberry.field(default=None, description="The given name.")
    family_name: str | None = strawberry.field(default=None, description="The family name.")
    title: str | None = strawberry.field(default=None, description="The job title.")
    role: Role = strawberry.field(default=Role.MEMBER, description=_ROLE)


@strawberry.input(description="Changes of a person: what is left out stays as it is, and null takes a value away.")
class UserUpdateInput:
    """Absent and null differ. Null for what cannot be taken away is refused as data, like any other bad value."""

    id: strawberry.ID = strawberry.field(description="Whom to change.")
    user_name: strawberry.Maybe[str | None] = strawberry.field(description=f"{_NAME} Not null.")
    email: strawberry.Maybe[str | None] = strawberry.field(
        description="The address that mail goes to, in place of the one that it goes to now; others stay."
    )
    display_name: strawberry.Maybe[str | None] = strawberry.field(description="The name that people see.")
    given_name: strawberry.Maybe[str | None] = strawberry.field(description="The given name.")
    family_name: strawberry.Maybe[str | None] = strawberry.field(description="The family name.")
    title: strawberry.Maybe[str | None] = strawberry.field(description="The job title.")
    role: strawberry.Maybe[Role | None] = strawberry.field(description=f"{_ROLE} Not null.")


@strawberry.input(description="Whom to deactivate.")
class UserDeactivateInput:
    """A person's id."""

    id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.input(description="Whom to reactivate.")
class UserReactivateInput:
    """A person's id."""

    id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.input(description="Whom to take out of the directory's management.")
class UserUnlinkInput:
    """A person's id."""

    id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.input(description="Whom to delete.")
class UserDeleteInput:
    """A person's id."""

    id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.type(description="The new person.")
class UserCreatePayload:
    """The person."""

    user: User = strawberry.field(description="The person.")


@strawberry.type(description="The person as they are now.")
class UserUpdatePayload:
    """What the mutations of somebody who is there answer with."""

    user: User = strawberry.field(description="The person.")


@strawberry.type(description="The person is gone for good.")
class UserDeletePayload:
    """What is left of them."""

    deleted_id: strawberry.ID = strawberry.field(description="The id that the person had.")


_Nobody = ForbiddenError | UnauthenticatedError | BusyError
_Owners = OwnerProtectedError | ReauthenticationRequiredError

UserCreateResult = Annotated[
    UserCreatePayload | InvalidInputError | ConflictError | _Owners | LimitReachedError | _Nobody,
    strawberry.union("UserCreateResult", description="The new person, or what stood in the way."),
]
UserUpdateResult = Annotated[
    UserUpdatePayload | InvalidInputError | NotFoundError | ConflictError | _Owners | DirectoryManagedError | _Nobody,
    strawberry.union("UserUpdateResult", description="The person as they are now, or what stood in the way."),
]
UserDeactivateResult = Annotated[
    UserUpdatePayload | NotFoundError | ConflictError | _Owners | _Nobody,
    strawberry.union("UserDeactivateResult", description="The person without access, or what stood in the way."),
]
UserReactivateResult = Annotated[
    UserUpdatePayload
    | NotFoundError
    | ConflictError
    | OwnerProtectedError
    | DirectoryManagedError
    | LimitReachedError
    | _Nobody,
    strawberry.union("UserReactivateResult", description="The person with access, or what stood in the way."),
]
UserUnlinkResult = Annotated[
    UserUpdatePayload | NotFoundError | ConflictError | _Nobody,
    strawberry.union("UserUnlinkResult", description="The person as they are now, or what stood in the way."),
]
UserDeleteResult = Annotated[
    UserDeletePayload | NotFoundError | _Owners | _Nobody,
    strawberry.union("UserDeleteResult", description="The id of who was deleted, or what stood in the way."),
]

_CREATED_WITH = ("display_name", "given_name", "family_name", "title")
_CHANGED = ("user_name", "email", *_CREATED_WITH)


@strawberry.type
class UserMutations:
    """What can be done to people."""

    @mutation("Add a person. Sign-in takes a password, which this does not set.")
    async def user_create(self, info: Info, input: UserCreateInput) -> UserCreateResult:
        """Create."""
        values = {name: getattr(input, name) for name in _CREATED_WITH}
        values["user_name"] = input.email if input.user_name is None else input.user_name
        values["emails"] = [{"value": input.email, "type": "work", "primary": True}]
        try:
            row = await info.context.write(create_user, user_fields(values), role=input.role)
        except Refused as refused:
            raise Refused(_said_of_email(refused.reason) if input.user_name is None else refused.reason) from None
        return UserCreatePayload(user=User.of(row))

    @mutation("Change a person: all that the input says, or nothing.")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserUpdateResult:
        """Update."""
        given = {name: getattr(input, name) for name in _CHANGED}
        changes = {name: maybe.value for name, maybe in given.items() if maybe}
        role = input.role.value if input.role else None
        if input.role and role is None:
            raise Refused(Invalid("role", "must not be null"))
        return _payload(await info.context.write(edit_user, domain_id(input.id), changes, role))

    @mutation("End a person's access: their sessions end at once, the workspace's keys go on.")
    async def user_deactivate(self, info: Info, input: UserDeactivateInput) -> UserDeactivateResult:
        """Deactivate."""
        return _payload(await info.context.write(deactivate_user, domain_id(input.id)))

    @mutation("Take a person out of the directory's management, so that the workspace's own people decide.")
    async def user_unlink(self, info: Info, input: UserUnlinkInput) -> UserUnlinkResult:
        """Unlink."""
        return _payload(await info.context.write(unlink_user, domain_id(input.id)))

    @mutation("Give a person access again.")
    async def user_reactivate(self, info: Info, input: UserReactivateInput) -> UserReactivateResult:
        """Reactivate."""
        return _payload(await info.context.write(reactivate_user, domain_id(input.id)))

    @mutation("Remove a person for good; deactivating them keeps what they were.")
    async def user_delete(self, info: Info, input: UserDeleteInput) -> UserDeleteResult:
        """Delete."""
        await info.context.write(delete_user, domain_id(input.id))
        return UserDeletePayload(deleted_id=input.id)


def _said_of_email(reason: Reason) -> Reason:
    """What is wrong with a userName, said of the address that it was taken from."""
    if isinstance(reason, Invalid | Taken) and reason.field == "user_name":
        return replace(reason, field="emails")
    return reason


def _payload(row: fields.User) -> UserUpdatePayload:
    return UserUpdatePayload(user=User.of(row))
