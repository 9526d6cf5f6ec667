"""The stage of the domain's tests: a real migrated database with the cast in it, a fresh copy for each test.

Every test runs on each engine, unless it says which one it is about.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from service.passwords import PasswordHasher
from service.store.opening import open_store
from service.tokens import Seal
from service.work import Work
from tests.postgres import PostgresServer
from tests.service.cast import SECRET_KEY, Acme, Globex, found_everybody
from tests.service.databases import CountingStore, Databases, PostgresDatabases, SqliteFiles

settings.register_profile("unhurried", deadline=None)  # a shared machine may be slow; that is no property of the code
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def databases(engine: str, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Where databases come from."""
    return PostgresDatabases(postgres) if engine == "postgresql" else SqliteFiles(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def seal() -> Seal:
    """What the tokens are hashed under."""
    return Seal(SECRET_KEY)


@pytest.fixture(scope="session")
def founded(databases: Databases, seal: Seal) -> tuple[str, Acme, Globex]:
    """A database with the cast in it, which tests copy and never open."""
    url = databases.migrated()

    async def found() -> tuple[Acme, Globex]:
        work = Work(open_store(url), seal)
        try:
            return await found_everybody(work)
        finally:
            await work.close()

    return (url, *asyncio.run(found()))


@pytest.fixture(scope="session")
def acme(founded: tuple[str, Acme, Globex]) -> Acme:
    """Alice's workspace."""
    return founded[1]


@pytest.fixture(scope="session")
def globex(founded: tuple[str, Acme, Globex]) -> Globex:
    """Charlie's workspace, which is none of Acme's business, nor the other way round."""
    return founded[2]


@pytest.fixture
def database_url(databases: Databases, founded: tuple[str, Acme, Globex]) -> Iterator[str]:
    """A database of this test's own, with the cast in it."""
    with databases.copy_of(founded[0]) as url:
        yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[CountingStore]:
    """The store of this test's database."""
    store = CountingStore.opened(database_url)
    yield store
    await store.close()


@pytest.fixture
async def work(store: CountingStore, seal: Seal) -> AsyncIterator[Work]:
    """What runs the verbs."""
    work = Work(store, seal)
    yield work
    await work.close()


@pytest.fixture(scope="session")
def hasher() -> Iterator[PasswordHasher]:
    """Password hashes of the real cost."""
    hasher = PasswordHasher()
    yield hasher
    hasher.close()
