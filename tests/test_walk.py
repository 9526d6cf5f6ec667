"""The walk that must always work: from a workspace without SCIM to a person who comes, changes, goes and comes back.

Everything goes over HTTP to a running server, but for support's flag, which is set on the command line.
"""

import time
from typing import Any

import httpx2
import pytest

from tests.scim_facade.people import assert_error, patch, somebody
from tests.stage import PASSWORD, Server, Tenant


class SettingsPages:
    """What the product's settings pages do: GraphQL, signed in with a cookie."""

    def __init__(self, tenant: Tenant) -> None:
        self._client = tenant.server.client(tenant.server.host(tenant.subdomain))

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must go well."""
        answer = self._client.post("/graphql", json={"query": document, "variables": variables})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    def sign_in(self, email: str, password: str) -> str:
        """Sign in; the name of the result's type."""
        document = """mutation ($email: String!, $password: String!) {
            signIn(input: {email: $email, password: $password}) { __typename }
        }"""
        result: str = self.ask(document, email=email, password=password)["signIn"]["__typename"]
        return result

    def create_key(self, name: str) -> str:
        """Create a SCIM key; its secret."""
        document = """mutation ($name: String!) {
            apiKeyCreate(input: {name: $name, scopes: [SCIM]}) { ... on ApiKeyCreatePayload { secret } }
        }"""
        secret: str = self.ask(document, name=name)["apiKeyCreate"]["secret"]
        return secret

    def person(self, user_name: str) -> dict[str, Any]:
        """A person as the people page shows them."""
        document = """query ($query: String!) { viewer { workspace {
            users(first: 10, filter: {query: $query}) {
                totalCount
                nodes { id userName displayName givenName email status statusReason managedBy role }
            }
        } } }"""
        found = self.ask(document, query=user_name)["viewer"]["workspace"]["users"]
        assert found["totalCount"] == 1, found
        person: dict[str, Any] = found["nodes"][0]
        return person

    def audit(self) -> list[str]:
        """The actions of the audit log, the newest first."""
        document = "{ viewer { workspace { auditEvents(first: 50) { nodes { action } } } } }"
        nodes = self.ask(document)["viewer"]["workspace"]["auditEvents"]["nodes"]
        return [node["action"] for node in nodes]


def test_the_whole_story(server: Server) -> None:
    tenant = server.found("walk", "Alice", provisioning=False)

    # Support turns the flag on; the owner signs in and creates the key.
    server.cli("flag", "set", "walk", "scim_provisioning", "on", "--reason", "bought Enterprise")
    pages = SettingsPages(tenant)
    assert pages.sign_in(tenant.owner_email, "not the password at all") == "InvalidCredentials"
    assert pages.sign_in(tenant.owner_email, PASSWORD) == "SignInPayload"
    scim = tenant.scim(pages.create_key("Okta SCIM Integration"))

    # Okta tests the connection.
    assert scim.get("/Users", params={"startIndex": 1, "count": 2}).json()["totalResults"] == 1

    # Assign: look up, create.
    bob = somebody()
    lookup = {"filter": f'userName eq "{bob["userName"]}"', "startIndex": "1", "count": "100"}
    assert scim.get("/Users", params=lookup).json()["totalResults"] == 0
    created = scim.post("/Users", json=bob)
    assert created.status_code == 201
    id_ = created.json()["id"]
    shown = pages.person(bob["userName"])
    assert shown == {
        "id": id_,
        "userName": bob["userName"],
        "displayName": "Bob Baker",
        "givenName": "Bob",
        "email": bob["userName"],
        "status": "ACTIVE",
        "statusReason": None,
        "managedBy": "DIRECTORY",
        "role": "MEMBER",
    }
    assert pages.audit()[0] == "USER_CREATED"

    # Rename, and a new e-mail address, the way Okta does: read, merge, put.
    document = scim.get(f"/Users/{id_}").json()
    document |= {"name": {"givenName": "Robert", "familyName": "Baker"}, "displayName": "Robert Baker"}
    assert scim.put(f"/Users/{id_}", json=document).status_code == 200
    assert pages.person(bob["userName"])["displayName"] == "Robert Baker"
    document["emails"] = [{"value": "robert@acme.example", "type": "work", "primary": True}]
    assert scim.put(f"/Users/{id_}", json=document).status_code == 200
    assert pages.person(bob["userName"])["email"] == "robert@acme.example"
    assert pages.audit()[:2] == ["USER_UPDATED", "USER_UPDATED"]

    # Unassign.
    assert patch(scim, id_, {"op": "replace", "value": {"active": False}}).json()["active"] is False
    gone = pages.person(bob["userName"])
    assert (gone["status"], gone["statusReason"]) == ("INACTIVE", "DEACTIVATED_BY_DIRECTORY")
    assert pages.audit()[0] == "USER_DEACTIVATED"

    # Reassign: the same person.
    assert scim.get("/Users", params=lookup).json()["Resources"][0]["id"] == id_
    assert patch(scim, id_, {"op": "replace", "value": {"active": True}}).json()["active"] is True
    assert pages.person(bob["userName"])["status"] == "ACTIVE"
    assert pages.audit()[0] == "USER_REACTIVATED"

    # The flag off: 403. On again: it goes on where it stopped.
    server.cli("flag", "set", "walk", "scim_provisioning", "off", "--reason", "unpaid")
    assert_error(scim.get(f"/Users/{id_}"), 403, None, "support")
    server.cli("flag", "set", "walk", "scim_provisioning", "on", "--reason", "paid")
    assert scim.get(f"/Users/{id_}").json()["id"] == id_
    assert pages.audit()[:2] == ["FLAG_SET", "FLAG_SET"]


@pytest.mark.parametrize("turn_off", ["scim", "graphql"])
def test_a_deactivated_person_is_out_from_the_moment_it_is_acknowledged(server: Server, turn_off: str) -> None:
    """Ann is an admin with a session and a key of the workspace that she made: her session ends, the key goes on."""
    tenant = server.found_another()
    alice = SettingsPages(tenant)
    alice.sign_in(tenant.owner_email, PASSWORD)
    ann_email = f"ann@{tenant.subdomain}.example"
    ann_id = tenant.add("Ann", "admin")
    ann = SettingsPages(tenant)
    assert ann.sign_in(ann_email, PASSWORD) == "SignInPayload"
    key = ann.create_key("Ann made this")
    viewer = tenant.server.client(tenant.server.host(tenant.subdomain))
    viewer.cookies = ann._client.cookies
    if turn_off == "scim":
        assert patch(tenant.scim(), ann_id, {"op": "replace", "value": {"active": False}}).status_code == 200
    else:
        document = "mutation ($id: ID!) { userDeactivate(input: {id: $id}) { __typename } }"
        assert alice.ask(document, id=ann_id)["userDeactivate"]["__typename"] == "UserUpdatePayload"
    begun = time.monotonic()
    answer: httpx2.Response = viewer.post("/graphql", json={"query": "{ viewer { user { id } } }"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert time.monotonic() - begun < 5
    assert SettingsPages(tenant).sign_in(ann_email, PASSWORD) == "InvalidCredentials"
    assert tenant.scim(key).get("/Users").status_code == 200
