"""What every test can ask for: a running server, Alice's workspace Acme and Charlie's workspace Globex.

Whatever stands on `engine` runs on SQLite and on PostgreSQL; a test about one of them is marked
`@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)`.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import text

from service.store.opening import open_engine
from service.store.row_security import APP_ROLE, LOOKUP_ROLE
from service.store.schema import migrate
from tests.postgres import SERVING, PostgresServer, running_postgres, server_at
from tests.stage import Server, Tenant, running

# What is searched at random is the same in each run of `make test`, so that a failure is of the change that shows it;
# `make fuzz` looks at what nobody has looked at yet.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=3_000, deadline=None)
settings.load_profile("same")

_HOME = pytest.StashKey[str]()
_STACK = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the run, in the process that hands the tests out."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so begins what a shell runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    told: dict[str, str] | None = getattr(config, "workerinput", None)
    if told is not None:
        config.stash[_HOME] = told["postgres"]
        return
    stack = config.stash[_STACK] = ExitStack()
    config.stash[_HOME] = str(stack.enter_context(running_postgres()).home)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that runs tests where PostgreSQL is."""
    node.workerinput["postgres"] = node.config.stash[_HOME]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop PostgreSQL."""
    if _STACK in config.stash:
        config.stash[_STACK].close()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> PostgresServer:
    """The run's PostgreSQL, to make databases on."""
    return server_at(Path(request.config.stash[_HOME]))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Where everything is kept."""
    name: str = request.param
    return name


def kept_in(engine: str, postgres: PostgresServer) -> dict[str, str]:
    """The variables that give a server a new database on an engine."""
    if engine == "sqlite":
        return {}
    name = postgres.database()
    engine_of_owner = open_engine(postgres.url(name))
    migrate(engine_of_owner)
    with engine_of_owner.begin() as connection:
        connection.execute(text(f"GRANT {APP_ROLE}, {LOOKUP_ROLE} TO {SERVING}"))
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {SERVING}"))
    return {"HEADCOUNT_DATABASE_URL": postgres.url(name, SERVING)}


@pytest.fixture(scope="session")
def server(engine: str, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that most tests share."""
    with running(tmp_path_factory.mktemp("server"), **kept_in(engine, postgres)) as started:
        yield started


@pytest.fixture(scope="session")
def acme(server: Server) -> Tenant:
    """Alice's workspace."""
    return server.found("acme", "Alice")


@pytest.fixture(scope="session")
def globex(server: Server) -> Tenant:
    """Charlie's workspace, which is none of Acme's business, nor the other way round."""
    return server.found("globex", "Charlie")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that the server runs on."""
    return "asyncio"
