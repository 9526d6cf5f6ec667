"""Whether what an actor has shown, a key or a session, is still good at the moment of a change."""

from sqlalchemy import bindparam, exists, or_, select

from service.actor import Actor, ActorKind
from service.api_keys import ApiKey
from service.clock import now
from service.refusals import Refused, Unauthenticated
from service.sessions import Session
from service.store.columns import table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User

_K, _S, _U = table_of(ApiKey), table_of(Session), table_of(User)

_ENDED = "What you have signed in with or shown has been ended meanwhile."

_GOOD_KEY = (
    narrowed(ApiKey)
    .where(
        _K.c.id == bindparam("id"),
        _K.c.revoked_at.is_(None),
        or_(_K.c.expires_at.is_(None), _K.c.expires_at > bindparam("at")),
    )
    .count
)
_SAME_USER = (_U.c.workspace_id == _S.c.workspace_id) & (_U.c.id == _S.c.user_id)
_GOOD_USER = (
    narrowed(User).where(_U.c.id == bindparam("id"), _U.c.active.is_(True), _U.c.role == bindparam("role")).count
)
_GOOD_SESSION = (
    narrowed(Session)
    .where(
        _S.c.id == bindparam("id"),
        exists(select(_U.c.id).where(_SAME_USER, _U.c.active.is_(True), _U.c.role == bindparam("role"))),
    )
    .count
)


def shown_by(actor: Actor) -> tuple[str, ...]:
    """The ids that a change by this actor stands on: its key's, its session's, its user's."""
    with_user = actor.session_id or actor.personal_key_id
    if with_user is not None:
        return (with_user, actor.id)
    return (actor.id,) if actor.kind is ActorKind.API_KEY else ()


def refuse_unless_good(uow: UnitOfWork) -> None:
    """Refuse with Unauthenticated unless the actor's key or session, its user and the user's role are still there."""
    actor = uow.actor
    good = 1
    if actor.kind is ActorKind.API_KEY:
        good = uow.number(_GOOD_KEY, id=actor.id, at=now())
    elif actor.session_id is not None:
        good = uow.number(_GOOD_SESSION, id=actor.session_id, role=actor.role)
    elif actor.personal_key_id is not None:
        good = uow.number(_GOOD_KEY, id=actor.personal_key_id, at=now())
        good = good and uow.number(_GOOD_USER, id=actor.id, role=actor.role)
    if not good:
        raise Refused(Unauthenticated(_ENDED))
