"""`headcount copy`: from one engine to the other and back, interrupted, in somebody's way, and compared."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, insert, update
from sqlmodel import SQLModel

from service.audit import AuditEvent
from service.authentication import recognise_key
from service.founding import found_workspace
from service.ids import new_id
from service.passwords import PasswordHasher
from service.store.columns import table_of
from service.store.copying import BATCH
from service.store.opening import open_engine, open_store
from service.store.schema import migrate
from service.tokens import Seal
from service.users.commands import create_user
from service.work import Work
from service.workspaces import Plan
from tests.postgres import PostgresServer
from tests.service.cast import SECRET_KEY, Acme, caller, everything, found_everybody, person
from tests.stage import PASSWORD, Terminal, surroundings

MANY = 25 * BATCH  # rows: enough to be in the middle of for a while
MORE_THAN_A_BATCH = BATCH + 7
LONG_SECONDS = 60

T = TypeVar("T")
Rows = dict[str, list[tuple[Any, ...]]]

ENGINES = ("sqlite", "postgresql")
each_way = pytest.mark.parametrize(("kept_on", "goes_to"), [ENGINES, ENGINES[::-1]])
each_target = pytest.mark.parametrize("goes_to", ENGINES)


@dataclass
class Databases:
    """New databases of either engine."""

    folder: Path
    postgres: PostgresServer
    made: int = 0

    def new(self, engine: str) -> str:
        """The URL of a database that nobody has migrated."""
        self.made += 1
        if engine == "postgresql":
            return self.postgres.url(self.postgres.database())
        return f"sqlite:///{self.folder / f'{self.made}.sqlite3'}"

    def filled(self, engine: str, act: Callable[[Work], Awaitable[T]]) -> tuple[str, T]:
        """A migrated database in which something has been done, and what came of that."""
        url = self.new(engine)
        migrate(open_engine(url))
        return url, in_database(url, act)


@pytest.fixture
def databases(tmp_path: Path, postgres: PostgresServer) -> Databases:
    return Databases(tmp_path, postgres)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> tuple[str, Acme]:
    """A small SQLite database with the cast in it, which nobody changes."""

    async def cast(work: Work) -> Acme:
        return (await found_everybody(work))[0]

    return Databases(tmp_path_factory.mktemp("small"), postgres).filled("sqlite", cast)


@pytest.fixture
def at(tmp_path: Path) -> Terminal:
    """A terminal on a machine whose settings name no database."""
    return Terminal(tmp_path, surroundings())


def in_database(url: str, act: Callable[[Work], Awaitable[T]]) -> T:
    """Do something in a migrated database, and close it."""

    async def acting() -> T:
        work = Work(open_store(url), Seal(SECRET_KEY))
        try:
            return await act(work)
        finally:
            await work.close()

    return asyncio.run(acting())


def rows(url: str) -> Rows:
    """Every row of every table of every workspace."""
    return in_database(url, everything)


async def everybody(work: Work) -> Acme:
    """The cast, somebody with every kind of value, and more entries of the audit log than go at once."""
    acme, _ = await found_everybody(work)
    odd = person(
        "Zoë O'Neil+50%_off\\@acme.example",
        given_name="Zoë\u0301 \U0001f9d1",
        family_name="",
        title="null",
        emails=[{"value": "ZOE@acme.example", "type": "work", "primary": True}, {"value": "z@x.example"}],
        addresses=[{"formatted": 'line one\nline "two"', "primary": False}],
        x509_certificates=[{"value": "M" * 20_000}],
        roles=[],
    )
    await work.write(acme.alice, create_user, odd)
    await add_events(work, acme.id, MORE_THAN_A_BATCH)
    return acme


async def crowd(work: Work) -> Acme:
    """The cast, and so many entries of the audit log that copying them takes a while."""
    acme, _ = await found_everybody(work)
    await add_events(work, acme.id, MANY)
    return acme


async def add_events(work: Work, workspace_id: str, count: int) -> None:
    """Entries of the audit log, at moments that are no whole milliseconds."""
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=123_457)
    named = ("actor_kind", "actor_id", "actor_name", "channel", "target_kind", "target_id", "target_name")
    common = {"workspace_id": workspace_id, "action": "USER_UPDATED"} | dict.fromkeys(named, "somebody")
    values = [{**common, "id": new_id("aud"), "at": begin + timedelta(microseconds=at)} for at in range(count)]
    statement = insert(table_of(AuditEvent))
    await work._store.write(workspace_id, lambda connection: connection.run_many(statement, values))


def copied(at: Terminal, source: str, target: str) -> str:
    """What is said of a copy that succeeds."""
    done = at.cli("copy", "--from", source, "--to", target)
    assert done.stdout == ""
    return done.stderr


def refused(at: Terminal, source: str, target: str) -> list[str]:
    """What is said of a copy that does not: lines on standard error, the last of which is the reason."""
    done = at.cli("copy", "--from", source, "--to", target, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("headcount: ")
    return done.stderr.splitlines()


def test_what_goes_to_the_other_engine_and_back_is_what_it_was(at: Terminal, databases: Databases) -> None:
    source, acme = databases.filled("sqlite", everybody)
    there, back = databases.new("postgresql"), databases.new("sqlite")
    held = rows(source)
    total = sum(map(len, held.values()))
    assert all(held[table.name] for table in SQLModel.metadata.sorted_tables if table.name in ALWAYS_FILLED)
    for each, target in ((source, there), (there, back)):
        assert f"Copied and compared {total:,} rows." in copied(at, each, target)
        assert rows(target) == held
    assert f"Copied and compared {total:,} rows." in copied(at, source, there)  # once more is no change
    assert rows(there) == held
    assert rows(source) == held
    for url in (there, back):
        holder = in_database(url, lambda work: recognise_key(work, acme.key, caller("acme")))
        assert holder.actor.id == acme.key_id


ALWAYS_FILLED = {"workspace", "user", "user_email", "credential", "api_key", "audit_event"}


@each_way
def test_a_copy_that_is_killed_in_the_middle_goes_on_when_it_is_asked_again(
    at: Terminal, databases: Databases, kept_on: str, goes_to: str
) -> None:
    source, acme = databases.filled(kept_on, crowd)
    target = databases.new(goes_to)
    migrate(open_engine(target))
    words = [sys.executable, "-m", "headcount", "copy", "--from", source, "--to", target]
    process = subprocess.Popen(words, cwd=at.folder, env=at.env, stderr=subprocess.DEVNULL)
    try:
        in_database(target, lambda work: until_there_are_events(work, acme, process))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    held = rows(source)
    there = in_database(target, lambda work: everything(work, acme.id))
    assert 0 < len(there["audit_event"]) < MANY
    copied(at, source, target)
    assert rows(target) == held


async def until_there_are_events(work: Work, acme: Acme, process: "subprocess.Popen[bytes]") -> None:
    """Wait until some entries of the audit log have arrived."""
    deadline = time.monotonic() + LONG_SECONDS
    while not (await everything(work, acme.id))["audit_event"]:
        assert process.poll() is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@each_target
def test_whatever_is_not_the_same_in_the_end_is_named(
    at: Terminal, databases: Databases, small: tuple[str, Acme], goes_to: str
) -> None:
    source, acme = small
    target = databases.new(goes_to)
    copied(at, source, target)

    async def meddle(work: Work) -> None:
        emails, keys = SQLModel.metadata.tables["user_email"], SQLModel.metadata.tables["api_key"]
        await work._store.write(
            acme.id, lambda c: c.run(delete(emails).where(emails.c.user_id == acme.people["Alice"]), {})
        )
        await work._store.write(
            acme.id, lambda c: c.run(update(keys).where(keys.c.id == acme.key_id).values(name="Somebody else's"), {})
        )
        await add_events(work, acme.id, 1)

    in_database(target, meddle)
    held, there = rows(source), rows(target)
    _, _, _, keys, events, emails, reason = refused(at, source, target)
    assert re.fullmatch(r"acme: api_key has 1 rows \(SHA-256 \w+…\) in the source and 1 \(\w+…\) in the target", keys)
    count = len([event for event in held["audit_event"] if acme.id in event])
    assert events.startswith(f"acme: audit_event has {count} rows ")
    assert f"in the source and {count + 1} (" in events
    assert emails.startswith("acme: user_email has 3 rows ")
    assert "in the source and 2 (" in emails
    assert reason.startswith("headcount: the databases are not the same")
    assert rows(target) == there


@each_target
def test_another_workspace_of_the_same_name_is_in_the_way_and_nothing_is_copied(
    at: Terminal, databases: Databases, small: tuple[str, Acme], goes_to: str
) -> None:
    source, _ = small
    target, _ = databases.filled(goes_to, lambda work: found(work, "globex"))
    before = rows(target)
    (reason,) = refused(at, source, target)
    assert "globex" in reason
    assert "acme" not in reason
    assert rows(target) == before


@each_target
def test_other_workspaces_of_the_target_stay_as_they_are(
    at: Terminal, databases: Databases, small: tuple[str, Acme], goes_to: str
) -> None:
    source, _ = small
    target, initech = databases.filled(goes_to, lambda work: found(work, "initech"))
    of_initech = in_database(target, lambda work: everything(work, initech))
    copied(at, source, target)
    assert in_database(target, lambda work: everything(work, initech)) == of_initech
    both = rows(target)
    for name, those in rows(source).items():
        assert sorted(map(repr, both[name])) == sorted(map(repr, [*those, *of_initech[name]]))


async def found(work: Work, subdomain: str) -> str:
    """One more workspace; its id."""
    hasher = PasswordHasher()
    try:
        named = {"subdomain": subdomain, "name": subdomain.title(), "plan": Plan.STANDARD}
        owner = {"owner_email": f"olga@{subdomain}.example", "owner_name": "Olga Owen", "password": PASSWORD}
        return (await found_workspace(work, hasher, **named, **owner)).id  # type: ignore[arg-type]
    finally:
        hasher.close()


def test_a_database_is_not_copied_into_itself(at: Terminal, small: tuple[str, Acme]) -> None:
    source, _ = small
    before = rows(source)
    assert refused(at, source, source) == ["headcount: --from and --to name the same database"]
    file = Path(source.removeprefix("sqlite:///"))
    copied(
        at, source, f"sqlite:///{file.parent}/../{file.parent.name}/{file.name}"
    )  # the same in other words: it has everything already
    assert rows(source) == before


def test_what_is_no_database_of_headcount_s_is_not_copied_and_nothing_is_made(
    at: Terminal, databases: Databases
) -> None:
    source, target = databases.new("sqlite"), databases.new("sqlite")
    (reason,) = refused(at, source, target)
    assert "run `headcount migrate` first" in reason
    assert not Path(target.removeprefix("sqlite:///")).exists()
    (reason,) = refused(at, "mysql://localhost/headcount", target)
    assert "must name a file" in reason
