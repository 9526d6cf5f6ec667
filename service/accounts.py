"""A person's own account: a forgotten password, an invitation, another password.

What is asked for in somebody's name without a session is answered in the same way whether there is such a person or
not; the mail tells. Hashes are made before the transaction that keeps them (see `service.passwords`).
"""

from collections.abc import Callable

from sqlalchemy import bindparam

from service.actor import Actor, Permission, Role
from service.audit import Action, Event
from service.authentication import Caller, SignedIn, check_password, find_person, guest_in, session_of
from service.links import Purpose, new_link, use_up, whose_link
from service.mail import letters
from service.mail.outbox import post
from service.passwords import PasswordHasher
from service.refusals import Invalid, NotFound, Refused
from service.sessions import Session, keep_password, open_session, revoke_sessions
from service.sign_in_attempts import count_attempt
from service.store.columns import table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.commands import create_user
from service.users.fields import User, UserFields, primary_email, shown_name
from service.users.queries import get_user
from service.work import Work
from service.workspaces import Workspace

Page = Callable[[str], str]
"""The address of a page of a workspace, by the workspace's subdomain; what a link opens, with the token behind a #."""

_USER = table_of(User)
_BY_ID = narrowed(User).where(_USER.c.id == bindparam("id"))
_OWN = narrowed(Workspace)


async def set_password_by_link(
    work: Work, hasher: PasswordHasher, caller: Caller, *, subdomain: str, token: str, purpose: Purpose, password: str
) -> tuple[SignedIn, str]:
    """Set a password by a link that was mailed, and begin a session: the session and its token.

    Refuses with Invalid("token") where the link is not good (any more), and with Invalid("password").
    """
    guest = await guest_in(work, caller, subdomain)
    user = await work.read(guest, user_of_link, token, purpose)
    password_hash = await hasher.hash(password, user.user_name, subdomain)
    client = caller.client or "unknown client"
    session_token = await work.write(guest, redeem_link, token, purpose, password_hash, client)
    return await session_of(work, session_token, caller), session_token


async def change_password(work: Work, hasher: PasswordHasher, actor: Actor, *, current: str, new: str) -> None:
    """Another password for whoever is signed in; refuses as `reauthenticate` does, and with Invalid("password")."""
    await check_password(work, hasher, actor, current)
    await work.write(actor, change_own_password, await hasher.hash(new, actor.name))


def ask_for_new_password(uow: UnitOfWork, identifier: str, page: Page) -> bool:
    """Mail a link to set a new password by, if this is somebody with access and an address; whether it is.

    Refuses with LimitReached where that was asked too often.
    """
    uow.demand(Permission.SESSIONS_OPEN)
    count_attempt(uow, f"a new password for {identifier}")
    user, workspace = find_person(uow, identifier), uow.first(_OWN)
    recipient = primary_email(user) if user is not None else None
    if user is None or recipient is None or workspace is None:
        return False
    token, until = new_link(uow, user.id, Purpose.NEW_PASSWORD)
    said = {"name": shown_name(user), "workspace": workspace.name}
    link = f"{page(workspace.subdomain)}#{token}"
    post(uow, letters.new_password(recipient, **said, link=link, until=until))
    uow.record(Event(Action.NEW_PASSWORD_ASKED_FOR, "User", user.id, shown_name(user)))
    return True


def user_of_link(uow: UnitOfWork, token: str, purpose: Purpose) -> User:
    """Whom a link was mailed to, or Invalid("token")."""
    uow.demand(Permission.SESSIONS_OPEN)
    user = uow.first(_BY_ID, id=whose_link(uow, token, purpose))
    if user is None or not user.active:
        raise Refused(Invalid("token", "is of somebody who has no access"))
    return user


def redeem_link(uow: UnitOfWork, token: str, purpose: Purpose, password_hash: str, client: str) -> str:
    """Keep the password that a link was good for, end all sessions and begin one: its token. The link is used up."""
    uow.demand(Permission.SESSIONS_OPEN)
    user = user_of_link(uow, token, purpose)
    uow.claim(user.id)
    for each in Purpose:
        use_up(uow, user.id, each)
    uow.delete(Session, user_id=user.id)
    keep_password(uow, user_id=user.id, user_name=shown_name(user), password_hash=password_hash)
    if user.invitation_expires_at is not None:
        uow.keep(User, user.id, {"invitation_expires_at": None})
        uow.record(Event(Action.INVITATION_ACCEPTED, "User", user.id, shown_name(user)))
    if purpose is Purpose.NEW_PASSWORD:
        _tell_of_new_password(uow, user)
    return open_session(uow, user_id=user.id, user_name=shown_name(user), client=client)[1]


def change_own_password(uow: UnitOfWork, password_hash: str) -> None:
    """Keep another password of the actor's, and end their other sessions."""
    uow.demand(Permission.SESSIONS_USE)
    user = uow.first(_BY_ID, id=uow.actor.id)
    if user is None:
        raise Refused(NotFound("User", uow.actor.id))
    use_up(uow, user.id, Purpose.NEW_PASSWORD)
    keep_password(uow, user_id=user.id, user_name=shown_name(user), password_hash=password_hash)
    revoke_sessions(uow, user.id)
    _tell_of_new_password(uow, user)


def invite_user(uow: UnitOfWork, fields: UserFields, role: Role, page: Page) -> User:
    """Add a person, whom a mail invites to choose a password; refuses as `create_user` does.

    They take a seat from now on.
    """
    uow.demand(Permission.USERS_WRITE)
    return _invite(uow, create_user(uow, fields, role=role), page)


def resend_invitation(uow: UnitOfWork, user_id: str, page: Page) -> User:
    """Invite somebody once more who has not come in yet; the link of the mail before is good no more."""
    uow.demand(Permission.USERS_WRITE)
    user = uow.first(_BY_ID.locked, id=user_id)
    if user is None:
        raise Refused(NotFound("User", user_id))
    if user.invitation_expires_at is None or not user.active:
        raise Refused(Invalid("id", "is of somebody who has no invitation that is open"))
    return _invite(uow, user, page)


def _invite(uow: UnitOfWork, user: User, page: Page) -> User:
    recipient, workspace = primary_email(user), uow.first(_OWN)
    if recipient is None or workspace is None:
        raise Refused(Invalid("email", "is needed: the invitation goes there"))
    token, until = new_link(uow, user.id, Purpose.INVITATION)
    said = {"name": shown_name(user), "workspace": workspace.name, "by": uow.actor.name}
    link = f"{page(workspace.subdomain)}#{token}"
    post(uow, letters.invitation(recipient, **said, link=link, until=until))
    uow.keep(User, user.id, {"invitation_expires_at": until})
    uow.record(Event(Action.USER_INVITED, "User", user.id, shown_name(user)))
    return get_user(uow, user.id)


def _tell_of_new_password(uow: UnitOfWork, user: User) -> None:
    recipient, workspace = primary_email(user), uow.first(_OWN)
    if recipient is not None and workspace is not None:
        post(uow, letters.password_changed(recipient, name=shown_name(user), workspace=workspace.name))
