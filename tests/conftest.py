"""What every test can ask for: a running server, Alice's workspace Acme and Charlie's workspace Globex."""

from collections.abc import Iterator

import pytest

from tests.stage import Server, Tenant, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that most tests share."""
    with running(tmp_path_factory.mktemp("server")) as started:
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
