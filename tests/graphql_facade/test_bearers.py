"""Asking with an API key in place of a session."""

import pytest

from tests.graphql_facade.browser import Browser, Data, browser, nothing_happens, signed_in
from tests.scim_facade.people import created
from tests.stage import Server, Tenant

WHO = """{ viewer { user { id } session { id } permissions workspace {
    subdomain users(first: 1) { totalCount }
} } }"""
MADE = "... on ApiKeyCreatePayload { secret apiKey { id status ownerId rotatedToId expiresAt scopes displayName } }"
OWN = "{ viewer { apiKeys(first: 10) { totalCount nodes { id status ownerId lastUsedAt lastUsedClient } } } }"


def holder(tenant: Tenant, secret: str) -> Browser:
    """A program that shows a key, and no cookie."""
    program = browser(tenant)
    program.client.headers["Authorization"] = f"Bearer {secret}"
    program.client.headers["User-Agent"] = "a script"
    return program


def make(by: Browser, mutation: str, *scopes: str, **more: object) -> tuple[Data, str]:
    """A new key and its secret."""
    made = by.do(mutation, {"name": "A script", "scopes": list(scopes), **more}, MADE)
    assert made["__typename"] == "ApiKeyCreatePayload", made
    return made["apiKey"], made["secret"]


def test_a_key_of_the_workspace_reads_what_its_scope_says(acme: Tenant, alice: Browser) -> None:
    _, secret = make(alice, "apiKeyCreate", "USERS_READ")
    program = holder(acme, secret)
    viewer = program.ask(WHO)["viewer"]
    assert (viewer["user"], viewer["session"]) == (None, None)
    assert set(viewer["permissions"]) == {"WORKSPACE_READ", "USERS_READ", "GROUPS_READ", "API_KEYS_USE"}
    assert viewer["workspace"]["subdomain"] == "acme"
    assert viewer["workspace"]["users"]["totalCount"] > 2
    with nothing_happens(alice):
        refused = program.do("userCreate", {"email": "x@acme.example"})
        assert (refused["code"], refused["requires"]) == ("FORBIDDEN", "USERS_WRITE")
        assert program.error("{ viewer { workspace { auditEvents(first: 1) { totalCount } } } }")["extensions"] == {
            "code": "FORBIDDEN",
            "requires": "AUDIT_READ",
        }


def test_a_key_that_writes_acts_in_its_own_name_and_makes_no_owner(acme: Tenant, alice: Browser) -> None:
    key, secret = make(alice, "apiKeyCreate", "USERS_WRITE")
    program = holder(acme, secret)
    id_ = program.new_person()["id"]
    (event,) = alice.events(targetId=id_)
    assert (event["actor"]["kind"], event["actor"]["id"], event["channel"]) == ("API_KEY", key["id"], "API")
    with acme.scim() as scim:
        managed = created(scim)["id"]
    with nothing_happens(alice):
        assert program.do("userUpdate", {"id": id_, "role": "OWNER"})["code"] == "OWNER_PROTECTED"
        assert program.do("userUpdate", {"id": managed, "title": "Chief"})["code"] == "DIRECTORY_MANAGED"
        assert program.do("apiKeyCreate", {"name": "x", "scopes": ["SCIM"]})["code"] == "FORBIDDEN"
        assert program.do("personalKeyCreate", {"name": "x", "scopes": ["USERS_READ"]})["code"] == "FORBIDDEN"


def test_a_key_of_one_s_own_acts_as_its_maker_until_their_access_ends(acme: Tenant, alice: Browser) -> None:
    kim = acme.add("Kim", "member")
    hers = signed_in(acme, "kim@acme.example")
    with nothing_happens(alice):
        refused = hers.do("personalKeyCreate", {"name": "x", "scopes": ["USERS_WRITE"]})
        assert (refused["code"], refused["requires"]) == ("FORBIDDEN", "USERS_WRITE")
        assert hers.do("personalKeyCreate", {"name": "x", "scopes": ["SCIM"]})["issues"][0]["path"] == ["scopes"]
    key, secret = make(hers, "personalKeyCreate", "USERS_READ")
    program = holder(acme, secret)
    assert program.ask(WHO)["viewer"]["user"] == {"id": kim}
    listed = hers.ask(OWN)["viewer"]["apiKeys"]
    assert (listed["totalCount"], listed["nodes"][0]["id"], listed["nodes"][0]["ownerId"]) == (1, key["id"], kim)
    alice.do("userDeactivate", {"id": kim})
    assert program.post(WHO).status_code == 401
    (change,) = [each for each in alice.events(targetId=kim)[0]["changes"] if each["field"] == "personalKeys"]
    assert (change["before"], change["after"]) == ("1", "0")
    alice.do("userReactivate", {"id": kim})
    assert program.post(WHO).status_code == 401


def test_a_key_goes_before_the_session_of_the_same_request(acme: Tenant, alice: Browser) -> None:
    _, secret = make(alice, "apiKeyCreate", "USERS_READ")
    assert alice.post(WHO, Authorization=f"Bearer {secret}").json()["data"]["viewer"]["user"] is None
    refused = alice.post("mutation { signOut { __typename } }", Authorization=f"Bearer {secret}")
    assert refused.json()["data"]["signOut"]["__typename"] == "Unauthenticated"
    assert alice.ask(WHO)["viewer"]["user"]


def test_a_key_that_opens_another_door_is_told_so(acme: Tenant, alice: Browser, server: Server) -> None:
    _, reading = make(alice, "apiKeyCreate", "USERS_READ")
    answer = holder(acme, acme.key).post(WHO)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="headcount", error="invalid_token"'
    assert "USERS_READ or USERS_WRITE" in answer.json()["errors"][0]["message"]
    with acme.scim(reading) as scim:
        assert scim.get("/Users").status_code == 403
    _, both = make(alice, "apiKeyCreate", "SCIM", "USERS_READ")
    assert holder(acme, both).ask(WHO)["viewer"]["workspace"]
    with acme.scim(both) as scim:
        assert scim.get("/Users").status_code == 200
    elsewhere = holder(server.found("initrode", "Carl"), both)
    assert elsewhere.post(WHO).status_code == 401


@pytest.mark.parametrize("overlap", ["NONE", "DAY"])
def test_a_key_is_replaced_while_both_are_good_or_at_once(acme: Tenant, alice: Browser, overlap: str) -> None:
    old, first = make(alice, "apiKeyCreate", "USERS_READ")
    made = alice.do("apiKeyRotate", {"id": old["id"], "overlap": overlap}, MADE)
    assert holder(acme, made["secret"]).ask(WHO)
    assert holder(acme, first).post(WHO).status_code == (401 if overlap == "NONE" else 200)
    then = alice.node(old["id"], "... on ApiKey { status rotatedToId }")
    assert then is not None
    assert (then["status"], then["rotatedToId"]) == (
        "REVOKED" if overlap == "NONE" else "ROTATING",
        made["apiKey"]["id"],
    )
    with nothing_happens(alice):
        again = alice.do("apiKeyRotate", {"id": old["id"]})
        assert (again["code"], again["issues"][0]["path"]) == ("INVALID_INPUT", ["id"])


def test_one_s_own_key_is_replaced_and_ended_by_oneself(acme: Tenant, alice: Browser, bob: Browser) -> None:
    key, _ = make(bob, "personalKeyCreate", "USERS_READ")
    with nothing_happens(alice):
        assert alice.do("personalKeyRotate", {"id": key["id"]})["code"] == "NOT_FOUND"
        assert alice.do("apiKeyRotate", {"id": key["id"]})["code"] == "NOT_FOUND"
    made = bob.do("personalKeyRotate", {"id": key["id"]}, MADE)
    program = holder(acme, made["secret"])
    assert program.ask(WHO)["viewer"]["user"]
    assert bob.do("personalKeyRevoke", {"id": made["apiKey"]["id"]})["__typename"] == "ApiKeyRevokePayload"
    assert program.post(WHO).status_code == 401


def test_a_request_that_is_repeated_shows_no_secret_again(alice: Browser) -> None:
    said = {"name": "Okta", "scopes": ["SCIM"], "idempotencyKey": "9b2c1b0e"}
    first = alice.do("apiKeyCreate", said, MADE)
    with nothing_happens(alice):
        second = alice.do("apiKeyCreate", said, MADE)
        assert (second["apiKey"], second["secret"]) == (first["apiKey"], None)
        other = alice.do("apiKeyCreate", {**said, "name": "Entra"}, MADE)
        assert (other["code"], other["path"]) == ("CONFLICT", ["idempotencyKey"])
    assert first["secret"]
