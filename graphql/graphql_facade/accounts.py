"""Accounts: invitations, forgotten passwords and other ones."""

from functools import partial
from typing import Annotated

import strawberry

from graphql_facade.context import Info
from graphql_facade.nodes import domain_id
from graphql_facade.refusals import (
    BusyError,
    Error,
    ForbiddenError,
    InvalidCredentialsError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    UnauthenticatedError,
    error_of,
)
from graphql_facade.resolvers import mutation
from graphql_facade.sign_in import somebody_signed_in, workspace_named, wrong_password
from graphql_facade.users import User
from graphql_facade.viewer import Viewer
from service import accounts
from service.actor import Role
from service.authentication import NOWHERE, guest_in
from service.founding import person_fields
from service.links import Purpose
from service.refusals import Busy, Forbidden, Invalid, Refused, Unauthenticated

MOST_INVITED = 100  # people of one request
_WORKSPACE = "The workspace's subdomain; needed where the host names none."


@strawberry.input(description="Somebody to invite.")
class PersonInviteInput:
    """A new person."""

    email: str = strawberry.field(description="The address that the invitation goes to, which is the userName too.")
    name: str | None = strawberry.field(
        default=None, description="Given and family name; guessed from the address where it is left out."
    )
    role: Role = strawberry.field(default=Role.MEMBER, description="What the person may do; only owners make owners.")


@strawberry.input(description="Whom to invite.")
class UserInviteInput:
    """Many at once."""

    people: list[PersonInviteInput] = strawberry.field(description=f"1 to {MOST_INVITED} people.")


@strawberry.input(description="Whom to invite once more.")
class InvitationResendInput:
    """A person's id."""

    id: strawberry.ID = strawberry.field(description="The person, who has not come in yet.")


@strawberry.input(description="An invitation that was mailed, and the password of whoever accepts it.")
class InvitationAcceptInput:
    """What the invitation's page sends."""

    token: str = strawberry.field(description="What stands behind the # of the link in the mail.")
    password: str = strawberry.field(description="The password to sign in with from now on.")
    workspace: str | None = strawberry.field(default=None, description=_WORKSPACE)


@strawberry.input(description="Whose password is forgotten.")
class PasswordForgottenInput:
    """What the sign-in page sends."""

    email: str = strawberry.field(description="The person's e-mail address or userName.")
    workspace: str | None = strawberry.field(default=None, description=_WORKSPACE)


@strawberry.input(description="A link that was mailed, and the new password.")
class PasswordSetInput:
    """What the page of the link sends."""

    token: str = strawberry.field(description="What stands behind the # of the link in the mail.")
    password: str = strawberry.field(description="The new password.")
    workspace: str | None = strawberry.field(default=None, description=_WORKSPACE)


@strawberry.input(description="The password as it is, and another one.")
class PasswordChangeInput:
    """Of whoever is signed in."""

    current_password: str = strawberry.field(description="The password as it is.")
    new_password: str = strawberry.field(description="The password from now on.")


@strawberry.type(description="What became of one invitation.")
class InvitationOutcome:
    """One of `user` and `error` is there."""

    email: str = strawberry.field(description="The address, as it was given.")
    user: User | None = strawberry.field(description="The person, whom a mail invites.")
    error: Error | None = strawberry.field(description="What stood in the way.")


@strawberry.type(description="What became of the invitations, in their order.")
class UserInvitePayload:
    """Each is made by itself."""

    outcomes: list[InvitationOutcome] = strawberry.field(description="One for each person.")


@strawberry.type(description="The person, whom another mail invites.")
class InvitationResendPayload:
    """The person."""

    user: User = strawberry.field(description="The person.")


@strawberry.type(description="Somebody is signed in, with a password of their own.")
class PasswordSetPayload:
    """The session's token goes into the cookie."""

    viewer: Viewer = strawberry.field(description="Who.")


@strawberry.type(description="If there is such a person, a mail is on its way.")
class PasswordForgottenPayload:
    """The same whether there is or not."""

    ok: bool = strawberry.field(description="Always true.")


@strawberry.type(description="The password is another one; all other sessions have ended.")
class PasswordChangePayload:
    """Nothing more to say."""

    ok: bool = strawberry.field(description="Always true.")


_Nobody = ForbiddenError | UnauthenticatedError | BusyError
_SET = PasswordSetPayload | InvalidInputError | BusyError

UserInviteResult = Annotated[
    UserInvitePayload | InvalidInputError | _Nobody,
    strawberry.union("UserInviteResult", description="What became of each invitation, or what stood in the way."),
]
InvitationResendResult = Annotated[
    InvitationResendPayload | InvalidInputError | NotFoundError | _Nobody,
    strawberry.union("InvitationResendResult", description="The person, or what stood in the way."),
]
InvitationAcceptResult = Annotated[
    _SET, strawberry.union("InvitationAcceptResult", description="The viewer, or what stood in the way.")
]
PasswordSetResult = Annotated[
    _SET, strawberry.union("PasswordSetResult", description="The viewer, or what stood in the way.")
]
PasswordForgottenResult = Annotated[
    PasswordForgottenPayload | InvalidInputError | LimitReachedError | BusyError,
    strawberry.union("PasswordForgottenResult", description="Done, or what stood in the way."),
]
PasswordChangeResult = Annotated[
    PasswordChangePayload
    | InvalidCredentialsError
    | InvalidInputError
    | LimitReachedError
    | UnauthenticatedError
    | BusyError,
    strawberry.union("PasswordChangeResult", description="Done, or what stood in the way."),
]


@strawberry.type
class AccountMutations:
    """What can be done to accounts."""

    @mutation("Invite people by mail, each by themselves: one that cannot be invited keeps no other from it.")
    async def user_invite(self, info: Info, input: UserInviteInput) -> UserInviteResult:
        """Invite."""
        if not 1 <= len(input.people) <= MOST_INVITED:
            raise Refused(Invalid("people", f"must be 1 to {MOST_INVITED} people"))
        outcomes = [await _invited(info, person) for person in input.people]
        return UserInvitePayload(outcomes=outcomes)

    @mutation("Invite somebody once more who has not come in yet. The link of the mail before is good no more.")
    async def invitation_resend(self, info: Info, input: InvitationResendInput) -> InvitationResendResult:
        """Invite again."""
        context = info.context
        page = partial(context.page_url, "accept-invitation")
        row = await context.write(accounts.resend_invitation, domain_id(input.id), page)
        await context.carry_mail()
        return InvitationResendPayload(user=User.of(row))

    @mutation("Accept an invitation: choose a password, and be signed in.")
    async def invitation_accept(self, info: Info, input: InvitationAcceptInput) -> InvitationAcceptResult:
        """Accept."""
        return await _set(info, input, Purpose.INVITATION)

    @mutation("Set a new password by a link that was mailed, and be signed in. All sessions end.")
    async def password_set(self, info: Info, input: PasswordSetInput) -> PasswordSetResult:
        """Set."""
        return await _set(info, input, Purpose.NEW_PASSWORD)

    @mutation("Have a link mailed to set a new password by. The answer is the same whether there is such a person.")
    async def password_forgotten(self, info: Info, input: PasswordForgottenInput) -> PasswordForgottenResult:
        """Mail a link."""
        context = info.context
        guest = await guest_in(context.work, context.caller, workspace_named(context, input.workspace))
        if guest.workspace_id != NOWHERE:
            page = partial(context.page_url, "new-password")
            await context.work.write(guest, accounts.ask_for_new_password, input.email, page)
            context.postman.soon(guest.workspace_id)
        return PasswordForgottenPayload(ok=True)

    @mutation("Change the password. All other sessions end.")
    async def password_change(self, info: Info, input: PasswordChangeInput) -> PasswordChangeResult:
        """Change."""
        context = info.context
        actor = await somebody_signed_in(context)
        said = {"current": input.current_password, "new": input.new_password}
        try:
            await accounts.change_password(context.work, context.hasher, actor, **said)
        except Refused as refused:
            return wrong_password(refused)
        await context.carry_mail()
        return PasswordChangePayload(ok=True)


async def _invited(info: Info, person: PersonInviteInput) -> InvitationOutcome:
    context = info.context
    page = partial(context.page_url, "accept-invitation")
    try:
        given = person_fields(person.email, person.name, family_name=person.email.partition("@")[0])
        row = await context.write(accounts.invite_user, given, person.role, page)
    except Refused as refused:
        if isinstance(refused.reason, Forbidden | Unauthenticated | Busy):
            raise
        return InvitationOutcome(email=person.email, user=None, error=error_of(refused.reason))
    await context.carry_mail()
    return InvitationOutcome(email=person.email, user=User.of(row), error=None)


async def _set(info: Info, input: PasswordSetInput | InvitationAcceptInput, purpose: Purpose) -> PasswordSetPayload:
    context = info.context
    named = {"subdomain": workspace_named(context, input.workspace), "token": input.token, "password": input.password}
    signed_in, token = await accounts.set_password_by_link(
        context.work, context.hasher, context.caller, **named, purpose=purpose
    )
    context.enter(signed_in.actor, token)
    await context.carry_mail()
    return PasswordSetPayload(viewer=Viewer(actor=signed_in.actor))
