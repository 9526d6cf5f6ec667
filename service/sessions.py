"""Sessions: who is signed in, and the password they sign in with."""

from datetime import datetime, timedelta

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission, Role
from service.audit import Action, Change, Event
from service.clock import now
from service.ids import new_id
from service.pages import Order, Page, PageRequest, page_of
from service.refusals import NotFound, OwnerProtected, Refused
from service.store.columns import Instant, table_of
from service.tokens import TokenKind, new_token
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User, shown_name

LIFETIME = timedelta(days=14)
_MAX_LABEL = 200
_USER_BY_ID = narrowed(User).where(table_of(User).c.id == bindparam("id"))


class Credential(SQLModel, table=True):
    """A user's password hash, kept apart so that reading a user never reads it."""

    workspace_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    password_hash: str
    set_at: datetime = Field(sa_type=Instant)


class Session(SQLModel, table=True):
    """A signed-in browser. The token it shows is kept as a keyed hash."""

    __table_args__ = (Index("session_user", "workspace_id", "user_id"), Index("session_token", "token_hash"))

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    user_id: str
    token_hash: str
    label: str
    ip: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    last_active_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)


_SESSION = table_of(Session)
_BY_ID = narrowed(Session).where(_SESSION.c.id == bindparam("id"))
_OWN = _BY_ID.where(_SESSION.c.user_id == bindparam("user_id"))
_OF_USER = narrowed(Session).where(_SESSION.c.user_id == bindparam("user_id"), _SESSION.c.expires_at > bindparam("at"))
_NEWEST_FIRST = Order("sessions, the newest first", (_SESSION.c.id,), descending=True)
_OTHERS = _OF_USER.where(_SESSION.c.id != bindparam("kept"))


def open_session(uow: UnitOfWork, *, user_id: str, user_name: str, client: str) -> tuple[Session, str]:
    """Begin a session for a user whose password was right: the session and its token, which is not kept."""
    uow.demand(Permission.SESSIONS_OPEN)
    _refuse_unless_known(uow, user_id)
    token, at = new_token(TokenKind.SESSION), now()
    session = uow.insert(
        Session,
        {
            "id": new_id("ses"),
            "user_id": user_id,
            "token_hash": uow.seal.of(token, TokenKind.SESSION),
            "label": client[:_MAX_LABEL],
            "ip": uow.actor.ip,
            "created_at": at,
            "last_active_at": at,
            "expires_at": at + LIFETIME,
            "confirmed_at": at,
        },
    )
    uow.record(Event(Action.SIGNED_IN, "User", user_id, user_name))
    return session, token


def get_session(uow: UnitOfWork, session_id: str) -> Session:
    """One of the actor's own sessions, or NotFound."""
    uow.demand(Permission.SESSIONS_USE)
    session = uow.first(_OWN, id=session_id, user_id=uow.actor.id)
    if session is None:
        raise Refused(NotFound("Session", session_id))
    return session


def page_sessions(uow: UnitOfWork, user_id: str, wanted: PageRequest) -> Page[Session]:
    """One page of the sessions of a person, the newest first: of one's own, or for admins of anybody."""
    _demand_to_see(uow, user_id)
    return page_of(uow, _OF_USER, _NEWEST_FIRST, wanted, {"user_id": user_id, "at": now()})


def count_sessions(uow: UnitOfWork, user_id: str) -> int:
    """How many sessions a person has."""
    _demand_to_see(uow, user_id)
    return uow.number(_OF_USER.count, user_id=user_id, at=now())


def revoke_session(uow: UnitOfWork, session_id: str) -> None:
    """End a session of one's own, or as an admin anybody's; an owner's is ended by owners."""
    uow.demand(Permission.SESSIONS_USE)
    session = uow.first(_BY_ID, id=session_id)
    if session is None or (session.user_id != uow.actor.id and Permission.USERS_WRITE not in uow.actor.permissions):
        raise Refused(NotFound("Session", session_id))
    user = _whose_sessions_may_end(uow, session.user_id)
    uow.claim(session_id)
    if uow.delete(Session, id=session_id):
        _record_revoked(uow, user, 1)


def revoke_sessions(uow: UnitOfWork, user_id: str) -> int:
    """End every session of one's own but the one that asks, or as an admin all of somebody's: how many there were."""
    _demand_to_see(uow, user_id)
    user = _whose_sessions_may_end(uow, user_id)
    ended = uow.all(_OTHERS, user_id=user_id, at=now(), kept=uow.actor.session_id or "-")
    for session in ended:
        uow.claim(session.id)
        uow.delete(Session, id=session.id)
    if ended:
        _record_revoked(uow, user, len(ended))
    return len(ended)


def note_password_shown(uow: UnitOfWork) -> None:
    """Note that the password of the acting session's user was shown now."""
    uow.demand(Permission.SESSIONS_USE)
    if uow.actor.session_id is not None:
        uow.keep(Session, uow.actor.session_id, {"confirmed_at": now()})


def end_session(uow: UnitOfWork, session_id: str) -> None:
    """Sign the actor out of this session of theirs."""
    uow.demand(Permission.SESSIONS_USE)
    uow.claim(session_id)
    if not uow.delete(Session, id=session_id, user_id=uow.actor.id):
        raise Refused(NotFound("Session", session_id))
    uow.record(Event(Action.SIGNED_OUT, "User", uow.actor.id, uow.actor.name))


def note_activity(uow: UnitOfWork, session_id: str) -> None:
    """Note that the session was used now."""
    uow.demand(Permission.SESSIONS_USE)
    uow.stamp(Session, session_id, "last_active_at")


def store_password(uow: UnitOfWork, *, user_id: str, user_name: str, password_hash: str) -> None:
    """Keep a new password's hash (see `service.passwords`) in place of the old one."""
    uow.demand(Permission.PASSWORDS_WRITE)
    _refuse_unless_known(uow, user_id)
    keep_password(uow, user_id=user_id, user_name=user_name, password_hash=password_hash)


def keep_password(uow: UnitOfWork, *, user_id: str, user_name: str, password_hash: str) -> None:
    """The same, for whoever has made sure that it may be done."""
    uow.delete(Credential, user_id=user_id)
    uow.insert(Credential, {"user_id": user_id, "password_hash": password_hash, "set_at": now()})
    uow.record(Event(Action.PASSWORD_SET, "User", user_id, user_name))


def _demand_to_see(uow: UnitOfWork, user_id: str) -> None:
    uow.demand(Permission.SESSIONS_USE)
    if user_id != uow.actor.id:
        uow.demand(Permission.USERS_WRITE)
        _refuse_unless_known(uow, user_id)


def _whose_sessions_may_end(uow: UnitOfWork, user_id: str) -> User:
    user = uow.first(_USER_BY_ID, id=user_id)
    if user is None:
        raise Refused(NotFound("User", user_id))
    if user.role == Role.OWNER and user.id != uow.actor.id and uow.actor.role is not Role.OWNER:
        raise Refused(OwnerProtected("Only an owner of the workspace may end an owner's sessions."))
    return user


def _record_revoked(uow: UnitOfWork, user: User, number: int) -> None:
    changes = (Change("sessions", str(number), "0"),)
    uow.record(Event(Action.SESSIONS_REVOKED, "User", user.id, shown_name(user), changes))


def _refuse_unless_known(uow: UnitOfWork, user_id: str) -> None:
    if uow.first(_USER_BY_ID, id=user_id) is None:
        raise Refused(NotFound("User", user_id))
