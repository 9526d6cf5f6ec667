"""Subscriptions over Server-Sent Events: what happens is told at once, to whoever may know it and for as long."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import parse, subscribe

from graphql_facade.schema import make_schema
from service.passwords import PasswordHasher
from service.refusals import Unauthenticated
from service.sessions import end_session
from service.users.commands import create_user
from service.work import Work
from tests.graphql_facade.browser import Browser, Data, signed_in
from tests.graphql_facade.contexts import context_of
from tests.scim_facade.people import created, patch
from tests.service.cast import Acme, person, refusal
from tests.service.cast import signed_in as session_of
from tests.stage import Server, Tenant, running

EVENTS = "text/event-stream"
PEOPLE = "subscription { userChanged { id displayName status groups { displayName } } }"
DIRECTORY = "subscription { provisioningEvent { id operation outcome target { id } apiKeyName } }"
_PATIENCE_SECONDS = 15

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # where the engine makes no difference


def patiently(what: Callable[[], Any]) -> Any:
    """What comes true within a while."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return found


@dataclass
class Listener:
    """A subscription, read as it comes."""

    status: int = 0
    kind: str = ""
    answers: list[Data] = field(default_factory=list)
    is_over: bool = False

    def read(self, response: httpx2.Response) -> None:
        """Take in every event until the stream is over."""
        event = ""
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "next":
                self.answers.append(json.loads(value))
        self.is_over = event == "complete"

    def heard(self, **wanted: Any) -> Data:
        """The answer that says this; waits for it."""

        def found() -> Data | None:
            said = [next(iter((answer.get("data") or {"": {}}).values())) for answer in self.answers]
            return next((each for each in said if wanted.items() <= each.items()), None)

        heard: Data = patiently(found)
        return heard

    def error(self) -> Data:
        """Why it was ended; waits for it."""
        told: list[Data] = patiently(lambda: [each for answer in self.answers for each in answer.get("errors", ())])
        patiently(lambda: self.is_over)
        return told[0]


@contextmanager
def listening(browser: Browser, document: str) -> Iterator[Listener]:
    """Listen for the block, on a connection of one's own."""
    listener = Listener()
    client = browser.client
    headers = {**client.headers, "accept": EVENTS}
    with (
        httpx2.Client(base_url=client.base_url, headers=headers, cookies=client.cookies, timeout=30) as own,
        own.stream("POST", "/graphql", json={"query": document}) as response,
    ):
        listener.status, listener.kind = response.status_code, response.headers["content-type"]
        connection: socket.socket = response.extensions["network_stream"].get_extra_info("socket")
        reader = threading.Thread(target=_quietly, args=(listener, response))
        reader.start()
        try:
            yield listener
        finally:
            with suppress(OSError):  # the server may have closed it
                connection.shutdown(socket.SHUT_RDWR)
            reader.join(_PATIENCE_SECONDS)
        assert not reader.is_alive()


def _quietly(listener: Listener, response: httpx2.Response) -> None:
    with suppress(httpx2.TransportError, httpx2.StreamError, AttributeError, ValueError):  # the block has closed it
        listener.read(response)


@pytest.fixture(scope="module")
def tenant(server: Server) -> Tenant:
    """A workspace of these tests' own."""
    return server.found_another()


@pytest.fixture(scope="module")
def alice(tenant: Tenant) -> Browser:
    """Its owner."""
    return signed_in(tenant, tenant.owner_email)


def test_whoever_listens_hears_of_every_change_through_either_door_once(tenant: Tenant, alice: Browser) -> None:
    bob = tenant.add("Bob", "member")
    with ExitStack() as all_, tenant.scim() as scim:
        listeners = [
            all_.enter_context(listening(each, PEOPLE))
            for each in (alice, alice, signed_in(tenant, f"bob@{tenant.subdomain}.example"))
        ]
        assert {(each.status, each.kind) for each in listeners} == {(200, "text/event-stream; charset=utf-8")}
        person = alice.new_person(displayName="Nina")
        cleo = created(scim, displayName="Cleo")
        for listener in listeners:
            assert listener.heard(displayName="Nina") == {
                "id": person["id"],
                "displayName": "Nina",
                "status": "ACTIVE",
                "groups": [],
            }
            listener.heard(id=cleo["id"], displayName="Cleo", status="ACTIVE")
        gus = tenant.add("Gus", "member")  # by another process
        patch(scim, cleo["id"], {"op": "replace", "value": {"active": False}})
        alice.do("userUpdate", {"id": person["id"], "displayName": "Nina Nash"})
        for listener in listeners:
            listener.heard(id=gus, displayName="Gus Archer")
            listener.heard(id=cleo["id"], status="INACTIVE")
            listener.heard(id=person["id"], displayName="Nina Nash")
        time.sleep(2.5)  # two more looks bring nothing more
        for listener in listeners:
            said = [
                (each["data"]["userChanged"]["id"], each["data"]["userChanged"]["status"]) for each in listener.answers
            ]
            expected = [person["id"], person["id"], cleo["id"], gus]
            assert sorted(said) == sorted([*((each, "ACTIVE") for each in expected), (cleo["id"], "INACTIVE")])
            assert bob not in {each for each, _ in said}


def test_what_the_directory_does_is_heard_by_admins_alone(tenant: Tenant, alice: Browser) -> None:
    tenant.add("Ben", "member")
    ben = signed_in(tenant, f"ben@{tenant.subdomain}.example")
    with tenant.scim() as scim, listening(alice, DIRECTORY) as listener:
        made = created(scim)
        heard = listener.heard(operation="CREATE", target={"id": made["id"]})
        assert (heard["outcome"], heard["apiKeyName"]) == ("DONE", "Okta")
        scim.post("/Users", json={"userName": made["userName"]})
        listener.heard(outcome="REFUSED")
    with listening(ben, DIRECTORY) as listener:
        error = listener.error()
    assert error["extensions"] == {"code": "FORBIDDEN", "requires": "PROVISIONING_READ"}


@only_sqlite
def test_another_workspace_hears_nothing(tenant: Tenant, alice: Browser, charlie: Browser) -> None:
    with listening(charlie, PEOPLE) as theirs, listening(alice, PEOPLE) as ours:
        alice.new_person(displayName="Private")
        ours.heard(displayName="Private")
        time.sleep(1.5)
        assert theirs.answers == []


def test_a_subscription_ends_within_a_second_with_the_session_and_tells_nothing_more(
    tenant: Tenant, alice: Browser
) -> None:
    tenant.add("Dora", "member")
    first, second = (signed_in(tenant, f"dora@{tenant.subdomain}.example") for _ in range(2))
    session = second.ask("{ viewer { user { id } session { id } } }")["viewer"]
    with listening(first, PEOPLE) as stays, listening(second, PEOPLE) as ends:
        alice.do("sessionRevoke", {"id": session["session"]["id"]})
        begun = time.monotonic()
        assert ends.error()["extensions"]["code"] == "UNAUTHENTICATED"
        assert time.monotonic() - begun < 5  # one second, on a machine that has time
        alice.new_person(displayName="Later")
        stays.heard(displayName="Later")
        assert not any("data" in answer for answer in ends.answers)
        alice.do("userDeactivate", {"id": session["user"]["id"]})
        assert stays.error()["extensions"]["code"] == "UNAUTHENTICATED"
        count = len(stays.answers)
        alice.new_person(displayName="Later still")
        time.sleep(1.5)
        assert len(stays.answers) == count


def test_a_key_listens_as_well_and_until_it_is_revoked(tenant: Tenant, alice: Browser) -> None:
    wanted = "... on ApiKeyCreatePayload { secret apiKey { id } }"
    made = alice.do("apiKeyCreate", {"name": "A script", "scopes": ["USERS_READ"]}, wanted)
    script = Browser(
        tenant.server.client(tenant.server.host(tenant.subdomain), Authorization=f"Bearer {made['secret']}")
    )
    with listening(script, PEOPLE) as listener:
        alice.new_person(displayName="Scripted")
        listener.heard(displayName="Scripted")
        alice.do("apiKeyRevoke", {"id": made["apiKey"]["id"]})
        assert listener.error()["extensions"]["code"] == "UNAUTHENTICATED"


@only_sqlite
def test_a_subscription_is_refused_to_whoever_cannot_read_it_or_is_nobody(alice: Browser, nobody: Browser) -> None:
    answer = alice.post(PEOPLE)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (406, "NOT_ACCEPTABLE")
    with listening(nobody, PEOPLE) as listener:
        assert listener.error()["extensions"]["code"] == "UNAUTHENTICATED"
    bad = alice.post("subscription { userChanged { nothing } }", None, Accept=EVENTS)
    assert (bad.status_code, bad.headers["content-type"]) == (400, "application/json")


@only_sqlite
def test_nobody_listens_more_than_ten_times(alice: Browser) -> None:
    with ExitStack() as open_:
        for _ in range(10):
            open_.enter_context(listening(alice, PEOPLE))
        answer = alice.post(PEOPLE, None, Accept=EVENTS)
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": 10}
    patiently(lambda: _may_listen(alice))


def _may_listen(browser: Browser) -> bool:
    with browser.client.stream("POST", "/graphql", json={"query": PEOPLE}, headers={"Accept": EVENTS}) as answer:
        return answer.status_code == 200


@only_sqlite
def test_a_query_may_be_answered_as_an_event(alice: Browser) -> None:
    answer = alice.post("{ __typename }", None, Accept=EVENTS)
    assert answer.headers["content-type"].startswith(EVENTS)
    lines = ["event: next", 'data: {"data":{"__typename":"Query"}}', "", "event: complete", "data: ", ""]
    assert answer.text.splitlines() == lines


def test_a_server_that_is_told_to_stop_ends_its_streams(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("stopping"), HEADCOUNT_ENVIRONMENT="development") as server:
        tenant = server.found("acme", "Alice")
        alice = signed_in(tenant, tenant.owner_email)
        with listening(alice, PEOPLE):
            begun = time.monotonic()
            server.process.terminate()
            assert server.process.wait(timeout=20) in (0, -15)
            assert time.monotonic() - begun < 10  # and not the 25 seconds that a request may take


@pytest.mark.anyio
async def test_who_asks_is_found_out_before_each_of_several_events(
    work: Work, hasher: PasswordHasher, founded: tuple[str, Acme, Any], tmp_path: Path
) -> None:
    acme = founded[1]
    session, token = await session_of(work, hasher, "alice@acme.example")
    context = context_of(work, hasher, token, tmp_path)
    document = parse("subscription { userChanged { id } }")
    listening: Any = await subscribe(make_schema()._schema, document, context_value=context)  # type: ignore[misc]
    first = asyncio.ensure_future(anext(listening))
    await asyncio.sleep(0.3)
    made = [await work.write(acme.alice, create_user, person(name)) for name in ("erin", "fay")]
    assert (await first).data == {"userChanged": {"id": made[0].id}}
    await work.write(session.actor, end_session, session.session_id)
    reason = await refusal(anext(listening))
    assert isinstance(reason, Unauthenticated)
