"""Whatever fails on SCIM's host is answered with a SCIM Error that says what to do (RFC 7644, 3.12)."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, text

from headcount.asgi import Headcount
from headcount.protocol import MAX_ADDRESS, MAX_HEAD
from headcount.settings import load_settings
from scim_facade import facade
from service.store.columns import table_of
from service.store.opening import open_engine
from service.users.fields import User
from tests.conftest import kept_in
from tests.postgres import OWNER, SERVING, PostgresServer
from tests.scim_facade.people import assert_error, created, somebody
from tests.scim_facade.sockets import USERS, Answer, head, received, sent
from tests.stage import Tenant, running

_GOOD = json.dumps(somebody()).encode()
_JSON = "Content-Type: application/scim+json"
_END = b"\r\n"


def get(tenant: Tenant, *lines: str, target: str = USERS, host: str = "") -> Answer:
    return sent(tenant, head(tenant, *lines, target=target, host=host) + _END)


def post(tenant: Tenant, *lines: str, body: bytes = b"") -> Answer:
    return sent(tenant, head(tenant, *lines, method="POST") + _END + body)


# What is no request


@pytest.mark.parametrize(
    "request_line",
    [
        b"nonsense",
        b"GET",
        b"GET /api/scim/v2/Users HTTP/9.9",
        b"GET /api/scim/v2/a b HTTP/1.1",
        b"GET /api/scim/v2/\xc3\xa9 HTTP/1.1",
        b"G\xc3\xa9T /api/scim/v2/Users HTTP/1.1",
        b"CONNECT localhost:80 HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_a_scim_error_even_so(acme: Tenant, request_line: bytes) -> None:
    answer = sent(acme, request_line + b"\r\nHost: localhost\r\n\r\n")
    answer.error(400, "proxy")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: abc",),
        ("Content-Length: -1",),
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: 2", "Content-Length: 2"),
        ("Content-Length: 2, 3",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, gzip",),
        ("X Y: 1",),
        (": 1",),
        ("no colon",),
        (" folded: 1",),
        ("X: a\x00b",),
        ("X: a\nb",),
    ],
)
def test_headers_that_cannot_be_trusted_are_refused(acme: Tenant, lines: tuple[str, ...]) -> None:
    before = acme.scim().get("/Users", params={"count": 0}).json()
    post(acme, _JSON, *lines, body=b"{}").error(400)
    assert acme.scim().get("/Users", params={"count": 0}).json() == before


@pytest.mark.parametrize("chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n", b"2\r\n{}zz"])
def test_chunks_that_cannot_be_read_are_refused(acme: Tenant, chunks: bytes) -> None:
    post(acme, _JSON, "Transfer-Encoding: chunked", body=chunks).error(400)


def test_chunks_that_can_be_read_are(acme: Tenant) -> None:
    body = json.dumps(somebody()).encode()
    chunks = b"".join(b"1;ext=1\r\n" + body[at : at + 1] + b"\r\n" for at in range(len(body))) + b"0\r\n\r\n"
    assert post(acme, _JSON, "Transfer-Encoding: chunked", body=chunks).status == 201


def test_a_body_that_is_announced_and_waited_for_is_asked_for(acme: Tenant) -> None:
    body = json.dumps(somebody()).encode()
    announced = head(acme, _JSON, f"Content-Length: {len(body)}", "Expect: 100-continue", method="POST")
    with socket.create_connection(("127.0.0.1", acme.server.port), timeout=10) as connection:
        connection.sendall(announced + _END)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert received(connection).status == 201


# Addresses and headers that are too long


def test_an_address_is_refused_when_it_is_longer_than_any_needs_to_be(acme: Tenant) -> None:
    path = USERS + "?x="
    assert get(acme, target=path.ljust(MAX_ADDRESS, "a")).status == 200
    for length in (MAX_ADDRESS + 2, MAX_HEAD - 1, MAX_HEAD, MAX_HEAD + 1, 2 * MAX_HEAD):
        get(acme, target=path.ljust(length, "a")).error(414, f"{MAX_ADDRESS:,}")


def test_headers_are_refused_when_they_are_longer_than_any_need_to_be(acme: Tenant) -> None:
    room = MAX_HEAD - len(head(acme))
    assert get(acme, "X: " + "a" * (room - 200)).status == 200
    get(acme, "X: " + "a" * MAX_HEAD).error(431, f"{MAX_HEAD:,}")
    get(acme, *(f"X-{number}: a" for number in range(10_000))).error(431, f"{MAX_HEAD:,}")


@pytest.mark.parametrize(
    ("begin", "status"), [(b"GET /api/scim/v2/Users?", 414), (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 431)]
)
def test_a_head_without_end_is_refused_while_it_comes(acme: Tenant, begin: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", acme.server.port), timeout=10) as connection:
        connection.sendall(begin)
        sent_bytes = len(begin)
        while sent_bytes <= MAX_HEAD:
            connection.sendall(b"a" * 1_000)
            sent_bytes += 1_000
        received(connection).error(status)


def test_a_head_may_come_byte_by_byte_and_a_connection_may_have_many(acme: Tenant) -> None:
    body = json.dumps({"x": "a" * MAX_HEAD}).encode()
    request = head(acme, _JSON, f"Content-Length: {len(body)}", method="POST") + _END + body
    with socket.create_connection(("127.0.0.1", acme.server.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(acme) + _END:
            connection.sendall(bytes([byte]))
        assert received(connection).status == 200
        for _ in range(3):
            connection.sendall(request)
            received(connection).error(400, "userName")


# Who asks, where, and how


@pytest.mark.parametrize("lines", [("Host: localhost",), ("Host: acme.api.localhost",), ("Host:",)])
def test_a_second_host_is_refused(acme: Tenant, lines: tuple[str, ...]) -> None:
    get(acme, *lines).error(400, "Host")


def test_a_request_without_a_host_is_refused(acme: Tenant) -> None:
    sent(acme, b"GET /api/scim/v2/Users HTTP/1.1\r\n\r\n").error(400, "Host")
    sent(acme, b"GET /api/scim/v2/Users HTTP/1.0\r\n\r\n").error(400, "Host")


def test_an_address_may_be_whole_or_none(acme: Tenant) -> None:
    assert get(acme, target=f"http://acme.api.localhost{USERS}").status == 200
    sent(acme, head(acme, method="OPTIONS", target="*") + _END).error(404, "base URL")


def test_a_workspace_that_there_is_not_looks_like_a_key_that_is_not_good(acme: Tenant) -> None:
    unknown = get(acme, host="nosuch.api.localhost").error(401, "API key")["detail"].partition(" (request")[0]
    with_typo = sent(acme, head(acme).replace(acme.key.encode(), b"hc_nonsense") + _END).error(401)
    assert with_typo["detail"].startswith(unknown)


@pytest.mark.parametrize(
    "target",
    ["/", "/api", "/api/scim", "/api/scim/", "/api/scim/v1/Users", "/api/scim/v2x", "/graphql", "/docs", "/ready"],
)
def test_every_address_of_the_host_is_scim_s(acme: Tenant, target: str) -> None:
    get(acme, target=target).error(404, "base URL")
    sent(acme, f"GET {target} HTTP/1.1\r\nHost: acme.api.localhost\r\n\r\n".encode()).error(401, "API key")


@pytest.mark.parametrize("target", ["/api/scim", "/api/scim/Users", "/api/scim/v1/Users"])
def test_a_wrong_version_is_a_scim_error_on_every_host(acme: Tenant, target: str) -> None:
    get(acme, target=target, host="localhost").error(404, "base URL")


@pytest.mark.parametrize(
    "target",
    [
        "/Users/%",
        "/Users/%zz",
        "/Users/%ff%fe",
        "/Users/%00",
        "/Users/%2e%2e",
        "/Users/..",
        "/Users/a%0d%0aX:1",
        "/Us%ers",
    ],
)
def test_odd_escapes_in_an_address_are_an_address_that_is_not_there(acme: Tenant, target: str) -> None:
    get(acme, target=f"/api/scim/v2{target}").error(404)


@pytest.mark.parametrize(
    "query", ["%", "filter=%zz", "filter=%ff", "count=%00", "count=%ff", "startIndex=%2d", "a&&=&=b"]
)
def test_odd_escapes_in_a_query_are_answered(acme: Tenant, query: str) -> None:
    answer = get(acme, target=f"{USERS}?{query}")
    if answer.status != 200:
        answer.error(400, query.partition("=")[0])


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "QUERY", "LINK", "PURGE"]
)
def test_a_method_that_is_not_possible_says_which_are(acme: Tenant, method: str) -> None:
    answer = sent(acme, head(acme, method=method, target="/api/scim/v2/Schemas") + _END)
    if answer.status == 400:  # a method that HTTP's parser has never heard of
        answer.error(400, "HTTP")
    else:
        answer.error(405, method, "GET")
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("target", ["/Users", "/Schemas", "/ServiceProviderConfig", "/Users/usr_1", "/nonsense"])
def test_head_is_get_without_the_body(acme: Tenant, target: str) -> None:
    by_get = get(acme, target=f"/api/scim/v2{target}")
    by_head = sent(acme, head(acme, method="HEAD", target=f"/api/scim/v2{target}") + _END, method="HEAD")
    assert (by_head.status, by_head.body) == (by_get.status, b"")
    for name in ("content-type", "content-length"):
        assert by_head.headers[name] == by_get.headers[name]


def test_a_body_where_none_is_read_does_no_harm(acme: Tenant) -> None:
    request = head(acme, _JSON, "Content-Length: 5") + _END + b"{nope"
    with socket.create_connection(("127.0.0.1", acme.server.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert received(connection).status == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml, */*;q=0", "image/*", "nonsense", ""])
def test_the_answer_is_scim_whatever_is_accepted(acme: Tenant, accept: str) -> None:
    assert get(acme, f"Accept: {accept}").headers["content-type"] == "application/scim+json"
    get(acme, f"Accept: {accept}", target="/nonsense").error(404)


def test_another_protocol_is_not_spoken(acme: Tenant) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13")
    assert get(acme, *upgrade).status == 200
    assert get(acme, "Connection: Upgrade", "Upgrade: h2c").status == 200


# Bodies


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, identity", "x"])
def test_a_body_in_another_coding_is_refused(acme: Tenant, coding: str) -> None:
    answer = post(acme, _JSON, f"Content-Encoding: {coding}", f"Content-Length: {len(_GOOD)}", body=_GOOD)
    answer.error(415, "Content-Encoding", coding)
    assert answer.headers["accept-encoding"] == "identity"


def test_two_media_types_are_none(acme: Tenant) -> None:
    for second in ("text/plain", "application/scim+json"):
        lines = (_JSON, f"Content-Type: {second}", f"Content-Length: {len(_GOOD)}")
        post(acme, *lines, body=_GOOD).error(415, "Content-Type")


def test_a_large_body_is_refused_by_its_limit(acme: Tenant) -> None:
    body = b'{"userName": "' + b"x" * (1 << 20) + b'"}'
    post(acme, _JSON, f"Content-Length: {len(body)}", body=body).error(413, "1,048,576")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_body_that_does_not_come_is_not_waited_for(acme: Tenant) -> None:
    """The wait is half a minute, here too."""
    answer = post(acme, _JSON, "Content-Length: 100", body=b'{"userName"')
    answer.error(408, "20 seconds", "again")
    assert answer.headers["connection"] == "close"


# Conflicts, what is missing, what is not done


def test_what_the_domain_refuses(acme: Tenant) -> None:
    scim = acme.scim()
    bob = created(scim)
    assert_error(scim.post("/Users", json=somebody(userName=bob["userName"])), 409, "uniqueness", "userName")
    assert_error(scim.get("/Users/nobody"), 404, None, "nobody")
    assert_error(scim.delete(f"/Users/{bob['id']}", headers={"If-Match": '"7"'}), 412, None, "read it again")
    assert_error(scim.get("/Me"), 501, None, "ServiceProviderConfig")
    closed = acme.server.found_another()
    acme.server.cli("flag", "set", closed.subdomain, "scim_provisioning", "off", "--reason", "unpaid")
    assert_error(closed.scim().get("/Users"), 403, None, "support")


# When the service itself is in trouble


@pytest.fixture
def broken(engine: str, postgres: PostgresServer, tmp_path: Path) -> Iterator[tuple[Tenant, Engine]]:
    """A workspace on a server of its own, and its database to do harm to."""
    kept = kept_in(engine, postgres)
    with running(tmp_path, **kept, HEADCOUNT_DATABASE_LOCK_SECONDS="0.3") as server:
        url = kept.get("HEADCOUNT_DATABASE_URL", f"sqlite:///{tmp_path}/var/headcount.sqlite3")
        database = open_engine(url.replace(f"{SERVING}@", f"{OWNER}@"))
        yield server.found("acme", "Alice"), database
        database.dispose()


def test_a_fault_of_ours_is_said_to_be_ours_and_says_no_more(broken: tuple[Tenant, Engine]) -> None:
    tenant, database = broken
    table = table_of(User).name
    scim = tenant.scim()
    scim.get("/Users")
    with database.begin() as connection:
        connection.execute(text(f'ALTER TABLE "{table}" RENAME TO gone'))
    for answer in (scim.get("/Users"), scim.post("/Users", json=somebody()), scim.get("/Users/usr_1")):
        assert_error(answer, 500, None, "on our side", "nothing was changed")
        assert table not in answer.json()["detail"]
    with database.begin() as connection:
        connection.execute(text(f'ALTER TABLE gone RENAME TO "{table}"'))
    assert scim.get("/Users").json()["totalResults"] == 1
    log = (tenant.server.folder / "server.log").read_text()
    assert answer.headers["x-request-id"] in log


def test_a_database_that_keeps_others_waiting_is_said_to_be_busy(broken: tuple[Tenant, Engine], engine: str) -> None:
    tenant, database = broken
    scim = tenant.scim()
    scim.get("/Users")
    with _held(database, engine):
        answer = scim.post("/Users", json=somebody())
    assert_error(answer, 503, None, "Try again")
    assert answer.headers["retry-after"].isdigit()
    assert scim.post("/Users", json=somebody()).status_code == 201


@contextmanager
def _held(database: Engine, engine: str) -> Iterator[None]:
    """Somebody who writes and does not end."""
    hold = "BEGIN IMMEDIATE" if engine == "sqlite" else f'LOCK TABLE "{table_of(User).name}" IN ACCESS EXCLUSIVE MODE'
    with closing(database.connect()) as connection:
        connection.execute(text(hold))
        yield
        connection.execute(text("ROLLBACK"))


@pytest.mark.anyio
async def test_an_answer_comes_before_the_identity_provider_stops_waiting(
    broken: tuple[Tenant, Engine], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is half a minute; here it is shorter, in a program of our own on the server's database."""
    tenant, database = broken
    known = tenant.scim()
    for name, value in tenant.server.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tenant.server.folder)
    monkeypatch.setattr(facade, "ANSWER_SECONDS", 0.5)
    app = Headcount(load_settings())
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url=known.base_url, headers=known.headers
    ) as scim:
        with _held(database, engine):
            answer = await scim.post("/Users", json=somebody())
        assert_error(answer, 503, None, "took too long", "Try again")
        assert answer.headers["retry-after"].isdigit()
        assert (await scim.post("/Users", json=somebody())).status_code == 201
    await app.close()
