"""Several processes on one database: what one has acknowledged holds for all, at once."""

import asyncio
import collections
import itertools
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import kept_in
from tests.graphql_facade.browser import signed_in
from tests.postgres import PostgresServer
from tests.scim_facade.people import PATCH, created, somebody
from tests.stage import Server, Tenant, running

pytestmark = pytest.mark.anyio

MACHINES = 4
ROUNDS = 200
RACERS = 20
PATCHES = 200
CALLERS = 3  # at each machine
BEFORE = 100  # requests that go well before something is ended

only_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def shared(engine: str, postgres: PostgresServer) -> dict[str, str]:
    """What servers have in common, and nothing else: the database and the secret key."""
    return {"HEADCOUNT_SECRET_KEY": secrets.token_urlsafe(48), **kept_in(engine, postgres)}


@pytest.fixture(scope="module")
def machines(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Servers on one database, each with an address of its own."""
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp("machine") for _ in range(MACHINES)]
        yield [stack.enter_context(running(folder, **shared)) for folder in folders]


@pytest.fixture
def doomed(shared: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """One more of them, which will not live to the end."""
    with running(tmp_path, **shared) as started:
        yield started


@dataclass(frozen=True)
class Answer:
    """What came of a create: when it was begun and over, its status (None: the connection broke), and of whom."""

    begun: float
    over: float
    status: int | None
    user_name: str


@dataclass
class Load:
    """Callers who create people, each at one machine, one after the other, until told to stop."""

    clients: list[httpx2.AsyncClient]
    create: Callable[[httpx2.AsyncClient, str], Any]
    answers: list[Answer] = field(default_factory=list)
    _at_work: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: bool = False

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """The block begins when everybody has been at work for a while; at its end they stop."""
        callers = [asyncio.create_task(self._call(client)) for client in self.clients for _ in range(CALLERS)]
        try:
            await self._at_work.wait()
            yield
        finally:
            self._stopped = True
            await asyncio.gather(*callers)

    async def _call(self, client: httpx2.AsyncClient) -> None:
        while not self._stopped:
            user_name, begun = f"{secrets.token_hex(8)}@acme.example", time.monotonic()
            try:
                status = await self.create(client, user_name)
            except httpx2.TransportError:
                status = None
                await asyncio.sleep(0.05)
            self.answers.append(Answer(begun, time.monotonic(), status, user_name))
            if len(self.answers) == BEFORE:
                self._at_work.set()


async def create_by_scim(client: httpx2.AsyncClient, user_name: str) -> int:
    """The status of a create."""
    answer = await client.post("/api/scim/v2/Users", json=somebody(userName=user_name))
    return answer.status_code


async def create_by_graphql(client: httpx2.AsyncClient, user_name: str) -> int:
    """201 where the person was created, 401 where nobody is signed in any more."""
    document = """mutation ($input: UserCreateInput!) {
        userCreate(input: $input) { __typename ... on Error { code } }
    }"""
    body = {"query": document, "variables": {"input": {"email": user_name}}}
    result = (await client.post("/graphql", json=body)).json()["data"]["userCreate"]
    return 201 if result["__typename"] == "UserCreatePayload" else {"UNAUTHENTICATED": 401}[result["code"]]


@asynccontextmanager
async def clients_of(machines: list[Server], host: str, **headers: str) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """A client of each machine that names this workspace's host there."""
    clients = [
        httpx2.AsyncClient(base_url=each.url, headers={"Host": f"{host}.localhost:{each.port}", **headers}, timeout=30)
        for each in machines
    ]
    try:
        yield clients
    finally:
        for client in clients:
            await client.aclose()


def total_of(scim: httpx2.Client) -> int:
    """How many people the workspace has at this moment."""
    total: int = scim.get("/Users", params={"count": 0}).json()["totalResults"]
    return total


@only_postgresql
async def test_of_many_who_want_one_user_name_at_several_machines_one_gets_it(machines: list[Server]) -> None:
    tenant = machines[0].found_another()
    async with clients_of(machines, f"{tenant.subdomain}.api", Authorization=f"Bearer {tenant.key}") as clients:
        for number in range(ROUNDS):
            names = itertools.cycle((f"racer{number}@acme.example", f"RACER{number}@Acme.Example"))
            chosen = itertools.cycle(clients)
            racing = (create_by_scim(next(chosen), next(names)) for _ in range(RACERS))
            statuses = collections.Counter(await asyncio.gather(*racing))
            assert statuses == {201: 1, 409: RACERS - 1}, number
    assert total_of(tenant.scim()) == 1 + ROUNDS


@only_postgresql
async def test_a_key_that_is_revoked_at_one_machine_is_refused_by_all_from_then_on(machines: list[Server]) -> None:
    tenant = machines[0].found_another()
    revoked, watching = tenant.new_key(), tenant.scim()
    alice = signed_in(tenant, tenant.owner_email)
    keys = alice.ask("{ viewer { workspace { apiKeys(first: 5) { nodes { id hint } } } } }")
    (key_id,) = (
        each["id"] for each in keys["viewer"]["workspace"]["apiKeys"]["nodes"] if each["hint"].endswith(revoked[-4:])
    )
    async with clients_of(machines, f"{tenant.subdomain}.api", Authorization=f"Bearer {revoked}") as clients:
        load = Load(clients, create_by_scim)
        async with load.going():
            result = await asyncio.to_thread(alice.do, "apiKeyRevoke", {"id": key_id})
            acknowledged = time.monotonic()
            assert result["__typename"] == "ApiKeyRevokePayload"
            there = await asyncio.to_thread(total_of, watching)
            await asyncio.sleep(1)
    assert_ended(load, acknowledged)
    assert total_of(watching) == there


@only_postgresql
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_who_is_deactivated_at_one_machine_is_out_at_all_from_then_on(
    machines: list[Server], method: str
) -> None:
    tenant = machines[0].found_another()
    ann_id = tenant.add("Ann", "admin")
    ((name, token),) = signed_in(tenant, f"ann@{tenant.subdomain}.example").cookies
    scim = tenant.scim()
    async with clients_of(machines, tenant.subdomain, Cookie=f"{name}={token}") as clients:
        load = Load(clients, create_by_graphql)
        async with load.going():
            answer = await asyncio.to_thread(deactivated, scim, ann_id, method)
            acknowledged = time.monotonic()
            assert answer.json()["active"] is False
            there = await asyncio.to_thread(total_of, scim)
            await asyncio.sleep(1)
    assert_ended(load, acknowledged)
    assert total_of(scim) == there


def deactivated(scim: httpx2.Client, user_id: str, method: str) -> httpx2.Response:
    """The answer to Okta's deactivation in either of its shapes."""
    ended: dict[str, Any] = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
    if method == "PUT":
        ended = {**scim.get(f"/Users/{user_id}").json(), "active": False}
    return scim.request(method, f"/Users/{user_id}", json=ended)


def assert_ended(load: Load, acknowledged: float) -> None:
    """Everybody was let in before, and nobody afterwards."""
    before = [each.status for each in load.answers if each.over < acknowledged]
    after = [each.status for each in load.answers if each.begun > acknowledged]
    assert before.count(201) >= BEFORE
    assert set(before) <= {201, 401}
    assert len(after) > MACHINES
    assert set(after) == {401}


@only_postgresql
async def test_when_one_machine_dies_the_others_go_on_and_nothing_is_lost_or_done_twice(
    machines: list[Server], doomed: Server
) -> None:
    tenant = machines[0].found_another()
    async with clients_of(
        [*machines, doomed], f"{tenant.subdomain}.api", Authorization=f"Bearer {tenant.key}"
    ) as clients:
        load = Load(clients, create_by_scim)
        async with load.going():
            died = time.monotonic()
            doomed.kill()
            await asyncio.sleep(1)
    statuses = collections.Counter(each.status for each in load.answers)
    assert set(statuses) == {201, None}
    assert sum(each.status == 201 and each.begun > died for each in load.answers) > BEFORE / 10
    scim = tenant.scim()
    kept: collections.Counter[str] = collections.Counter()
    for start in itertools.count(1, 1000):
        page = scim.get("/Users", params={"startIndex": start, "count": 1000}).json()["Resources"]
        kept.update(user["userName"] for user in page)
        if not page:
            break
    assert set(kept.values()) == {1}
    assert {each.user_name for each in load.answers if each.status == 201} <= set(kept)
    recorded = signed_in(tenant, tenant.owner_email).ask(
        "{ viewer { workspace { auditEvents(first: 1, filter: {action: [USER_CREATED]}) { totalCount } } } }"
    )
    assert recorded["viewer"]["workspace"]["auditEvents"]["totalCount"] == len(kept)


async def test_many_changes_of_one_person_at_once_are_as_many_changes(acme: Tenant) -> None:
    user_id = created(acme.scim())["id"]
    async with clients_of([acme.server], f"{acme.subdomain}.api", Authorization=f"Bearer {acme.key}") as (client,):

        async def change(number: int) -> httpx2.Response:
            operation = {"op": "replace", "path": "title", "value": f"title {number}"}
            body = {"schemas": [PATCH], "Operations": [operation]}
            return await client.patch(f"/api/scim/v2/Users/{user_id}", json=body)

        answers = await asyncio.gather(*map(change, range(PATCHES)))
    assert {answer.status_code for answer in answers} == {200}
    versions = {answer.json()["meta"]["version"] for answer in answers}
    assert versions == {f'W/"{number}"' for number in range(2, PATCHES + 2)}


@pytest.fixture
def workers(engine: str, postgres: PostgresServer, tmp_path: Path) -> Iterator[Server]:
    """One machine with two processes that serve."""
    with running(tmp_path, "--workers", "2", **kept_in(engine, postgres)) as started:
        yield started


def children_of(process: int) -> set[int]:
    """The processes that another one has started and that serve."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {int(each) for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()}


async def test_several_processes_of_one_machine_serve_and_one_that_dies_is_replaced(workers: Server) -> None:
    tenant = workers.found_another()
    before = children_of(workers.process.pid)
    assert len(before) == 2
    async with clients_of([workers], f"{tenant.subdomain}.api", Authorization=f"Bearer {tenant.key}") as clients:
        load = Load(clients * MACHINES, create_by_scim)
        async with load.going():
            os.kill(min(before), signal.SIGKILL)
            deadline = time.monotonic() + 30
            while len(children_of(workers.process.pid) - {min(before)}) < 2:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
    assert {each.status for each in load.answers} <= {201, None}
    acknowledged = {each.user_name for each in load.answers if each.status == 201}
    scim = tenant.scim()
    total = total_of(scim)
    assert total > len(acknowledged)
    for user_name in sorted(acknowledged)[:: max(len(acknowledged) // 50, 1)]:
        assert scim.get("/Users", params={"filter": f'userName eq "{user_name}"'}).json()["totalResults"] == 1
