"""Attempts to sign in: whoever has guessed wrong too often waits, and nobody's session ends by it.

Counted before a password is looked at, so that as many guesses at once as anybody likes are no more than the bound, and
by every process together. Unknown names are counted like known ones: being slowed down tells nothing about an account.
"""

from datetime import datetime, timedelta
from functools import partial
from math import ceil

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.audit import Action, Event
from service.clock import now
from service.refusals import LimitReached, Refused
from service.store.columns import Instant, table_of
from service.text import canonical
from service.unit_of_work import UnitOfWork, narrowed

WINDOW = timedelta(minutes=15)
OF_AN_ACCOUNT = 10
"""Attempts with one name within the window that may fail."""
FROM_AN_ADDRESS = 100
"""Attempts from one address within the window that may fail: an office has one for all."""


class SignInAttempts(SQLModel, table=True):
    """Attempts with one name, or from one address, that have not succeeded. The id is a keyed hash of either: what
    somebody has typed for a name may be their password."""

    __tablename__ = "sign_in_attempts"  # pyright: ignore[reportAssignmentType]

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    number: int
    since: datetime = Field(sa_type=Instant)


_A = table_of(SignInAttempts)
_BY_ID = narrowed(SignInAttempts).where(_A.c.id == bindparam("id"))


def count_attempt(uow: UnitOfWork, identifier: str) -> None:
    """Count an attempt with this name from the actor's address, or refuse with LimitReached."""
    uow.demand(Permission.SESSIONS_OPEN)
    at = now()
    for id_, limit in _bounds(uow, identifier):
        uow.claim(id_)
        known = uow.first(_BY_ID, id=id_)
        if known is None:
            uow.log(SignInAttempts, [{"id": id_, "number": 1, "since": at}])
        elif known.since + WINDOW <= at:
            uow.keep(SignInAttempts, id_, {"number": 1, "since": at})
        elif known.number >= limit:
            seconds = ceil((known.since + WINDOW - at).total_seconds())
            refused = Refused(LimitReached(_TOO_MANY.format(ceil(seconds / 60)), retry_after=seconds))
            if known.number == limit:
                refused.note = partial(_note_slowed_down, id_=id_)
            raise refused
        else:
            uow.keep(SignInAttempts, id_, {"number": known.number + 1})


def forget_attempt(uow: UnitOfWork, identifier: str) -> None:
    """Take back what was counted of an attempt that has succeeded, and all that failed before with the same name."""
    uow.demand(Permission.SESSIONS_OPEN)
    (account, _), *address = _bounds(uow, identifier)
    uow.keep(SignInAttempts, account, {"number": 0})
    for id_, _ in address:
        _count_one_less(uow, id_)


def take_back_attempt(uow: UnitOfWork, identifier: str) -> None:
    """Take back what was counted of an attempt whose password nobody has looked at."""
    uow.demand(Permission.SESSIONS_OPEN)
    for id_, _ in _bounds(uow, identifier):
        _count_one_less(uow, id_)


def _count_one_less(uow: UnitOfWork, id_: str) -> None:
    uow.claim(id_)
    if (known := uow.first(_BY_ID, id=id_)) is not None:
        uow.keep(SignInAttempts, id_, {"number": max(known.number - 1, 0)})


_TOO_MANY = "There were too many attempts to sign in. Wait {} minutes and try again, or set a new password by mail."


def _note_slowed_down(uow: UnitOfWork, *, id_: str) -> None:
    known = uow.first(_BY_ID, id=id_)
    if known is not None:
        uow.keep(SignInAttempts, id_, {"number": known.number + 1})
        uow.record(Event(Action.SIGN_IN_SLOWED_DOWN, "Workspace", uow.actor.workspace_id, "sign-in"))


def _bounds(uow: UnitOfWork, identifier: str) -> list[tuple[str, int]]:
    """What is counted, and how much of it may be."""
    counted = [(_hash(uow, "account", canonical(identifier)), OF_AN_ACCOUNT)]
    if uow.actor.ip is not None:
        counted.append((_hash(uow, "address", uow.actor.ip), FROM_AN_ADDRESS))
    return counted


def _hash(uow: UnitOfWork, kind: str, text: str) -> str:
    data = text.encode(errors="surrogatepass")
    return f"{kind}_{uow.seal.tagging(f'sign in by {kind}'.encode())(data).hex()}"
