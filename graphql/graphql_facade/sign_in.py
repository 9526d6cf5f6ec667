"""Signing in and out."""

from typing import Annotated

import strawberry

from graphql_facade.context import Context, Info
from graphql_facade.refusals import (
    BusyError,
    ErrorCode,
    InvalidCredentialsError,
    InvalidInputError,
    LimitReachedError,
    UnauthenticatedError,
)
from graphql_facade.resolvers import mutation
from graphql_facade.viewer import Viewer
from service.actor import Actor
from service.authentication import BAD_SIGN_IN, NOT_SIGNED_IN, reauthenticate, sign_in
from service.refusals import Invalid, NotFound, Refused, Unauthenticated
from service.sessions import end_session
from service.text import unstorable


@strawberry.input(description="Who signs in, where, and the password.")
class SignInInput:
    """The workspace is the host's, where the host names one."""

    email: str = strawberry.field(description="The person's e-mail address or userName.")
    password: str = strawberry.field(description="The password.")
    workspace: str | None = strawberry.field(
        default=None, description="The workspace's subdomain; needed where the host names none."
    )


@strawberry.type(description="Somebody is signed in; the session is in a cookie.")
class SignInPayload:
    """The session's token goes into the cookie and into no body."""

    viewer: Viewer = strawberry.field(description="Who.")


@strawberry.type(description="Nobody is signed in any more.")
class SignOutPayload:
    """GraphQL has no empty types."""

    ok: bool = strawberry.field(description="Always true.")


@strawberry.input(description="The password, once more.")
class ReauthenticateInput:
    """Of whoever is signed in."""

    password: str = strawberry.field(description="The password.")


@strawberry.type(description="The session's password counts as shown now.")
class ReauthenticatePayload:
    """For what takes one that was shown a short time ago."""

    ok: bool = strawberry.field(description="Always true.")


SignInResult = Annotated[
    SignInPayload | InvalidCredentialsError | InvalidInputError | LimitReachedError | BusyError,
    strawberry.union("SignInResult", description="The viewer, or what stood in the way."),
]
ReauthenticateResult = Annotated[
    ReauthenticatePayload
    | InvalidCredentialsError
    | InvalidInputError
    | LimitReachedError
    | UnauthenticatedError
    | BusyError,
    strawberry.union("ReauthenticateResult", description="Done, or what stood in the way."),
]
SignOutResult = Annotated[
    SignOutPayload | UnauthenticatedError | BusyError,
    strawberry.union("SignOutResult", description="Done, or what stood in the way."),
]


@strawberry.type
class SessionMutations:
    """Signing in and out."""

    @mutation(
        "Begin a session, in place of the one that the request shows. One attempt to an operation. "
        "Whatever was wrong, the answer is InvalidCredentials."
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInResult:
        """Sign in, and let go of the session that the browser had."""
        context = info.context
        named = {"subdomain": workspace_named(context, input.workspace), "identifier": input.email}
        try:
            signed_in, token = await sign_in(
                context.work, context.hasher, context.caller, **named, password=input.password
            )
        except Refused as refused:
            if isinstance(refused.reason, Unauthenticated):
                return InvalidCredentialsError(code=ErrorCode.INVALID_CREDENTIALS, message=refused.reason.why)
            raise
        await _end_session(context)
        context.enter(signed_in.actor, token)
        return SignInPayload(viewer=Viewer(actor=signed_in.actor))

    @mutation("Show the password again, for what takes one that was shown in the last 15 minutes.")
    async def reauthenticate(self, info: Info, input: ReauthenticateInput) -> ReauthenticateResult:
        """Show it."""
        context = info.context
        try:
            await reauthenticate(context.work, context.hasher, await somebody_signed_in(context), input.password)
        except Refused as refused:
            return wrong_password(refused)
        return ReauthenticatePayload(ok=True)

    @mutation("End this session.")
    async def sign_out(self, info: Info) -> SignOutResult:
        """Sign out."""
        ended = await _end_session(info.context)
        info.context.leave()
        if not ended:
            raise Refused(Unauthenticated("Nobody was signed in."))
        return SignOutPayload(ok=True)


async def _end_session(context: Context) -> bool:
    """End the session that the request shows; whether there was one."""
    try:
        session_id = (await context.actor()).session_id
        if session_id is None:
            return False
        await context.write(end_session, session_id)
    except Refused as refused:
        if isinstance(refused.reason, Unauthenticated | NotFound):
            return False
        raise
    return True


async def somebody_signed_in(context: Context) -> Actor:
    """Who acts with a session, or Unauthenticated: an API key has no password."""
    actor = await context.actor()
    if actor.session_id is None:
        raise Refused(Unauthenticated(NOT_SIGNED_IN))
    return actor


def wrong_password(refused: Refused) -> InvalidCredentialsError:
    """The answer where that is why a password that was asked for once more was refused; raises any other refusal."""
    if refused.reason != Unauthenticated(BAD_SIGN_IN):
        raise refused
    return InvalidCredentialsError(code=ErrorCode.INVALID_CREDENTIALS, message="The password is wrong.")


def workspace_named(context: Context, given: str | None) -> str:
    """The subdomain of the workspace to sign in to, or Invalid."""
    here = context.caller.subdomain
    wanted = given.strip().lower() if given else None
    if here is None and wanted is None:
        raise Refused(Invalid("workspace", "is required on this host: name the workspace's subdomain"))
    if wanted and unstorable(wanted):
        raise Refused(Invalid("workspace", "must be a subdomain"))
    if here and wanted and here != wanted:
        raise Refused(Invalid("workspace", "must be left out here, or be that of the host"))
    return here or wanted or ""
