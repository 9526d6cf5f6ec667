"""People that an identity provider may send, and what a SCIM Error looks like."""

import secrets
from typing import Any

import httpx2

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def somebody(**more: Any) -> dict[str, Any]:
    """A new person as Okta sends one, never the same twice."""
    email = f"bob.{secrets.token_hex(6)}@acme.example"
    return {
        "schemas": [CORE],
        "userName": email,
        "name": {"givenName": "Bob", "familyName": "Baker"},
        "emails": [{"primary": True, "value": email, "type": "work"}],
        "displayName": "Bob Baker",
        "locale": "en-US",
        "externalId": f"00u{secrets.token_hex(8)}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        **more,
    }


def created(scim: httpx2.Client, **more: Any) -> dict[str, Any]:
    """A new person, as the server answered."""
    answer = scim.post("/Users", json=somebody(**more))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def patch(scim: httpx2.Client, id: str, *operations: dict[str, Any]) -> httpx2.Response:
    """PATCH with these operations."""
    return scim.patch(f"/Users/{id}", json={"schemas": [PATCH], "Operations": list(operations)})


def found(scim: httpx2.Client, filter: str) -> list[dict[str, Any]]:
    """What a filter finds."""
    answer = scim.get("/Users", params={"filter": filter})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["totalResults"] == len(body["Resources"]) == body["itemsPerPage"]
    resources: list[dict[str, Any]] = body["Resources"]
    return resources


def assert_error(answer: httpx2.Response, status: int, scim_type: str | None = None, *words: str) -> None:
    """The answer is a SCIM Error of this status and type whose detail has these words and the request's id."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    body = answer.json()
    assert body["schemas"] == [ERROR]
    assert body["status"] == str(status)
    assert body.get("scimType") == scim_type, body
    assert answer.headers["x-request-id"] in body["detail"]
    for word in words:
        assert word in body["detail"]
