"""SQLite: many verbs in one commit, none answered before it, none lost after it."""

import asyncio
import os
import signal
import sqlite3  # noqa: TID251 - what another process does to the file
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.audit import Action, Event
from service.groups.commands import create_group
from service.groups.fields import GroupFields, MemberAct, MemberChange
from service.groups.queries import count_members
from service.refusals import Busy, Refused, Taken
from service.store import sqlite
from service.store.opening import open_store
from service.tokens import Seal
from service.unit_of_work import UnitOfWork
from service.users.commands import create_user, update_user
from service.users.fields import User
from service.users.queries import all_users, get_user
from service.work import Work
from tests.service.cast import Acme, changed, events, nothing_changes, person, refusal

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]

ROOT = Path(__file__).parents[2]
KILLS = 5
ACKNOWLEDGED_BEFORE_EACH = 40


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that the store opens, in its order: the one that reads, the one that writes."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    return connections


@pytest.fixture
async def work(opened: list[sqlite3.Connection], database_url: str, seal: Seal) -> AsyncIterator[Work]:
    """What runs the verbs, on connections that can be watched."""
    store = open_store(database_url)
    del opened[:-2]  # the first was for looking at the revision
    work = Work(store, seal)
    yield work
    await work.close()


@pytest.fixture
def written(work: Work, opened: list[sqlite3.Connection]) -> list[str]:
    """Every statement of the connection that writes, `work` permitting."""
    statements: list[str] = []
    opened[-1].set_trace_callback(statements.append)
    return statements


@contextmanager
def another_process(database_url: str) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection to the file."""
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def add(work: Work, acme: Acme, name: str) -> "asyncio.Task[User]":
    """Somebody new, soon."""
    return asyncio.ensure_future(work.write(acme.alice, create_user, person(name)))


async def names(work: Work, acme: Acme) -> set[str]:
    """The userNames of Acme."""
    return {user.user_name for user in await work.read(acme.alice, all_users)}


async def test_verbs_that_wait_together_are_committed_together(
    work: Work, acme: Acme, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BATCH_SECONDS", 60)
    await asyncio.gather(*(add(work, acme, f"p{number}") for number in range(50)))
    assert (written.count("BEGIN IMMEDIATE"), written.count("SAVEPOINT verb"), written.count("COMMIT")) == (1, 50, 1)
    assert len(await names(work, acme)) == 53


async def test_a_batch_that_takes_long_is_committed_and_the_next_begun(
    work: Work, acme: Acme, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BATCH_SECONDS", 0)
    await asyncio.gather(*(add(work, acme, f"p{number}") for number in range(5)))
    assert (written.count("BEGIN IMMEDIATE"), written.count("SAVEPOINT verb"), written.count("COMMIT")) == (5, 5, 5)


async def test_one_verb_s_failure_does_not_undo_its_neighbours(
    work: Work, acme: Acme, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BATCH_SECONDS", 60)

    def forgetful(uow: UnitOfWork) -> None:
        uow.update(User, acme.people["Bob"], {"title": "Forgotten"})

    def broken(uow: UnitOfWork) -> None:
        create_user(uow, person("never"))
        raise ZeroDivisionError

    before = len(await events(work, acme))
    answers = await asyncio.gather(
        add(work, acme, "first"),
        add(work, acme, "FIRST"),
        work.write(acme.alice, broken),
        work.write(acme.alice, forgetful),
        add(work, acme, "last"),
        return_exceptions=True,
    )
    assert written.count("COMMIT") == 1
    first, taken, division, unsaid, last = answers
    assert isinstance(first, tuple)
    assert isinstance(taken, Refused)
    assert isinstance(taken.reason, Taken)
    assert isinstance(division, ZeroDivisionError)
    assert isinstance(unsaid, AssertionError)
    assert isinstance(last, tuple)
    assert await names(work, acme) >= {"first", "last"}
    assert "never" not in await names(work, acme)
    assert (await work.read(acme.alice, get_user, acme.people["Bob"])).title is None
    assert [event.target_name for event in (await events(work, acme))[before:]] == ["first", "last"]


@pytest.fixture
async def crowd(work: Work, acme: Acme, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """So many people that whoever looks at all of them takes long; their ids."""
    monkeypatch.setattr(sqlite, "_THOUSANDS_IN_PLACE", 2)
    made = await work.write(acme.alice, lambda uow: [create_user(uow, person(f"p{n}")) for n in range(300)])
    return [user.id for user in made]


def counted(uow: UnitOfWork, threads: list[str]) -> int:
    """How many people there are, and where they were counted."""
    threads.append(threading.current_thread().name.partition("_")[0])
    return len(all_users(uow))


async def test_a_read_that_takes_long_is_begun_again_in_a_thread(work: Work, acme: Acme, crowd: list[str]) -> None:
    threads: list[str] = []
    assert await work.read(acme.alice, counted, threads) == len(crowd) + 3
    assert threads == ["MainThread", "long-read"]
    counts = await asyncio.gather(*(work.read(acme.alice, counted, threads) for _ in range(20)))
    assert set(counts) == {len(crowd) + 3}


async def test_short_reads_stay_where_they_are_however_many_there_are(work: Work, acme: Acme, crowd: list[str]) -> None:
    threads = set[str]()

    def looked_up(uow: UnitOfWork, user_id: str) -> str:
        threads.add(threading.current_thread().name)
        return get_user(uow, user_id).id

    for _ in range(10):
        assert [await work.read(acme.alice, looked_up, each) for each in crowd] == crowd
    assert threads == {"MainThread"}


async def test_a_write_that_takes_long_is_begun_again_in_a_thread_and_its_neighbours_with_it(
    work: Work, acme: Acme, crowd: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BATCH_SECONDS", 60)
    threads: list[str] = []

    def long(uow: UnitOfWork) -> int:
        create_user(uow, person("long"))
        return counted(uow, threads)

    def broken(uow: UnitOfWork) -> None:
        create_user(uow, person("never"))
        counted(uow, threads)
        raise ZeroDivisionError

    everybody = [MemberChange(MemberAct.REPLACE, tuple(crowd))]  # whose INSERT undoes all, when it is broken off
    before = len(await events(work, acme))
    _, there, group, division, _ = await asyncio.gather(
        work.write(acme.alice, create_user, person("first")),
        work.write(acme.alice, long),
        work.write(acme.directory, create_group, GroupFields(display_name="Everybody"), everybody),
        work.write(acme.alice, broken),
        work.write(acme.alice, create_user, person("last")),
        return_exceptions=True,
    )
    assert there == len(crowd) + 3 + len(["first", "long"])
    assert isinstance(division, ZeroDivisionError)
    assert threads == ["MainThread", "writer", "MainThread", "writer"]
    assert not isinstance(group, BaseException)
    assert await work.read(acme.alice, count_members, group.id) == len(crowd)
    said = [event.target_name for event in (await events(work, acme))[before:]]
    assert said == ["first", "long", "Everybody", "Everybody", "last"]


async def test_what_is_acknowledged_is_there_for_every_other_process(work: Work, acme: Acme, database_url: str) -> None:
    with another_process(database_url) as other:

        async def add_and_look(name: str) -> None:
            user = await work.write(acme.alice, create_user, person(name))
            found = other.execute("SELECT user_name FROM user WHERE id = ?", (user.id,)).fetchall()
            assert found == [(name,)]
            said = other.execute("SELECT action FROM audit_event WHERE target_id = ?", (user.id,)).fetchall()
            assert said == [("USER_CREATED",)]

        await asyncio.gather(*(add_and_look(f"p{number}") for number in range(40)))


async def test_readers_see_what_is_committed_and_their_own_writes(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    for turn in range(1, 20):
        writing = asyncio.ensure_future(work.write(acme.alice, update_user, bob, changed(title=f"{turn}")))
        seen: list[str | None] = []
        while not writing.done():
            seen.append((await work.read(acme.alice, get_user, bob)).title)
            await asyncio.sleep(0)
        before = f"{turn - 1}" if turn > 1 else None
        assert seen == sorted(seen, key=lambda title: title != before)  # never back again
        assert set(seen) <= {before, f"{turn}"}
        assert (await work.read(acme.alice, get_user, bob)).title == f"{turn}"


async def test_another_process_that_writes_only_delays(work: Work, acme: Acme, database_url: str) -> None:
    with another_process(database_url) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE workspace SET name = 'Acme Ltd'")
        waiting = [add(work, acme, name) for name in ("first", "second")]
        done, _ = await asyncio.wait(waiting, timeout=0.1)
        assert not done
        assert len(await names(work, acme)) == 3  # readers wait for nobody
        other.execute("COMMIT")
    await asyncio.gather(*waiting)
    assert await names(work, acme) >= {"first", "second"}


async def test_a_process_that_writes_without_end_is_answered_with_busy_and_nothing_is_kept(
    work: Work, acme: Acme, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LOCK_SECONDS", 0.05)
    with another_process(database_url) as other:
        other.execute("BEGIN IMMEDIATE")
        async with nothing_changes(work):
            waiting = [refusal(add(work, acme, f"p{number}")) for number in range(3)]
            for reason in await asyncio.gather(*waiting):
                assert isinstance(reason, Busy)
                assert reason.retry_after > 0
        other.execute("ROLLBACK")
    await add(work, acme, "first")
    assert "first" in await names(work, acme)


async def test_two_processes_write_to_one_file(work: Work, acme: Acme, database_url: str, seal: Seal) -> None:
    other = Work(open_store(database_url), seal)
    try:
        same = [add(each, acme, "the same name") for each in (work, other)]
        mine = [add(work, acme, f"mine {number}") for number in range(30)]
        theirs = [add(other, acme, f"theirs {number}") for number in range(30)]
        answers = await asyncio.gather(*same, *mine, *theirs, return_exceptions=True)
        failed = [answer.reason for answer in answers if isinstance(answer, Refused)]
        assert len(failed) == 1
        assert isinstance(failed[0], Taken)
        assert sum(isinstance(answer, tuple) for answer in answers) == 61
        assert await names(work, acme) == await names(other, acme)
    finally:
        await other.close()


async def test_who_goes_away_before_their_verb_ran_leaves_nothing(work: Work, acme: Acme, database_url: str) -> None:
    with another_process(database_url) as other:
        other.execute("BEGIN IMMEDIATE")
        gone, stays = add(work, acme, "gone"), add(work, acme, "stays")
        await asyncio.wait([gone], timeout=0.05)
        gone.cancel()
        other.execute("COMMIT")
    await stays
    assert "stays" in await names(work, acme)
    assert "gone" not in await names(work, acme)


async def test_a_full_disk_takes_nothing_that_was_acknowledged_and_keeps_nothing_that_was_not(
    work: Work, acme: Acme, opened: list[sqlite3.Connection], database_url: str
) -> None:
    writer = opened[-1]
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count={pages + 10}")
    wide = {"x509_certificates": [{"value": "x" * 20_000}]}
    adding = (work.write(acme.alice, create_user, person(f"p{number}", **wide)) for number in range(20))
    answers = await asyncio.gather(*adding, return_exceptions=True)
    kept = {answer.user_name for answer in answers if not isinstance(answer, BaseException)}
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    assert failures
    assert all(isinstance(failure, sqlite3.OperationalError) for failure in failures)
    with another_process(database_url) as other:
        assert {name for (name,) in other.execute("SELECT user_name FROM user WHERE user_name LIKE 'p%'")} == kept
        (said,) = other.execute("SELECT count(*) FROM audit_event WHERE target_name LIKE 'p%'").fetchone()
        assert said == len(kept)
    writer.execute("PRAGMA max_page_count=1000000")
    await add(work, acme, "later")
    assert "later" in await names(work, acme)


async def test_closing_waits_for_what_was_begun(work: Work, acme: Acme, database_url: str, seal: Seal) -> None:
    begun = [add(work, acme, f"p{number}") for number in range(10)]
    await asyncio.sleep(0)  # each has asked by now
    await work.close()
    assert all(task.done() for task in begun)
    again = Work(open_store(database_url), seal)
    try:
        assert len(await names(again, acme)) == 13
    finally:
        await again.close()


async def test_a_commit_is_on_disk_before_it_is_over(work: Work, opened: list[sqlite3.Connection]) -> None:
    for connection in opened:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


async def test_a_note_that_fails_is_logged_and_hurts_nobody(
    work: Work, acme: Acme, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(uow: UnitOfWork) -> None:
        uow.record(Event(Action.SIGNED_IN, "User", "usr_0", "somebody"))
        raise ZeroDivisionError

    async with nothing_changes(work):
        work.soon(acme.alice, broken)
        await work.write(acme.alice, lambda uow: None)
    await work.close()  # which waits for what was begun
    assert "ZeroDivisionError" in caplog.text


def test_a_process_that_is_killed_loses_nothing_that_it_acknowledged(database_url: str, acme: Acme) -> None:
    acknowledged: set[str] = set()
    for _ in range(KILLS):
        acknowledged |= written_by_a_process_that_is_killed(database_url, acme)
        with another_process(database_url) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            kept = {row[0] for row in other.execute("SELECT id FROM user")}
            told = other.execute("SELECT target_id FROM audit_event WHERE action = 'USER_CREATED'")
            said = {row[0] for row in told}
        assert acknowledged <= kept
        assert kept == said
    assert len(acknowledged) >= KILLS * ACKNOWLEDGED_BEFORE_EACH


def written_by_a_process_that_is_killed(database_url: str, acme: Acme) -> set[str]:
    """The ids that a process acknowledged before it was killed in the middle of its work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.service.writing_without_end", database_url, acme.id],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with process:
        ids = {process.stdout.readline().strip() for _ in range(ACKNOWLEDGED_BEFORE_EACH)}
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    ids |= set(rest.split("\n")[:-1])  # the last line may be cut short
    assert all(user_id.startswith("usr_") for user_id in ids)
    return ids
