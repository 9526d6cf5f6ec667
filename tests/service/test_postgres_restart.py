"""PostgreSQL that goes and comes back while it is written to: nothing is lost, nobody has to be restarted."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select

from service import background
from service.audit import Action
from service.ids import new_id
from service.refusals import Busy, Refused
from service.store.opening import open_store
from service.tokens import Seal
from service.users.commands import create_user
from service.users.queries import all_users
from service.work import Work
from tests.postgres import PostgresServer, running_postgres
from tests.service.cast import SECRET_KEY, Acme, events, found_everybody, person, refusal
from tests.service.databases import PostgresDatabases

pytestmark = pytest.mark.anyio

WRITERS = 8
BEFORE = 50  # changes that are made before the server is stopped, and after it is back


@dataclass
class Writing:
    """Writers who add people until told to stop: who was acknowledged, and when what was refused had been begun."""

    work: Work
    acme: Acme
    acknowledged: set[str] = field(default_factory=set)
    refused: list[float] = field(default_factory=list)
    others: list[BaseException] = field(default_factory=list)
    _wanted: int = 0
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: bool = False

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """For the block, which begins when everybody is at work."""
        writers = [asyncio.ensure_future(self._write()) for _ in range(WRITERS)]
        try:
            await self.more(BEFORE)
            yield
        finally:
            self._stopped = True
            await asyncio.gather(*writers)

    async def more(self, count: int) -> None:
        """Wait until so many more have been acknowledged."""
        self._wanted = len(self.acknowledged) + count
        self._enough.clear()
        await self._enough.wait()

    async def _write(self) -> None:
        while not self._stopped:
            begun = time.monotonic()
            user_name = new_id("name")
            try:
                await self.work.write(self.acme.alice, create_user, person(user_name))
                self.acknowledged.add(user_name)
                if len(self.acknowledged) >= self._wanted:
                    self._enough.set()
            except Refused as refused:
                self.refused.append(begun)
                if not isinstance(refused.reason, Busy):
                    self.others.append(refused)
                await asyncio.sleep(0.02)
            except Exception as error:
                self.others.append(error)
                await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def durable() -> Iterator[PostgresServer]:
    """A server whose commits are on disk."""
    with running_postgres(durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def on_durable(durable: PostgresServer) -> tuple[str, Acme]:
    """A database there, with the cast in it."""
    url = PostgresDatabases(durable).migrated()

    async def found() -> Acme:
        work = Work(open_store(url), Seal(SECRET_KEY))
        try:
            return (await found_everybody(work))[0]
        finally:
            await work.close()

    return url, asyncio.run(found())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_goes_and_comes_back_loses_nothing_and_is_used_again_at_once(
    durable: PostgresServer, on_durable: tuple[str, Acme], how: signal.Signals
) -> None:
    url, acme = on_durable
    work = Work(open_store(url), Seal(SECRET_KEY))
    try:
        before = {user.user_name for user in await work.read(acme.alice, all_users)}
        writing = Writing(work, acme)
        async with writing.going():
            await asyncio.to_thread(durable.stop, how)
            assert isinstance(await refusal(work.read(acme.alice, all_users)), Busy)
            assert isinstance(await refusal(work.lookup(lambda lookup: lookup.first(select(1)))), Busy)
            await asyncio.to_thread(durable.start)
            await asyncio.sleep(1)
            healed = time.monotonic()
            await writing.more(BEFORE)
        assert writing.others == []
        assert writing.refused
        assert max(writing.refused) < healed
        kept = {user.user_name for user in await work.read(acme.alice, all_users)}
        assert writing.acknowledged <= kept
        told = {event.target_name for event in await events(work, acme) if event.action == Action.USER_CREATED}
        assert kept - before <= told
    finally:
        await work.close()


async def test_background_work_that_the_server_interrupts_is_taken_up_again(
    durable: PostgresServer, on_durable: tuple[str, Acme], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_ASK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(background, "_LOOK_SECONDS", 0.01)
    done = asyncio.Event()

    async def do(work: Work) -> None:
        await work.lookup(lambda lookup: lookup.first(select(1)))
        done.set()

    work = Work(open_store(on_durable[0]), Seal(SECRET_KEY))
    doing = asyncio.ensure_future(background.keep_doing(work, [background.Duty("look", timedelta(0), do)]))
    try:
        await done.wait()
        await asyncio.to_thread(durable.stop)
        done.clear()
        await asyncio.to_thread(durable.start)
        async with asyncio.timeout(30):
            await done.wait()
        assert not doing.done()
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        await work.close()
