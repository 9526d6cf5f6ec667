"""Background work: by one process at a time, by another when that one is gone; and what retention removes."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service import background
from service.actor import system
from service.audit import Action, AuditEvent
from service.background import Duty, duties, keep_doing
from service.clock import now
from service.ids import new_id
from service.refusals import Forbidden
from service.retention import BATCH, remove_expired_sessions, trim_audit_log
from service.sessions import Session
from service.store.opening import open_store
from service.tokens import Seal
from service.unit_of_work import UnitOfWork
from service.work import Work
from tests.postgres import PostgresServer
from tests.service.cast import Acme, Company, Globex, events, everything, nothing_changes, refusal
from tests.stage import surroundings

pytestmark = pytest.mark.anyio

OFTEN = timedelta(milliseconds=5)
ONCE = timedelta(hours=1)
SECONDS_TO_TAKE_OVER = 15  # a loaded machine's; an idle one's are six at most
SECONDS_TO_START = 60
SECONDS_TO_STOP = 10


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that ask for the lock, and look for what is due, at once."""
    monkeypatch.setattr(background, "_ASK_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(background, "_LOOK_SECONDS", 0.005)


@pytest.fixture
async def other(database_url: str, seal: Seal) -> AsyncIterator[Work]:
    """Another process."""
    work = Work(open_store(database_url), seal)
    yield work
    await work.close()


class Log:
    """Which processes have done which duty, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[Work, str]] = []
        self._more = asyncio.Event()

    def duty(self, name: str, every: timedelta, *, fails: bool = False) -> Duty:
        """A duty that is noted here, and may then fail."""

        async def do(work: Work) -> None:
            self.done.append((work, name))
            self._more.set()
            if fails:
                raise ZeroDivisionError

        return Duty(name, every, do)

    def times(self, work: Work, name: str) -> int:
        """How often a process has done a duty."""
        return self.done.count((work, name))

    async def until(self, work: Work, name: str, times: int) -> None:
        """Wait until it has done it so often."""
        async with asyncio.timeout(SECONDS_TO_START):
            while self.times(work, name) < times:
                self._more.clear()
                await self._more.wait()

    async def more(self, times: int) -> None:
        """Wait until so much more has been done, by whomever."""
        wanted = len(self.done) + times
        async with asyncio.timeout(SECONDS_TO_START):
            while len(self.done) < wanted:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def doing(work: Work, *what: Duty) -> AsyncIterator[None]:
    """A process that does the duties for the time of the block."""
    task = asyncio.ensure_future(keep_doing(work, what))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_of_two_processes_one_does_the_work_and_the_other_when_that_one_has_stopped(
    work: Work, other: Work, hurried: None
) -> None:
    log = Log()
    often = log.duty("often", OFTEN)
    async with doing(work, often):
        await log.until(work, "often", 3)
        async with doing(other, often):
            await log.until(work, "often", log.times(work, "often") + 20)
            assert log.times(other, "often") == 0
    async with doing(other, often):
        before = log.times(work, "often")
        await log.until(other, "often", 3)
        async with doing(work, often):
            await log.until(other, "often", log.times(other, "often") + 20)
        assert log.times(work, "often") == before


async def test_of_many_processes_that_ask_at_once_one_is_alone(
    work: Work, other: Work, database_url: str, seal: Seal
) -> None:
    more = [Work(open_store(database_url), seal) for _ in range(3)]
    try:
        for _ in range(5):
            async with (
                work.alone("a name") as first,
                other.alone("a name") as second,
                more[0].alone("a name") as third,
                more[1].alone("another name") as elsewhere,
            ):
                assert (first(), second(), third(), elsewhere()) == (True, False, False, True)
            async with more[2].alone("a name") as afterwards:
                assert afterwards()
    finally:
        for each in more:
            await each.close()


async def test_a_duty_is_done_at_once_and_then_when_it_is_due(work: Work, hurried: None) -> None:
    log = Log()
    async with doing(work, log.duty("often", OFTEN), log.duty("seldom", ONCE)):
        await log.until(work, "often", 20)
    assert log.times(work, "seldom") == 1


async def test_a_duty_that_fails_is_logged_and_repeated_and_keeps_no_other_from_being_done(
    work: Work, hurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    async with doing(work, log.duty("broken", OFTEN, fails=True), log.duty("sound", OFTEN)):
        await log.until(work, "sound", 10)
    assert log.times(work, "broken") >= 10
    failures = [record for record in caplog.records if record.name == "headcount.background"]
    assert len(failures) == log.times(work, "broken")
    assert all("the duty 'broken' failed" in record.message for record in failures)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_who_loses_the_lock_with_its_connection_stops_and_asks_for_it_again(
    work: Work, other: Work, hurried: None, postgres: PostgresServer, database_url: str
) -> None:
    log = Log()
    often = log.duty("often", OFTEN)
    holders = "FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND granted"
    async with doing(work, often):
        await log.until(work, "often", 3)
        async with doing(other, often):
            with postgres.connected(database_url, "postgres") as superuser:
                superuser.execute(f"SELECT pg_terminate_backend(pid) {holders} AND d.datname = current_database()")
            await log.more(50)
    by = [each for each, _ in log.done]
    # Who lost it may end what it was at while the other begins; side by side they would change every other time.
    assert sum(one is not next_one for one, next_one in pairwise(by)) < 10


# Processes


@contextmanager
def worker(env: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A running `headcount worker`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headcount", "worker"], cwd=folder, env=env, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_it_can_be_told(process: "subprocess.Popen[str]") -> None:
    """Wait until it handles SIGTERM itself."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{process.pid}/status").read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.02)
    raise AssertionError("it never does")


@pytest.fixture
def surrounded(database_url: str) -> dict[str, str]:
    """The variables of a process on the test's database that keeps the audit log for 30 days."""
    return surroundings(
        HEADCOUNT_DATABASE_URL=database_url, HEADCOUNT_SECRET_KEY=secrets.token_urlsafe(48), HEADCOUNT_AUDIT_DAYS="30"
    )


async def sessions(work: Work, company: Company) -> set[str]:
    """The ids of the company's sessions."""
    rows = (await everything(work, company.id))["session"]
    return {each for row in rows for each in row if isinstance(each, str) and each.startswith("ses_")}


async def gone(work: Work, company: Company, session_id: str, within: float) -> bool:
    """Whether a session is removed within so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if session_id not in await sessions(work, company):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_when_the_process_at_work_is_killed_another_takes_over_within_seconds(
    work: Work, acme: Acme, surrounded: dict[str, str], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        (first,) = await add_sessions(work, acme, 1, ago=timedelta(1))
        at_work = stack.enter_context(worker(surrounded, tmp_path))
        assert await gone(work, acme, first, SECONDS_TO_START)
        waiting = stack.enter_context(worker(surrounded, tmp_path))
        (second,) = await add_sessions(work, acme, 1, ago=timedelta(1))
        assert not await gone(work, acme, second, 2)  # neither by the one, whose duty is done, nor by the other
        os.kill(at_work.pid, signal.SIGKILL)
        assert await gone(work, acme, second, SECONDS_TO_TAKE_OVER)
        assert waiting.poll() is None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_who_is_told_to_stop_stops_whether_at_work_or_waiting(
    work: Work, acme: Acme, surrounded: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    (expired,) = await add_sessions(work, acme, 1, ago=timedelta(1))
    with worker(surrounded, tmp_path) as at_work:
        assert await gone(work, acme, expired, SECONDS_TO_START)
        at_work.send_signal(how)
        _, said = at_work.communicate(timeout=SECONDS_TO_STOP)
        assert (at_work.returncode, said) == (0, "")
    async with work.alone(background.LOCK) as alone:
        assert alone()  # the lock was let go of
        with worker(surrounded, tmp_path) as waiting:
            await asyncio.to_thread(until_it_can_be_told, waiting)
            waiting.send_signal(how)
            _, said = waiting.communicate(timeout=SECONDS_TO_STOP)
            assert (waiting.returncode, said) == (0, "")


# Retention


async def add_sessions(work: Work, company: Company, count: int, *, ago: timedelta) -> list[str]:
    """Sessions of somebody that expired so long ago (or, negative, will expire): their ids."""
    ids = [new_id("ses") for _ in range(count)]
    at = now() - ago
    common = {
        "user_id": next(iter(company.people.values())),
        "token_hash": "-",
        "label": "a browser",
        "ip": None,
        "created_at": at - timedelta(14),
        "last_active_at": at - timedelta(14),
        "expires_at": at,
    }
    await insert(work, company, Session, [{"id": each, **common} for each in ids])
    return ids


async def add_events(work: Work, company: Company, count: int, *, ago: timedelta) -> list[str]:
    """Entries of the audit log from so long ago: their ids."""
    (known, *_) = await events(work, company)
    ids = [new_id("aud") for _ in range(count)]
    common = {column: getattr(known, column) for column in AuditEvent.model_fields if column != "workspace_id"}
    await insert(work, company, AuditEvent, [{**common, "id": each, "at": now() - ago} for each in ids])
    return ids


async def insert(work: Work, company: Company, model: Any, rows: list[dict[str, Any]]) -> None:
    """Rows as they would be after some time; nobody has done anything."""

    def add(uow: UnitOfWork) -> None:
        uow.insert_all(model, rows)
        uow._changed = False

    await work.write(company.support, add)


async def test_sessions_that_are_over_are_removed_everywhere_and_no_others(
    work: Work, acme: Acme, globex: Globex
) -> None:
    over = {company.id: await add_sessions(work, company, 3, ago=timedelta(0)) for company in (acme, globex)}
    good = {company.id: await add_sessions(work, company, 2, ago=timedelta(minutes=-5)) for company in (acme, globex)}
    assert await sessions(work, acme) == {*over[acme.id], *good[acme.id]}
    before = await everything(work)
    await the_duty(audit_days=0).do(work)
    assert await sessions(work, acme) == set(good[acme.id])
    assert await sessions(work, globex) == set(good[globex.id])
    after = await everything(work)
    assert {name for name in after if after[name] != before[name]} == {"session"}


async def test_old_entries_of_the_audit_log_are_removed_everywhere_and_each_log_says_so(
    work: Work, acme: Acme, globex: Globex
) -> None:
    for company in (acme, globex):
        await add_events(work, company, 3, ago=timedelta(days=31))
        await add_events(work, company, 2, ago=timedelta(days=29))
    before = {company.id: await events(work, company) for company in (acme, globex)}
    rest = await everything(work)
    await the_duty(audit_days=30).do(work)
    for company in (acme, globex):
        young = [event for event in before[company.id] if now() - event.at < timedelta(days=30)]
        *kept, trimmed = await events(work, company)
        assert kept == young
        assert len(before[company.id]) - len(young) == 3
        assert (trimmed.action, trimmed.actor_kind, trimmed.channel) == (Action.AUDIT_LOG_TRIMMED, "SYSTEM", "SYSTEM")
        assert trimmed.changes is not None
        assert trimmed.changes[0] == {"field": "events", "before": "3", "after": "0"}
        assert trimmed.changes[1]["field"] == "before"
    changed = await everything(work)
    assert {name for name in rest if rest[name] != changed[name]} == {"audit_event"}
    async with nothing_changes(work):
        await the_duty(audit_days=30).do(work)


async def test_without_a_number_of_days_the_audit_log_is_kept(work: Work, acme: Acme) -> None:
    await add_events(work, acme, 1, ago=timedelta(days=4000))
    async with nothing_changes(work):
        await the_duty(audit_days=0).do(work)


async def test_much_is_removed_in_batches_each_of_which_is_a_transaction(work: Work, acme: Acme) -> None:
    await add_sessions(work, acme, 2 * BATCH + 1, ago=timedelta(1))
    await add_events(work, acme, 2 * BATCH + 1, ago=timedelta(days=31))
    assert await work.write(system(acme.id), remove_expired_sessions) == BATCH
    assert len(await sessions(work, acme)) == BATCH + 1
    await the_duty(audit_days=30).do(work)
    assert await sessions(work, acme) == set()
    trimmed = [event for event in await events(work, acme) if event.action == Action.AUDIT_LOG_TRIMMED]
    assert [event.changes[0]["before"] for event in trimmed if event.changes] == [f"{BATCH}", f"{BATCH}", "1"]


async def test_people_and_keys_enforce_no_retention(work: Work, acme: Acme) -> None:
    await add_sessions(work, acme, 1, ago=timedelta(1))
    async with nothing_changes(work):
        for actor in (acme.alice, acme.directory, acme.nobody):
            assert isinstance(await refusal(work.write(actor, remove_expired_sessions)), Forbidden)
            assert isinstance(await refusal(work.write(actor, trim_audit_log, now())), Forbidden)


def the_duty(*, audit_days: int) -> Duty:
    """Retention."""

    async def carry_nothing(workspace_id: str) -> None:
        raise AssertionError(f"retention carries no mail, of {workspace_id} or another")

    return duties(carry_nothing, audit_days=audit_days)[0]
