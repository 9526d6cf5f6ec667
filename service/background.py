"""Background work: duties that are done again and again by one process at a time, whichever that is.

Every process that may do them asks for the same lock. The one that has it does each duty at once and then whenever it
is due; the lock is let go of when that process stops, and lost when it dies, and then another one takes over. A duty is
done in small transactions and does nothing twice when it is begun again: killed at any point, it loses nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic

from service.actor import system
from service.clock import now
from service.expiry import warn_of_expiry
from service.flags import end_flag_overrides
from service.mail.outbox import remove_old_mail
from service.provisioning.log import trim_provisioning_log
from service.provisioning.pausing import sweep_all
from service.retention import BATCH, forget_old_attempts, remove_expired_sessions, trim_audit_log
from service.unit_of_work import UnitOfWork
from service.work import Work
from service.workspaces import all_workspaces

LOCK = "background work"
_ASK_AGAIN_SECONDS = 5.0  # how long after one process has gone another one takes over, at most
_LOOK_SECONDS = 1.0

_log = logging.getLogger("headcount.background")


@dataclass(frozen=True)
class Duty:
    """Something to do every so often."""

    name: str
    every: timedelta
    do: Callable[[Work], Awaitable[None]]


def duties(carry_mail: Callable[[str], Awaitable[None]], *, audit_days: int) -> list[Duty]:
    """What there is to do; `audit_days` of 0 keeps the audit log for ever. `carry_mail` carries a workspace's."""
    return [
        Duty("retention", timedelta(hours=24), partial(_keep_to_retention, audit_days=audit_days)),
        Duty("provisioning logs", timedelta(minutes=30), partial(_everywhere, verb=trim_provisioning_log)),
        Duty("flags' end dates", timedelta(minutes=10), partial(_everywhere, verb=end_flag_overrides)),
        Duty("keys that expire", timedelta(hours=6), partial(_warn_of_expiry, carry_mail=carry_mail)),
        Duty("mail that was left", timedelta(minutes=2), partial(_carry_what_was_left, carry_mail=carry_mail)),
        Duty("managed people after a pause", timedelta(minutes=1), _finish_sweeps),
    ]


async def _keep_to_retention(work: Work, *, audit_days: int) -> None:
    for verb in (remove_expired_sessions, forget_old_attempts, remove_old_mail):
        await _everywhere(work, verb)
    if audit_days:
        before = now() - timedelta(days=audit_days)
        await _everywhere(work, lambda uow: trim_audit_log(uow, before))


async def _warn_of_expiry(work: Work, *, carry_mail: Callable[[str], Awaitable[None]]) -> None:
    for workspace in await work.lookup(all_workspaces):
        if await work.write(system(workspace.id), warn_of_expiry):
            await carry_mail(workspace.id)


async def _carry_what_was_left(work: Work, *, carry_mail: Callable[[str], Awaitable[None]]) -> None:
    for workspace in await work.lookup(all_workspaces):
        await carry_mail(workspace.id)


async def _finish_sweeps(work: Work) -> None:
    for workspace in await work.lookup(all_workspaces):
        if workspace.provisioning_sweep is not None:
            await sweep_all(work, workspace.id)


async def keep_doing(work: Work, what: Iterable[Duty]) -> None:
    """Do the duties whenever they are due and no other process does, until cancelled."""
    todo = list(what)
    while True:
        try:
            async with work.alone(LOCK) as still_alone:
                await _do_while(still_alone, work, todo)
        except Exception as error:
            _log.warning("the background work was interrupted and will be taken up again: %r", error)
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


async def _do_while(still_alone: Callable[[], bool], work: Work, todo: list[Duty]) -> None:
    due = {duty.name: monotonic() for duty in todo}
    while still_alone():
        for duty in todo:
            if monotonic() >= due[duty.name] and still_alone():
                await _done(duty, work)
                due[duty.name] = monotonic() + duty.every.total_seconds()
        await asyncio.sleep(_LOOK_SECONDS)


async def _done(duty: Duty, work: Work) -> None:
    """Do a duty; one that fails must not keep the others from being done."""
    try:
        await duty.do(work)
    except Exception:
        _log.exception("the duty %r failed; it will be done again in %s", duty.name, duty.every)


async def _everywhere(work: Work, verb: Callable[[UnitOfWork], int]) -> None:
    """Run a verb in every workspace until it finds nothing more to do there."""
    for workspace in await work.lookup(all_workspaces):
        while await work.write(system(workspace.id), verb) == BATCH:
            pass
