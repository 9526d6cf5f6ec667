"""API keys: shown once, good at once, over at once."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from tests.graphql_facade.browser import Browser, Data, nothing_happens, signed_in
from tests.postgres import SERVING
from tests.stage import Server, Tenant

KEY = """id displayName hint scopes status createdBy createdAt expiresAt lastUsedAt lastUsedIp revokedAt revokedBy"""
MADE = f"... on ApiKeyCreatePayload {{ secret apiKey {{ {KEY} }} }}"
REVOKED = f"... on ApiKeyRevokePayload {{ apiKey {{ {KEY} }} }}"
KEYS = f"{{ viewer {{ workspace {{ apiKeys(first: 100) {{ totalCount nodes {{ {KEY} }} }} }} }} }}"


def make(browser: Browser, name: str = "Okta", **more: object) -> tuple[Data, str]:
    """A new key and its secret."""
    result = browser.do("apiKeyCreate", {"name": name, "scopes": ["SCIM"], **more}, MADE)
    assert result["__typename"] == "ApiKeyCreatePayload", result
    return result["apiKey"], result["secret"]


def keys(browser: Browser) -> list[Data]:
    """The keys page."""
    found = browser.ask(KEYS)["viewer"]["workspace"]["apiKeys"]
    nodes: list[Data] = found["nodes"]
    assert found["totalCount"] == len(nodes) or len(nodes) == 100
    return nodes


def contents(server: Server) -> Iterator[tuple[str, bytes]]:
    """Whatever a server keeps: its files and, where it has PostgreSQL, every row as text."""
    for path in server.folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
    url = server.env.get("HEADCOUNT_DATABASE_URL")
    if url is not None:
        with psycopg.connect(url.replace(SERVING, "postgres", 1)) as connection:
            for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
                rows = connection.execute(sql.SQL("SELECT each::text FROM {} each").format(sql.Identifier(name)))
                yield name, "\n".join(row for (row,) in rows).encode()


def in_hours(hours: float) -> str:
    """A moment from now."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def until(comes: Callable[[], bool]) -> None:
    """Wait for what must come soon."""
    deadline = time.monotonic() + 10
    while not comes():
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.05)


def test_a_secret_is_shown_once_and_nowhere_else(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    document = f"mutation ($input: ApiKeyCreateInput!) {{ apiKeyCreate(input: $input) {{ {MADE} }} }}"
    answer = alice.post(document, {"input": {"name": "Okta", "scopes": ["SCIM"]}})
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()["data"]["apiKeyCreate"]
    secret, key = made["secret"], made["apiKey"]
    assert secret.startswith("hc_scim_")
    assert key["hint"] == f"hc_scim_…{secret[-4:]}"
    assert answer.text.count(secret) == 1
    with tenant.scim(secret) as scim:
        assert scim.get("/Users").status_code == 200
    assert secret not in alice.post(KEYS).text
    assert secret not in str(alice.node(key["id"], f"... on ApiKey {{ {KEY} }}"))
    assert secret not in str(alice.events())
    random = secret.removeprefix("hc_scim_")[:-4].encode()
    kept = dict(contents(server))
    assert any(b"hc_scim_" in content for content in kept.values())  # the hint: it is the database that was read
    assert [path for path, content in kept.items() if random in content] == []


def test_a_new_key_is_listed_with_who_made_it(ann: Browser) -> None:
    end = in_hours(24)
    key, _ = make(ann, "  Okta SCIM Integration ", expiresAt=end)
    assert key.pop("hint").startswith("hc_scim_…")
    assert datetime.fromisoformat(key["expiresAt"]) - datetime.fromisoformat(end) < timedelta(milliseconds=1)
    assert datetime.now(UTC) - datetime.fromisoformat(key["createdAt"]) < timedelta(minutes=1)
    assert key == {
        "id": key["id"],
        "displayName": "Okta SCIM Integration",
        "scopes": ["SCIM"],
        "status": "ACTIVE",
        "createdBy": "Ann Archer",
        "createdAt": key["createdAt"],
        "expiresAt": key["expiresAt"],
        "lastUsedAt": None,
        "lastUsedIp": None,
        "revokedAt": None,
        "revokedBy": None,
    }
    assert {name: value for name, value in keys(ann)[0].items() if name != "hint"} == key
    (event,) = ann.events(targetId=key["id"])
    assert (event["action"], event["actor"]["displayName"]) == ("API_KEY_CREATED", "Ann Archer")
    assert event["target"] == {"kind": "ApiKey", "id": key["id"], "displayName": "Okta SCIM Integration"}


def test_the_use_of_a_key_is_noted(acme: Tenant, alice: Browser) -> None:
    key, secret = make(alice)

    def shown() -> Data:
        return next(each for each in keys(alice) if each["id"] == key["id"])

    with acme.scim(secret) as scim:
        assert scim.get("/Users").status_code == 200
    until(lambda: shown()["lastUsedAt"] is not None)  # nobody waits for it to be written
    assert shown()["lastUsedIp"] == "127.0.0.1"
    assert shown()["lastUsedAt"] >= key["createdAt"]


def test_a_revoked_key_opens_nothing_from_that_moment_on(acme: Tenant, alice: Browser, ann: Browser) -> None:
    key, secret = make(ann)
    with acme.scim(secret) as scim:
        assert scim.get("/Users").status_code == 200
        revoked = alice.do("apiKeyRevoke", {"id": key["id"]}, REVOKED)["apiKey"]
        assert scim.get("/Users").status_code == 401
    assert (revoked["status"], revoked["revokedBy"], revoked["createdBy"]) == ("REVOKED", "Alice Archer", "Ann Archer")
    assert revoked["revokedAt"] >= key["createdAt"]
    assert next(each for each in keys(alice) if each["id"] == key["id"])["status"] == "REVOKED"
    assert [event["action"] for event in alice.events(targetId=key["id"])] == ["API_KEY_REVOKED", "API_KEY_CREATED"]
    with nothing_happens(alice):
        again = ann.do("apiKeyRevoke", {"id": key["id"]}, REVOKED)["apiKey"]
    assert (again["revokedAt"], again["revokedBy"]) == (revoked["revokedAt"], "Alice Archer")


def test_keys_are_listed_the_newest_first_whatever_their_status(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    _, secret = make(alice, "expiring", expiresAt=in_hours(2 / 3_600))
    revoked, _ = make(alice, "revoked")
    alice.do("apiKeyRevoke", {"id": revoked["id"]})
    make(alice, "active")
    with tenant.scim(secret) as scim:
        assert scim.get("/Users").status_code == 200
        until(lambda: keys(alice)[-1]["status"] != "ACTIVE")
        assert scim.get("/Users").status_code == 401
    statuses = [(key["displayName"], key["status"]) for key in keys(alice)]
    assert statuses == [("active", "ACTIVE"), ("revoked", "REVOKED"), ("expiring", "EXPIRED")]


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00Z"}, "expiresAt"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_way_to_the_field(alice: Browser, said: Data, path: str) -> None:
    with nothing_happens(alice):
        result = alice.do("apiKeyCreate", {"name": "Okta", "scopes": ["SCIM"]} | said, MADE)
    assert (result["__typename"], result["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert [issue["path"] for issue in result["issues"]] == [[path]]


def test_an_expiry_that_has_just_passed_is_refused(alice: Browser) -> None:
    said = {"name": "Okta", "scopes": ["SCIM"], "expiresAt": in_hours(-1 / 3_600)}
    assert alice.do("apiKeyCreate", said, MADE)["issues"][0]["path"] == ["expiresAt"]


@pytest.mark.parametrize(
    "said",
    [
        {"scopes": ["USERS_DELETE"]},
        {"scopes": ["scim"]},
        {"scopes": [None]},
        {"scopes": None},
        {"name": None},
        {"name": 7},
        {"expiresAt": "tomorrow"},
        {"expiresAt": "2099-01-01"},
        {"expiresAt": "2099-01-01T00:00:00"},
        {"expiresAt": "2099-13-01T00:00:00Z"},
        {"expiresAt": "0001-01-01T00:00:00+23:59"},
        {"expiresAt": 4_070_908_800},
        {"secret": "hc_scim_chosen"},
    ],
)
def test_what_the_schema_does_not_know_is_no_operation(alice: Browser, said: Data) -> None:
    document = "mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { __typename } }"
    with nothing_happens(alice):
        alice.unread(document, input={"name": "Okta", "scopes": ["SCIM"]} | said)


@pytest.mark.parametrize(
    "end", ["2099-01-01T02:00:00+02:00", "2098-12-31t21:30:00.000000-02:30", "2099-01-01 00:00:00Z"]
)
def test_a_moment_may_come_with_any_offset_and_is_answered_in_utc(alice: Browser, end: str) -> None:
    assert make(alice, expiresAt=end)[0]["expiresAt"] == "2099-01-01T00:00:00.000Z"


def test_a_key_outlives_who_made_it(acme: Tenant, alice: Browser) -> None:
    lena = acme.add("Lena", "admin")
    key, secret = make(signed_in(acme, "lena@acme.example"))
    assert alice.do("userDelete", {"id": lena})["__typename"] == "UserDeletePayload"
    with acme.scim(secret) as scim:
        assert scim.get("/Users").status_code == 200
    assert next(each for each in keys(alice) if each["id"] == key["id"])["createdBy"] == "Lena Archer"


@pytest.mark.parametrize("id", ["key_00000000000000000000000000000000", "", "x", "KEY_1", "key_\x00", "usr_1"])
def test_a_key_that_is_not_there_cannot_be_revoked(alice: Browser, id: str) -> None:
    with nothing_happens(alice):
        result = alice.do("apiKeyRevoke", {"id": id}, REVOKED)
    assert (result["__typename"], result["code"]) == ("NotFound", "NOT_FOUND")
