"""Sessions: who is signed in, and the password they sign in with."""

from datetime import datetime, timedelta

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.audit import Action, Event
from service.clock import now
from service.ids import new_id
from service.refusals import NotFound, Refused
from service.store.columns import Instant, table_of
from service.tokens import TokenKind, new_token
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User

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


_SESSION = table_of(Session)
_OWN = narrowed(Session).where(_SESSION.c.id == bindparam("id"), _SESSION.c.user_id == bindparam("user_id"))


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
    uow.delete(Credential, user_id=user_id)
    uow.insert(Credential, {"user_id": user_id, "password_hash": password_hash, "set_at": now()})
    uow.record(Event(Action.PASSWORD_SET, "User", user_id, user_name))


def _refuse_unless_known(uow: UnitOfWork, user_id: str) -> None:
    if uow.first(_USER_BY_ID, id=user_id) is None:
        raise Refused(NotFound("User", user_id))
