"""The domain's refusals as GraphQL types: expected failures are data, and each is an `Error`.

A mutation that is refused answers with the error's type where its result has room for it. Everywhere else, a query's
fields above all, the same code, message and details are an entry of `errors`.
"""

from enum import Enum
from typing import Any, assert_never

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion

from graphql_facade.enums import publish
from graphql_facade.spelling import input_path
from service.actor import Permission, Role
from service.refusals import (
    Busy,
    DirectoryManaged,
    FlagOff,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    OwnerProtected,
    Reason,
    ReauthenticationRequired,
    Refused,
    Stale,
    Taken,
    Unauthenticated,
    WorkspaceDecides,
)

publish(
    Role,
    "What a person may do in the workspace. A job title is another thing: `title`.",
    OWNER="Everything, and the only one who makes, changes and removes owners.",
    ADMIN="Everything but what takes an owner.",
    MEMBER="Sees the workspace and its people.",
)
publish(
    Permission,
    "What a role may do; the verbs of this API ask for one each.",
    WORKSPACE_READ="See the workspace.",
    USERS_READ="See people.",
    USERS_WRITE="Add, change, deactivate, reactivate and delete people.",
    GROUPS_READ="See groups.",
    GROUPS_WRITE="Create, change and delete groups; a directory's keys have this.",
    GROUP_ROLES_WRITE="Map groups to roles.",
    API_KEYS_READ="See API keys.",
    API_KEYS_WRITE="Create, replace and revoke API keys.",
    PERSONAL_KEYS_WRITE="Create, replace and revoke API keys of one's own.",
    FLAGS_READ="See flags.",
    FLAGS_WRITE="Set flags.",
    AUDIT_READ="Read the audit log.",
    PROVISIONING_READ="See what the directory does and may do.",
    PROVISIONING_WRITE="Decide what the directory may do.",
    SEATS_WRITE="Set the number of seats.",
    PLANS_WRITE="Set what a workspace pays for.",
    WORKSPACES_SUPPORT="See customers' workspaces as support does, and set their flags, plans and seats.",
    WORKSPACES_CREATE="Create workspaces.",
    PASSWORDS_WRITE="Set passwords.",
    SESSIONS_OPEN="Sign in.",
    SESSIONS_USE="See and end one's own session.",
    API_KEYS_USE="Act with an API key.",
    MAIL_CARRY="Send mail.",
    PROVISIONING_LOG_WRITE="Write the provisioning log.",
    PROVISIONING_SWEEP="Change managed people as a pause was decided.",
    RETENTION_ENFORCE="Remove what is kept for a time only, when that is over.",
)


@strawberry.enum(description="What kind of failure it is, for programs.")
class ErrorCode(Enum):
    """Codes of the errors below."""

    INVALID_INPUT = strawberry.enum_value("INVALID_INPUT", description="`InvalidInput`.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="`NotFound`.")
    CONFLICT = strawberry.enum_value("CONFLICT", description="`Conflict`.")
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="`Forbidden`.")
    OWNER_PROTECTED = strawberry.enum_value("OWNER_PROTECTED", description="`OwnerProtected`.")
    UNAUTHENTICATED = strawberry.enum_value("UNAUTHENTICATED", description="`Unauthenticated`.")
    INVALID_CREDENTIALS = strawberry.enum_value("INVALID_CREDENTIALS", description="`InvalidCredentials`.")
    FLAG_OFF = strawberry.enum_value("FLAG_OFF", description="The workspace has not got this feature.")
    DIRECTORY_MANAGED = strawberry.enum_value("DIRECTORY_MANAGED", description="`DirectoryManaged`.")
    LIMIT_REACHED = strawberry.enum_value("LIMIT_REACHED", description="`LimitReached`.")
    REAUTHENTICATION_REQUIRED = strawberry.enum_value(
        "REAUTHENTICATION_REQUIRED", description="`ReauthenticationRequired`."
    )
    BUSY = strawberry.enum_value("BUSY", description="`Busy`.")


@strawberry.interface(description="Every expected failure. One `... on Error { code message }` handles all of them.")
class Error:
    """What every failure says."""

    code: ErrorCode = strawberry.field(description="For programs.")
    message: str = strawberry.field(description="For people: what is wrong, and what to do.")


@strawberry.type(description="One thing that is wrong with the input.")
class InputIssue:
    """Where in the input, and what."""

    path: list[str] = strawberry.field(description="The way to the field, from `input` or the field's arguments.")
    message: str = strawberry.field(description="What is wrong with it.")


@strawberry.type(name="InvalidInput", description="The input cannot be accepted as it is; nothing was changed.")
class InvalidInputError(Error):
    """`service.refusals.Invalid`."""

    issues: list[InputIssue] = strawberry.field(description="What is wrong, field by field.")


@strawberry.type(name="NotFound", description="There is nothing with this id in the workspace.")
class NotFoundError(Error):
    """`service.refusals.NotFound`."""


@strawberry.type(name="Conflict", description="A value is taken, or the thing has changed since it was read.")
class ConflictError(Error):
    """`service.refusals.Taken` and `Stale`."""

    path: list[str] | None = strawberry.field(description="The way to the field whose value is taken, if that is it.")


@strawberry.type(name="Forbidden", description="The viewer may not do this.")
class ForbiddenError(Error):
    """`service.refusals.Forbidden`."""

    requires: Permission = strawberry.field(description="The permission that it takes.")


@strawberry.type(name="OwnerProtected", description="The act would make, change or remove an owner; not this way.")
class OwnerProtectedError(Error):
    """`service.refusals.OwnerProtected`."""


@strawberry.type(name="Unauthenticated", description="Nobody is signed in, or no longer.")
class UnauthenticatedError(Error):
    """`service.refusals.Unauthenticated`."""


@strawberry.type(name="InvalidCredentials", description="Not the name and the password of an active person.")
class InvalidCredentialsError(Error):
    """The one answer to every sign-in that fails, whatever was wrong."""


@strawberry.type(name="FlagOff", description="The workspace has not got this feature.")
class FlagOffError(Error):
    """`service.refusals.FlagOff`. No mutation is refused with it so far."""


@strawberry.type(name="Busy", description="Not now; the same call may succeed later.")
class BusyError(Error):
    """`service.refusals.Busy`."""

    retry_after_seconds: int = strawberry.field(description="How long to wait before trying again.")


@strawberry.type(name="DirectoryManaged", description="The directory decides about this; change it there.")
class DirectoryManagedError(Error):
    """`service.refusals.DirectoryManaged`."""

    path: list[str] = strawberry.field(description="The way to the field that the directory decides about.")


@strawberry.type(name="LimitReached", description="There is too much of something.")
class LimitReachedError(Error):
    """`service.refusals.LimitReached`."""

    retry_after_seconds: int | None = strawberry.field(description="How long to wait, where waiting helps.")


@strawberry.type(
    name="ReauthenticationRequired",
    description="This takes a password that was shown a short time ago: `reauthenticate`, then repeat it.",
)
class ReauthenticationRequiredError(Error):
    """`service.refusals.ReauthenticationRequired`."""


AnyError = (
    InvalidInputError
    | NotFoundError
    | ConflictError
    | ForbiddenError
    | OwnerProtectedError
    | UnauthenticatedError
    | FlagOffError
    | BusyError
    | DirectoryManagedError
    | LimitReachedError
    | ReauthenticationRequiredError
)


def error_of(reason: Reason) -> AnyError:  # noqa: C901 - a case each
    """A refusal as data."""
    match reason:
        case NotFound():
            return NotFoundError(code=ErrorCode.NOT_FOUND, message="There is nothing with this id in the workspace.")
        case Taken(_, field, value, why):
            path = input_path(field)
            return ConflictError(code=ErrorCode.CONFLICT, message=f"{path[-1]} {value!r} {why}.", path=path)
        case Stale():
            message = "Somebody else has changed this meanwhile: load it again and repeat the change."
            return ConflictError(code=ErrorCode.CONFLICT, message=message, path=None)
        case Invalid(field, why):
            path = input_path(field)
            issue = InputIssue(path=path, message=f"{path[-1]} {why}.")
            return InvalidInputError(code=ErrorCode.INVALID_INPUT, message=issue.message, issues=[issue])
        case Forbidden(permission):
            requires = Permission(permission)
            message = f"This takes the permission {requires.name}, which you have not got."
            return ForbiddenError(code=ErrorCode.FORBIDDEN, message=message, requires=requires)
        case OwnerProtected(why):
            return OwnerProtectedError(code=ErrorCode.OWNER_PROTECTED, message=why)
        case Unauthenticated(why):
            return UnauthenticatedError(code=ErrorCode.UNAUTHENTICATED, message=why)
        case FlagOff(_, why):
            return FlagOffError(code=ErrorCode.FLAG_OFF, message=why)
        case DirectoryManaged(field, why):
            path = input_path(field)
            return DirectoryManagedError(code=ErrorCode.DIRECTORY_MANAGED, message=why, path=path)
        case LimitReached(why, retry_after):
            return LimitReachedError(code=ErrorCode.LIMIT_REACHED, message=why, retry_after_seconds=retry_after)
        case ReauthenticationRequired(why):
            return ReauthenticationRequiredError(code=ErrorCode.REAUTHENTICATION_REQUIRED, message=why)
        case WorkspaceDecides(why):
            return ConflictError(code=ErrorCode.CONFLICT, message=why, path=None)
        case Busy(why, retry_after):
            return BusyError(code=ErrorCode.BUSY, message=f"{why} Try again.", retry_after_seconds=retry_after)
        case _:
            assert_never(reason)


class RefusalsAsData(strawberry.ExceptionHandler[Refused, BusyError]):
    """Makes a refusal the result of a mutation that has room for it.

    Every mutation may come at a busy time, so that `Busy` in its result tells a mutation from other fields.
    """

    def handle(self, exception: Refused, *, field: StrawberryField, info: strawberry.Info) -> Any:
        """The error, or None to leave it to `errors`."""
        error = error_of(exception.reason)
        result = field.type
        return error if isinstance(result, StrawberryUnion) and type(error) in result.types else None
