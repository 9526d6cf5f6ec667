"""Keys that do not open, bodies that cannot be read, addresses that are not there: clear errors, nothing changed."""

import json
import socket
from typing import Any

import httpx2
import pytest

from service.tokens import TokenKind, new_token
from tests.scim_facade.people import assert_error, created, found, somebody
from tests.stage import Server, Tenant


@pytest.fixture
def scim(acme: Tenant) -> httpx2.Client:
    return acme.scim()


def everybody(tenant: Tenant) -> str:
    """The workspace's people, byte by byte."""
    return tenant.scim().get("/Users", params={"count": 1000}).text


# Keys


def test_without_a_key_nothing_is_told_from_anything_else(acme: Tenant) -> None:
    anonymous = acme.scim()
    for path in ("/Users", "//Users", "/Users/", "/Bulk", "/nonsense", "/Users/usr_1", "/ServiceProviderConfig", ""):
        answer = anonymous.get(f"{acme.server.url}/api/scim/v2{path}", headers={"Authorization": ""})
        assert_error(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_key_that_does_not_open_gets_the_same_answer(acme: Tenant, globex: Tenant) -> None:
    before = everybody(acme)
    expired, revoked = acme.new_key("--expires-in", "1s"), acme.new_key()
    listed = acme.server.cli("api-key", "list", "acme").stdout
    ids = [line.split()[0] for line in listed.splitlines() if "_…" in line]
    acme.server.cli("api-key", "revoke", "acme", next(i for i in ids if _hint(revoked) in _line(listed, i)))
    typo = acme.key[:-7] + ("x" if acme.key[-7] != "x" else "y") + acme.key[-6:]
    details = set()
    for key in (
        "non-token",
        typo,
        new_token(TokenKind.SCIM_KEY),
        new_token(TokenKind.SESSION),
        revoked,
        expired,
        globex.key,
    ):
        answer = acme.scim(key).get("/Users")
        assert_error(answer, 401)
        details.add(answer.json()["detail"].partition(" (request")[0])
        assert_error(acme.scim(key).post("/Users", json=somebody()), 401)
    assert len(details) == 1
    assert everybody(acme) == before


def _hint(key: str) -> str:
    return f"…{key[-4:]}"


def _line(listed: str, id: str) -> str:
    return next(line for line in listed.splitlines() if id in line)


def test_a_key_of_another_workspace_opens_only_its_own(acme: Tenant, globex: Tenant) -> None:
    nameless = acme.server.client("localhost", Authorization=f"Bearer {globex.key}")
    body = nameless.get("/api/scim/v2/Users").json()
    assert [each["userName"] for each in body["Resources"]] == [globex.owner_email]


@pytest.mark.parametrize("host", ["nosuch.api.localhost", "acme.api.localhost.", "ACME.API.LOCALHOST"])
def test_the_host_decides_whose_keys_are_good(acme: Tenant, host: str) -> None:
    client = acme.server.client(host, Authorization=f"Bearer {acme.key}")
    status = client.get("/api/scim/v2/Users").status_code
    assert status == (401 if "nosuch" in host else 200)


def test_a_key_may_come_without_the_word_bearer(acme: Tenant) -> None:
    for shown in (acme.key, f"bearer {acme.key}", f"BEARER   {acme.key}"):
        assert acme.server.client("localhost", Authorization=shown).get("/api/scim/v2/Users").status_code == 200


@pytest.mark.parametrize("shown", ["Basic YTpi", "Bearer", "Bearer ", "é", "\x00"])
def test_odd_authorization_headers(acme: Tenant, shown: str) -> None:
    status = _raw(acme, "GET", f"Authorization: {shown}\r\n".encode("latin-1", "replace"))
    assert status in (400, 401)


def test_a_key_in_the_address_or_in_a_cookie_or_twice_is_no_key(acme: Tenant) -> None:
    client = acme.server.client("localhost")
    assert_error(client.get("/api/scim/v2/Users", params={"access_token": acme.key}), 401)
    assert_error(client.get("/api/scim/v2/Users", headers={"Cookie": f"headcount_session={acme.key}"}), 401)
    twice = f"Authorization: Bearer {acme.key}\r\n" * 2
    assert _raw(acme, "GET", twice.encode()) == 401


def test_a_forged_host_is_refused(acme: Tenant) -> None:
    assert _raw(acme, "GET", f"Authorization: Bearer {acme.key}\r\n".encode(), host=b"a/?x=") == 400


def test_the_flag_decides_whether_the_door_is_open(server: Server) -> None:
    closed = server.found("closed", "Alice", provisioning=False)
    assert_error(closed.scim().get("/Users"), 403, None, "support")
    assert_error(closed.scim().post("/Users", json=somebody()), 403, None, "support")
    assert_error(closed.scim("non-token").get("/Users"), 401)
    server.cli("flag", "set", "closed", "scim_provisioning", "on", "--reason", "bought")
    assert closed.scim().get("/Users").json()["totalResults"] == 1


# Bodies

_GOOD = json.dumps(somebody()).encode()
_JSON = {"Content-Type": "application/scim+json"}


@pytest.mark.parametrize(
    ("body", "status", "scim_type"),
    [
        (b"", 400, "invalidSyntax"),
        (b"{", 400, "invalidSyntax"),
        (b"null", 400, "invalidSyntax"),
        (b"[]", 400, "invalidSyntax"),
        (b'"x"', 400, "invalidSyntax"),
        (b'{"userName": NaN}', 400, "invalidSyntax"),
        (b'{"userName": "a", "userName": "b"}', 400, "invalidSyntax"),
        (b'{"userName": "\\ud800"}', 400, "invalidSyntax"),
        (b'{"userName": "\xff"}', 400, "invalidSyntax"),
        (b"[" * 100_000, 400, "invalidSyntax"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, 400, "invalidValue"),
        (b'{"userName": "a\\u0000b"}', 400, "invalidValue"),
        (b'{"userName": "ok", "title": "a\\u0000b"}', 400, "invalidValue"),
        (b'{"userName": "ok", "title": 5}', 400, "invalidValue"),
        (b'{"userName": "ok", "name": "Bob"}', 400, "invalidValue"),
        (b'{"userName": "ok", "active": "banana"}', 400, "invalidValue"),
        (b'{"userName": "ok", "emails": [5]}', 400, "invalidValue"),
        (b'{"userName": "ok", "emails": [{"type": "work", "display": "x"}]}', 400, "invalidValue"),
        (b'{"userName": "ok", "roles": [{"value": {"a": 1}}]}', 400, "invalidValue"),
        (b'{"displayName": "nobody"}', 400, "invalidValue"),
        (b'{"userName": ""}', 400, "invalidValue"),
        (b'{"userName": null}', 400, "invalidValue"),
        (b'{"userName": "  "}', 400, "invalidValue"),
        (b'{"userName": "\\u200b"}', 400, "invalidValue"),
        (b'{"userName": "ok", "title": "' + b"x" * 1_001 + b'"}', 400, "invalidValue"),
        (
            b'{"userName": "ok", "emails": [{"value":"a@x","primary":true},{"value":"b@x","primary":true}]}',
            400,
            "invalidValue",
        ),
        (b'{"userName": "ok", "title": "' + b"x" * (1 << 20) + b'"}', 413, None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_body_that_cannot_be_accepted_changes_nothing(
    acme: Tenant, body: bytes, status: int, scim_type: str | None
) -> None:
    before = everybody(acme)
    assert_error(acme.scim().post("/Users", content=body, headers=_JSON), status, scim_type)
    assert everybody(acme) == before


def test_the_detail_names_the_attribute_in_scim_s_words(scim: httpx2.Client) -> None:
    assert_error(scim.post("/Users", json=somebody(userName="a\x00b")), 400, "invalidValue", "userName", "U+0000")
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    bad = somebody(**{enterprise: {"costCenter": "x" * 2_000}})
    assert_error(scim.post("/Users", json=bad), 400, "invalidValue", "costCenter", "1000")


def test_a_body_is_refused_while_it_still_streams(acme: Tenant) -> None:
    """Fifty megabytes are announced; the answer comes after little more than one."""
    head = (
        f"POST /api/scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {acme.key}\r\n"
        "Content-Type: application/scim+json\r\nContent-Length: 52428800\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", acme.server.port), timeout=10) as connection:
        connection.sendall(head.encode())
        sent = 0
        connection.settimeout(0.2)
        answer = b""
        while not answer and sent < 20 << 20:
            try:
                connection.sendall(b"x" * 65_536)
                sent += 65_536
                answer = connection.recv(4_096)
            except TimeoutError:
                continue
            except OSError:
                break
    assert b" 413 " in answer
    assert sent < 20 << 20


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "text/plain,application/json", "multipart/form-data"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_other_media_types_are_refused(scim: httpx2.Client, media_type: str, method: str) -> None:
    path = "/Users" if method == "POST" else f"/Users/{created(scim)['id']}"
    assert_error(scim.request(method, path, content=_GOOD, headers={"Content-Type": media_type}), 415)


@pytest.mark.parametrize("media_type", ["application/scim+json; charset=utf-8", "application/json", "APPLICATION/JSON"])
def test_both_json_media_types_are_read(scim: httpx2.Client, media_type: str) -> None:
    body = json.dumps(somebody()).encode()
    assert scim.post("/Users", content=body, headers={"Content-Type": media_type}).status_code == 201


# Addresses


def test_an_unknown_a_malformed_and_a_foreign_id_are_one_answer(acme: Tenant, globex: Tenant) -> None:
    scim, theirs = acme.scim(), globex.scim()
    charlie = found(theirs, f'userName eq "{globex.owner_email}"')[0]
    before = everybody(globex)
    body: dict[str, Any] = {**somebody(), "Operations": [{"op": "replace", "value": {"active": False}}]}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for unknown in (charlie["id"], "usr_01a20cadaa4672c68acc7fc767ae1109", "1", "%00", "é" * 300):
            sent = None if method in ("GET", "DELETE") else body
            answer = scim.request(method, f"/Users/{unknown}", json=sent)
            assert_error(answer, 404)
    assert found(scim, f'id eq "{charlie["id"]}"') == []
    assert found(scim, f'userName eq "{globex.owner_email}"') == []
    assert everybody(globex) == before


def test_the_same_user_name_can_live_in_two_workspaces(acme: Tenant, globex: Tenant) -> None:
    here = created(acme.scim())
    there = created(globex.scim(), userName=here["userName"])
    assert there["id"] != here["id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Users", "GET, POST, HEAD"),
        ("PUT", "/Users", "GET, POST, HEAD"),
        ("POST", "/Users/usr_1", "GET, PUT, PATCH, DELETE, HEAD"),
        ("POST", "/Schemas", "GET, HEAD"),
        ("GET", "/Bulk", "POST"),
        ("PROPFIND", "/Users", "GET, POST, HEAD"),
        ("TRACE", "/Users", "GET, POST, HEAD"),
        ("OPTIONS", "/Users", "GET, POST, HEAD"),
    ],
)
def test_a_method_that_is_not_possible_says_which_are(
    scim: httpx2.Client, method: str, path: str, allowed: str
) -> None:
    answer = scim.request(method, path)
    assert_error(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/nonsense", "/Users/a/b", "//Users", "/users"])
def test_an_address_that_is_not_there_is_a_scim_error(acme: Tenant, path: str) -> None:
    assert_error(acme.scim().get(f"{acme.server.url}/api/scim/v2{path}"), 404, None, "base URL")


def test_every_path_of_the_api_host_answers_in_scim(acme: Tenant) -> None:
    client = acme.server.client(f"acme.api.localhost:{acme.server.port}", Authorization=f"Bearer {acme.key}")
    for path in ("/", "/graphql", "/live", "/api/scim/v1/Users"):
        assert_error(client.get(path), 404)


def test_one_slash_or_question_mark_too_many_does_no_harm(acme: Tenant) -> None:
    for path in ("/Users/", "/Users?", "/Users?&", "/Users?aadOptscim062020"):
        assert acme.scim().get(f"{acme.server.url}/api/scim/v2{path}").status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/Me"), ("DELETE", "/Me")])
def test_what_is_not_supported_says_so(scim: httpx2.Client, method: str, path: str) -> None:
    assert_error(scim.request(method, path, json={}), 501, None, "ServiceProviderConfig")


def _raw(tenant: Tenant, method: str, headers: bytes, host: bytes = b"localhost") -> int:
    """The status of a request that no HTTP library would send."""
    with socket.create_connection(("127.0.0.1", tenant.server.port), timeout=10) as connection:
        head = f"{method} /api/scim/v2/Users HTTP/1.1\r\n".encode() + b"Host: " + host + b"\r\n"
        connection.sendall(head + headers + b"Connection: close\r\n\r\n")
        return int(connection.makefile("rb").readline().split()[1])
