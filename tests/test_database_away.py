"""What the doors say while PostgreSQL is away, or somebody keeps others waiting; and that it passes by itself."""

import signal
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import kept_in
from tests.graphql_facade.browser import Browser, signed_in
from tests.postgres import PostgresServer, running_postgres
from tests.scim_facade.people import PATCH, assert_error, created, somebody
from tests.stage import Server, Tenant, running

TITLED = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Baker"}]}
WORKSPACE = "{ viewer { workspace { name } } }"


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that may be stopped."""
    with running_postgres(durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def impatient(own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on it that waits for others for a second."""
    env = kept_in("postgresql", own_postgres) | {"HEADCOUNT_DATABASE_LOCK_SECONDS": "1"}
    with running(tmp_path_factory.mktemp("impatient"), **env) as started:
        yield started


@pytest.fixture(scope="module")
def tenant(impatient: Server) -> Tenant:
    """Alice's workspace there."""
    return impatient.found("acme", "Alice")


@pytest.fixture(scope="module")
def scim(tenant: Tenant) -> httpx2.Client:
    return tenant.scim()


@pytest.fixture(scope="module")
def alice(tenant: Tenant) -> Browser:
    return signed_in(tenant, tenant.owner_email)


def assert_busy(answer: httpx2.Response) -> None:
    """Refused for now, with the time after which to try again."""
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_whoever_is_kept_waiting_too_long_is_told_to_come_back_and_nothing_has_changed(
    own_postgres: PostgresServer, impatient: Server, scim: httpx2.Client, alice: Browser
) -> None:
    bob = created(scim)
    url = impatient.env["HEADCOUNT_DATABASE_URL"]
    with own_postgres.connected(url, "postgres") as somebody_else, somebody_else.transaction():
        somebody_else.execute('SELECT * FROM "user" WHERE id = %s FOR UPDATE', [bob["id"]])
        refused = scim.patch(f"/Users/{bob['id']}", json=TITLED)
        assert_busy(refused)
        assert_error(refused, 503)
        result = alice.do("userUpdate", {"id": bob["id"], "title": "Baker"})
        assert (result["__typename"], result["code"]) == ("Busy", "BUSY")
        assert scim.get(f"/Users/{bob['id']}").json() == bob
    assert scim.patch(f"/Users/{bob['id']}", json=TITLED).json()["title"] == "Baker"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_database_that_goes_away_is_said_to_be_away_and_is_used_again_when_it_is_back(
    own_postgres: PostgresServer, impatient: Server, scim: httpx2.Client, alice: Browser, how: signal.Signals
) -> None:
    bob = created(scim)
    health = impatient.client()
    own_postgres.stop(how)
    assert health.get("/live").status_code == 200
    assert_busy(health.get("/ready"))
    for refused in (
        scim.get("/Users"),
        scim.post("/Users", json=somebody()),
        scim.patch(f"/Users/{bob['id']}", json=TITLED),
    ):
        assert_busy(refused)
        assert_error(refused, 503)
    (error,) = alice.answer(WORKSPACE)["errors"]
    assert error["extensions"] == {"code": "BUSY", "retryAfterSeconds": 1}
    assert alice.do("userUpdate", {"id": bob["id"], "title": "Baker"})["code"] == "BUSY"
    own_postgres.start()
    time.sleep(1)
    assert health.get("/ready").status_code == 200
    assert scim.patch(f"/Users/{bob['id']}", json=TITLED).json()["title"] == "Baker"
    assert alice.ask(WORKSPACE) == {"viewer": {"workspace": {"name": "Acme"}}}
