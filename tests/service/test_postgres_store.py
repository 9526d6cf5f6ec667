"""PostgreSQL: limits that end in Busy, transactions that are repeated, claims."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.util.concurrency import await_

from service.actor import Actor, Role
from service.api_keys import ApiKeyScope, create_personal_key, revoke_api_key
from service.audit import Action
from service.clock import now
from service.flags import Flag, set_flag
from service.refusals import Busy, Refused, Taken, Unauthenticated
from service.sessions import end_session, open_session
from service.store import postgres as engine_of_postgres
from service.store.postgres import PostgresLimits, PostgresStore
from service.tokens import Seal
from service.unit_of_work import Narrowed, UnitOfWork
from service.users.commands import create_user, deactivate_user, delete_user, set_role, update_user
from service.users.queries import all_users, get_user
from service.work import Work
from tests.postgres import PostgresServer
from tests.service.cast import Acme, changed, nothing_changes, person, recorded, refusal

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("engine", ["postgresql"], indirect=True)]

SHORT = 1.0  # seconds: a limit that a test runs into
LONG = 60.0  # seconds: a limit that no test runs into

_SLEEP: Narrowed[Any] = Narrowed(select(func.pg_sleep(LONG)))
_SESSION: Narrowed[Any] = Narrowed(select(func.pg_backend_pid()))


@asynccontextmanager
async def working(url: str, seal: Seal, **limits: Any) -> AsyncIterator[Work]:
    """What runs the verbs in another process, with these limits and otherwise none that a test could run into."""
    patient: dict[str, Any] = {"statement_seconds": LONG, "lock_seconds": LONG}
    work = Work(PostgresStore(url, PostgresLimits(**patient | limits)), seal)
    try:
        yield work
    finally:
        await work.close()


@pytest.fixture
async def other(database_url: str, seal: Seal) -> AsyncIterator[Work]:
    """Another process."""
    async with working(database_url, seal) as work:
        yield work


@pytest.fixture
def superuser(database_url: str, postgres: PostgresServer) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody whom no policy holds back."""
    with postgres.connected(database_url, "postgres") as connection:
        yield connection


@dataclass
class Held:
    """A verb that stops in the middle until it is let go."""

    verb: Callable[[UnitOfWork], object]
    attempts: int = 0
    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, uow: UnitOfWork) -> object:
        self.attempts += 1
        result = self.verb(uow)
        self._reached.set()
        await_(self._free.wait())
        return result

    async def begun(self, work: Work, actor: Actor) -> "asyncio.Task[object]":
        """Run it until it stands."""
        task = asyncio.ensure_future(work.write(actor, self))
        await self._reached.wait()
        return task

    def let_go(self) -> None:
        """Let it go on to its commit."""
        self._free.set()


async def waits(task: "asyncio.Future[Any]") -> bool:
    """Whether something has to wait for somebody."""
    done, _ = await asyncio.wait([task], timeout=0.2)
    return not done


def number_of(connection: Work, actor: Actor) -> Awaitable[int]:
    """Which of the server's processes serves this store: another one after each new connection."""
    return connection.read(actor, lambda uow: uow.number(_SESSION))


# Limits


async def test_a_statement_that_takes_too_long_is_answered_with_busy_and_leaves_nothing(
    database_url: str, seal: Seal, acme: Acme, caplog: pytest.LogCaptureFixture
) -> None:
    def slow_write(uow: UnitOfWork) -> None:
        create_user(uow, person("never"))
        uow.all(_SLEEP)

    async with working(database_url, seal, connections=1, statement_seconds=SHORT) as work:
        served_by = await number_of(work, acme.alice)
        async with nothing_changes(work):
            slow = (
                work.write(acme.alice, slow_write),
                work.read(acme.alice, lambda uow: uow.all(_SLEEP)),
                work.lookup(lambda lookup: lookup.first(select(func.pg_sleep(LONG)))),
            )
            for each in slow:
                reason = await refusal(each)
                assert isinstance(reason, Busy)
                assert "took too long" in reason.why
                assert reason.retry_after == 1
        await work.write(acme.alice, create_user, person("later"))
        assert await number_of(work, acme.alice) == served_by
    assert caplog.records == []


async def test_a_row_that_somebody_holds_too_long_is_answered_with_busy_and_leaves_nothing(
    database_url: str, seal: Seal, acme: Acme, superuser: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bob = acme.people["Bob"]

    def add_and_change(uow: UnitOfWork) -> None:
        create_user(uow, person("never"))
        update_user(uow, bob, changed(title="Never"))

    async with working(database_url, seal, connections=1, lock_seconds=SHORT) as work:
        served_by = await number_of(work, acme.alice)
        async with nothing_changes(work):
            with superuser.transaction():
                superuser.execute('SELECT * FROM "user" WHERE id = %s FOR UPDATE', [bob])
                reason = await refusal(work.write(acme.alice, add_and_change))
                assert isinstance(reason, Busy)
                assert reason.why == "Others are changing the same thing, and it took too long to wait for them."
        await work.write(acme.alice, update_user, bob, changed(title="Later"))
        assert await number_of(work, acme.alice) == served_by
    assert caplog.records == []


async def test_who_has_shown_what_is_being_ended_waits_so_long_and_no_longer(
    database_url: str, seal: Seal, acme: Acme, other: Work, caplog: pytest.LogCaptureFixture
) -> None:
    ending = Held(lambda uow: revoke_api_key(uow, acme.key_id))
    async with working(database_url, seal, connections=1, lock_seconds=SHORT) as work:
        served_by = await number_of(work, acme.alice)
        revoking = await ending.begun(other, acme.alice)
        reason = await refusal(work.write(acme.directory, create_user, person("never")))
        assert isinstance(reason, Busy)
        ending.let_go()
        await revoking
        assert isinstance(await refusal(work.write(acme.directory, create_user, person("never"))), Unauthenticated)
        await work.write(acme.alice, create_user, person("later"))
        assert await number_of(work, acme.alice) == served_by
    assert caplog.records == []


async def test_more_requests_than_connections_are_all_served(database_url: str, seal: Seal, acme: Acme) -> None:
    async with working(database_url, seal, connections=2) as work:
        adding = (work.write(acme.alice, create_user, person(f"p{number}")) for number in range(40))
        reading = (work.read(acme.alice, all_users) for _ in range(40))
        await asyncio.gather(*adding, *reading)
        assert len(await work.read(acme.alice, all_users)) == 43


async def test_who_waits_too_long_for_a_connection_is_answered_with_busy(
    database_url: str, seal: Seal, acme: Acme
) -> None:
    async with working(database_url, seal, connections=2, lock_seconds=SHORT) as work:
        held = [Held(lambda uow: create_user(uow, person("first"))), Held(lambda uow: create_user(uow, person("2nd")))]
        holding = [await each.begun(work, acme.alice) for each in held]
        late = (work.write(acme.alice, create_user, person(f"late{number}")) for number in range(10))
        reasons = await asyncio.gather(*map(refusal, late), refusal(work.read(acme.alice, all_users)))
        assert all(isinstance(reason, Busy) for reason in reasons)
        for each in held:
            each.let_go()
        await asyncio.gather(*holding)
        names = {user.user_name for user in await work.read(acme.alice, all_users)}
        assert names >= {"first", "2nd"}
        assert not {name for name in names if name.startswith("late")}


async def test_who_goes_away_in_the_middle_leaves_nothing_and_takes_no_connection_along(
    database_url: str, seal: Seal, acme: Acme
) -> None:
    def never(uow: UnitOfWork) -> None:
        create_user(uow, person("never"))
        uow.all(_SLEEP)

    async with working(database_url, seal, connections=2) as work, nothing_changes(work):
        gone = [asyncio.ensure_future(work.write(acme.alice, never)) for _ in range(6)]
        await asyncio.wait(gone, timeout=0.2)
        for task in gone:
            task.cancel()
        assert all(
            isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*gone, return_exceptions=True)
        )
        await asyncio.gather(*(work.read(acme.alice, all_users) for _ in range(6)))


# Transactions that get in each other's way


async def test_two_who_wait_for_each_other_are_both_served(work: Work, other: Work, acme: Acme, superuser: Any) -> None:
    superuser.execute(f"ALTER DATABASE \"{superuser.info.dbname}\" SET deadlock_timeout = '50ms'")
    bob, ann = acme.people["Bob"], acme.people["Ann"]

    def both(first: str, second: str, **values: str) -> Callable[[UnitOfWork], object]:
        def change(uow: UnitOfWork) -> None:
            update_user(uow, first, changed(**values))
            stood.append(first)
            if len(set(stood)) < 2:
                await_(met.wait())
            met.set()
            update_user(uow, second, changed(**values))

        return change

    stood: list[str] = []
    met = asyncio.Event()
    async with recorded(work, acme) as new:
        await asyncio.gather(
            work.write(acme.alice, both(bob, ann, title="Baker")),
            other.write(acme.alice, both(ann, bob, nick_name="B")),
        )
    assert len(stood) == 3  # one of them had to begin anew
    for user_id in (bob, ann):
        user = await work.read(acme.alice, get_user, user_id)
        assert (user.title, user.nick_name, user.version) == ("Baker", "B", 3)
    assert [event.action for event in new] == [Action.USER_UPDATED] * 4


@contextmanager
def failing_with(superuser: Any, code: str, times: int) -> Iterator[None]:
    """The server ends so many of the next changes of a user with this error, as it would if others were in the way."""
    superuser.execute("CREATE SEQUENCE failures")
    superuser.execute(
        f"""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            IF nextval('failures') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '{code}'; END IF;
            RETURN NEW;
        END $$
        """
    )
    superuser.execute('CREATE TRIGGER fail BEFORE UPDATE ON "user" FOR EACH ROW EXECUTE FUNCTION fail()')
    yield
    superuser.execute("DROP FUNCTION fail CASCADE")
    superuser.execute("DROP SEQUENCE failures")


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_what_could_not_be_serialised_is_done_again_from_the_start_and_once(
    work: Work, acme: Acme, superuser: Any, code: str
) -> None:
    bob = acme.people["Bob"]
    with failing_with(superuser, code, times=3):
        async with recorded(work, acme) as new:
            user = await work.write(acme.alice, update_user, bob, changed(title="Baker"))
    assert (user.title, user.version) == ("Baker", 2)
    assert [event.action for event in new] == [Action.USER_UPDATED]


async def test_what_fails_again_and_again_is_answered_with_busy(
    work: Work, acme: Acme, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_of_postgres, "_ATTEMPTS", 4)
    with failing_with(superuser, "40001", times=4):
        async with nothing_changes(work):
            reason = await refusal(work.write(acme.alice, update_user, acme.people["Bob"], changed(title="Baker")))
            assert isinstance(reason, Busy)
            assert reason.why.startswith("Too many changes")
        await work.write(acme.alice, update_user, acme.people["Bob"], changed(title="Baker"))


async def test_of_two_who_want_one_name_the_second_waits_and_is_told_that_it_is_taken(
    work: Work, other: Work, acme: Acme
) -> None:
    first = Held(lambda uow: create_user(uow, person("dana@acme.example")))
    winning = await first.begun(work, acme.alice)
    losing = asyncio.ensure_future(refusal(other.write(acme.alice, create_user, person("DANA@Acme.example"))))
    assert await waits(losing)
    first.let_go()
    await winning
    assert isinstance(await losing, Taken)
    assert first.attempts == 1


async def test_a_name_that_was_not_kept_after_all_goes_to_who_waited_for_it(
    work: Work, other: Work, acme: Acme
) -> None:
    first = Held(lambda uow: create_user(uow, person("dana@acme.example")))
    leaving = await first.begun(work, acme.alice)
    waiting = asyncio.ensure_future(other.write(acme.alice, create_user, person("DANA@Acme.example")))
    assert await waits(waiting)
    leaving.cancel()
    assert (await waiting).user_name == "DANA@Acme.example"


async def test_a_row_that_another_one_added_first_is_found_by_who_begins_anew(
    work: Work, other: Work, acme: Acme
) -> None:
    def on(reason: str) -> Callable[[UnitOfWork], object]:
        return lambda uow: set_flag(uow, Flag.SCIM_PROVISIONING, enabled=True, reason=reason)

    async with recorded(work, acme) as new:
        first, second = Held(on("first")), Held(on("second"))
        winning = await first.begun(work, acme.support)
        second.let_go()
        waiting = asyncio.ensure_future(other.write(acme.support, second))
        assert await waits(waiting)
        first.let_go()
        await asyncio.gather(winning, waiting)
    assert [event.reason for event in new] == ["first"]
    assert second.attempts == 2  # the first one failed at the row that the second one found


# Claims


@dataclass(frozen=True)
class Ending:
    """Something that Ann acts by, and the verb by which Alice, or she, ends that."""

    by: Actor
    acts_as: Actor
    verb: Callable[[UnitOfWork], object]


@pytest.fixture(params=["deactivated", "deleted", "demoted", "signed out", "key revoked", "own key", "own key revoked"])
async def ending(request: pytest.FixtureRequest, work: Work, acme: Acme) -> Ending:
    """Each of the ways in which what somebody has shown stops being good."""
    ann = acme.people["Ann"]
    session, _ = await work.write(acme.nobody, open_session, user_id=ann, user_name="Ann", client="a browser")
    signed_in = replace(acme.ann, session_id=session.id)
    own, _ = await work.write(acme.ann, create_personal_key, name="A script", scopes=[ApiKeyScope.USERS_WRITE])
    with_own = replace(acme.ann, personal_key_id=own.id)
    return {
        "deactivated": Ending(acme.alice, signed_in, lambda uow: deactivate_user(uow, ann)),
        "deleted": Ending(acme.alice, signed_in, lambda uow: delete_user(uow, ann)),
        "demoted": Ending(acme.alice, signed_in, lambda uow: set_role(uow, ann, Role.MEMBER)),
        "signed out": Ending(signed_in, signed_in, lambda uow: end_session(uow, session.id)),
        "key revoked": Ending(acme.alice, acme.directory, lambda uow: revoke_api_key(uow, acme.key_id)),
        "own key": Ending(acme.alice, with_own, lambda uow: deactivate_user(uow, ann)),
        "own key revoked": Ending(acme.alice, with_own, lambda uow: revoke_api_key(uow, own.id)),
    }[request.param]


async def test_ending_what_somebody_acts_by_waits_for_what_is_under_way(
    work: Work, other: Work, acme: Acme, ending: Ending
) -> None:
    async with recorded(work, acme) as new:
        last = Held(lambda uow: create_user(uow, person("the last")))
        acting = await last.begun(work, ending.acts_as)
        ended = asyncio.ensure_future(other.write(ending.by, ending.verb))
        assert await waits(ended)
        last.let_go()
        await asyncio.gather(acting, ended)
    assert len(new) == 2
    assert new[0].target_name == "the last"
    async with nothing_changes(work):
        late = work.write(ending.acts_as, create_user, person("too late"))
        assert isinstance(await refusal(late), Unauthenticated)


async def test_who_comes_while_what_they_act_by_is_being_ended_waits_and_is_refused(
    work: Work, other: Work, acme: Acme, ending: Ending
) -> None:
    async with recorded(work, acme) as new:
        held = Held(ending.verb)
        ended = await held.begun(other, ending.by)
        late = asyncio.ensure_future(refusal(work.write(ending.acts_as, create_user, person("too late"))))
        assert await waits(late)
        held.let_go()
        await ended
        assert isinstance(await late, Unauthenticated)
    assert len(new) == 1


async def test_two_owners_who_end_each_other_s_access_at_once_leave_one(
    work: Work, other: Work, acme: Acme, superuser: Any
) -> None:
    superuser.execute(f"ALTER DATABASE \"{superuser.info.dbname}\" SET deadlock_timeout = '50ms'")
    await work.write(acme.alice, set_role, acme.people["Ann"], Role.OWNER)
    owners = {}
    for name in ("Alice", "Ann"):
        opened = {"user_id": acme.people[name], "user_name": name, "client": "a browser"}
        session, _ = await work.write(acme.nobody, open_session, **opened)
        owners[name] = replace(acme.acting(name, Role.OWNER), session_id=session.id, confirmed_at=now())
    async with recorded(work, acme) as new:
        answers = await asyncio.gather(
            work.write(owners["Alice"], deactivate_user, acme.people["Ann"]),
            other.write(owners["Ann"], deactivate_user, acme.people["Alice"]),
            return_exceptions=True,
        )
    (refused,) = (each for each in answers if isinstance(each, Refused))
    assert isinstance(refused.reason, Unauthenticated)
    assert [event.action for event in new] == [Action.USER_DEACTIVATED]
    active = {user.user_name for user in await work.read(acme.support, all_users) if user.active}
    assert len(active) == 2


async def test_a_session_that_the_server_ends_costs_one_answer_at_most(
    database_url: str, seal: Seal, acme: Acme, superuser: Any
) -> None:
    async with working(database_url, seal, connections=1) as work:
        held = Held(lambda uow: create_user(uow, person("never")))
        doing = await held.begun(work, acme.alice)
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'headcount' AND datname = current_database()"
        )
        held.let_go()
        assert isinstance(await refusal(doing), Busy)
        assert "never" not in {user.user_name for user in await work.read(acme.alice, all_users)}
        await work.write(acme.alice, create_user, person("later"))
