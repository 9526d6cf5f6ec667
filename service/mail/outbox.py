"""The outbox: mail is posted in the transaction of what it tells of, and sent after that has been committed.

Nothing is sent of what was undone, and nothing that was committed is forgotten: what a process that dies has taken out
is taken out again when its time is over. A mail that was sent a moment before such a death is sent once more, under
the same Message-ID, which is what receivers tell doubles by. Once sent, the text is forgotten: it may hold a link that
opens an account.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.clock import now
from service.ids import new_id
from service.store.columns import Instant, table_of
from service.unit_of_work import UnitOfWork, narrowed

BATCH = 20  # mails that are taken out together
FIRST_RETRY = timedelta(minutes=2)
ATTEMPTS = 10  # the last some 17 hours after the first
_KEPT = timedelta(days=30)
_MAX_ERROR = 500


class Mail(SQLModel, table=True):
    """A mail. `next_at` is when to try it, or to try again; None: it was sent, or given up after `ATTEMPTS`."""

    __table_args__ = (Index("mail_next", "workspace_id", "next_at"),)

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    recipient: str
    subject: str
    body: str
    posted_at: datetime = Field(sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    attempts: int
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str | None = None


@dataclass(frozen=True)
class Letter:
    """What is to be said to whom: plain text, to one address."""

    recipient: str
    subject: str
    body: str


_M = table_of(Mail)
_BY_ID = narrowed(Mail).where(_M.c.id == bindparam("id"))
_DUE = narrowed(Mail).where(_M.c.next_at <= bindparam("at")).order_by(_M.c.next_at).page
_OLD = narrowed(Mail).where(_M.c.posted_at < bindparam("before")).order_by(_M.c.id).page


def post(uow: UnitOfWork, letter: Letter) -> None:
    """Put a letter into the outbox; whoever calls this records what it tells of."""
    at = now()
    row = {"recipient": letter.recipient, "subject": letter.subject, "body": letter.body}
    uow.log(Mail, [{"id": new_id("mail"), **row, "posted_at": at, "next_at": at, "attempts": 0}])


def take_out(uow: UnitOfWork) -> list[Mail]:
    """Some mails that are due, which nobody else takes out until it is time to try them again."""
    uow.demand(Permission.MAIL_CARRY)
    uow.claim("mail")
    at = now()
    taken = uow.all(_DUE, at=at, page_limit=BATCH, page_offset=0)
    for mail in taken:
        attempts = mail.attempts + 1
        again = at + FIRST_RETRY * 2**mail.attempts if attempts < ATTEMPTS else None
        uow.keep(Mail, mail.id, {"attempts": attempts, "next_at": again})
    return taken


def note_sent(uow: UnitOfWork, mail_id: str) -> None:
    """Note that a mail has been sent, and forget its text."""
    uow.demand(Permission.MAIL_CARRY)
    uow.keep(Mail, mail_id, {"sent_at": now(), "next_at": None, "body": "", "last_error": None})


def note_failed(uow: UnitOfWork, mail_id: str, why: str) -> None:
    """Note why a mail could not be sent; it is tried again when it is due."""
    uow.demand(Permission.MAIL_CARRY)
    uow.keep(Mail, mail_id, {"last_error": why[:_MAX_ERROR]})


def remove_old_mail(uow: UnitOfWork) -> int:
    """Remove mails from a month ago, some at a time: how many there were."""
    uow.demand(Permission.RETENTION_ENFORCE)
    return uow.expire(_OLD, Mail, before=now() - _KEPT, page_limit=500, page_offset=0)
