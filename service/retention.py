"""What is kept for a time only, and goes when that is over."""

from datetime import datetime

from sqlalchemy import bindparam

from service.actor import Permission
from service.audit import Action, AuditEvent, Change, Event
from service.clock import now
from service.sessions import Session
from service.sign_in_attempts import WINDOW, SignInAttempts
from service.store.columns import table_of
from service.unit_of_work import UnitOfWork, narrowed

BATCH = 500  # rows that one transaction removes, so that it keeps nobody waiting

_S, _A, _T = table_of(Session), table_of(AuditEvent), table_of(SignInAttempts)
_OVER = narrowed(Session).where(_S.c.expires_at <= bindparam("at")).order_by(_S.c.id).page
_ATTEMPTS = narrowed(SignInAttempts).where(_T.c.since < bindparam("before")).order_by(_T.c.id).page
_OLD = narrowed(AuditEvent).where(_A.c.at < bindparam("before")).order_by(_A.c.id).page


def remove_expired_sessions(uow: UnitOfWork) -> int:
    """Remove sessions that nobody can use any more, up to `BATCH` of them: how many there were."""
    uow.demand(Permission.RETENTION_ENFORCE)
    return uow.expire(_OVER, Session, at=now(), page_limit=BATCH, page_offset=0)


def forget_old_attempts(uow: UnitOfWork) -> int:
    """Remove counts of attempts to sign in whose time is over, up to `BATCH` of them: how many there were."""
    uow.demand(Permission.RETENTION_ENFORCE)
    return uow.expire(_ATTEMPTS, SignInAttempts, before=now() - WINDOW, page_limit=BATCH, page_offset=0)


def trim_audit_log(uow: UnitOfWork, before: datetime) -> int:
    """Remove events from before a time, up to `BATCH` of them, and say so in the log: how many there were."""
    uow.demand(Permission.RETENTION_ENFORCE)
    removed = uow.expire(_OLD, AuditEvent, before=before, page_limit=BATCH, page_offset=0)
    if removed:
        changes = (Change("events", str(removed), "0"), Change("before", None, before.isoformat(timespec="seconds")))
        uow.record(Event(Action.AUDIT_LOG_TRIMMED, "Workspace", uow.actor.workspace_id, "audit log", changes))
    return removed
