"""What identity providers send beyond the standard: understood and named, or refused in a workspace that is strict."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scim_facade.tolerances import NEEDED_BY, Tolerance
from tests.graphql_facade.browser import signed_in
from tests.scim_facade.people import ENTERPRISE, PATCH, assert_error, created, somebody
from tests.stage import Server, Tenant

USES: dict[Tolerance, dict[str, Any]] = {
    Tolerance.PATCH_WITHOUT_PATH: {"op": "replace", "value": {"active": False}},
    Tolerance.OPERATION_IN_CAPITALS: {"op": "Replace", "path": "title", "value": "Cook"},
    Tolerance.DOTTED_NAME: {"op": "replace", "value": {"name.givenName": "Bo", f"{ENTERPRISE}:department": "Sales"}},
    Tolerance.TEXT_FOR_BOOLEAN: {"op": "replace", "path": "active", "value": "False"},
    Tolerance.LIST_FOR_ONE_VALUE: {"op": "replace", "path": "active", "value": [False]},
    Tolerance.BARE_VALUE: {"op": "add", "path": f"{ENTERPRISE}:manager", "value": "271"},
    Tolerance.VALUE_WITHOUT_MATCH: {"op": "add", "path": 'emails[type eq "other"].value', "value": "x@acme.example"},
}
LOG = """query ($id: String) { viewer { workspace { provisioning {
    events(first: 1, filter: {requestId: $id}) { nodes { tolerances } }
} } } }"""


@pytest.fixture(scope="module")
def tenant(server: Server) -> Tenant:
    return server.found_another()


@pytest.fixture(scope="module")
def strict(server: Server) -> Iterator[httpx2.Client]:
    """The directory of a workspace that is strict."""
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    assert "settings" in alice.do(
        "provisioningSettingsUpdate",
        {"strictScim": True},
        "... on ProvisioningSettingsUpdatePayload { settings { strictScim } }",
    )
    with tenant.scim() as scim:
        yield scim


def patch(scim: httpx2.Client, operation: dict[str, Any], id: str) -> httpx2.Response:
    return scim.patch(f"/Users/{id}", json={"schemas": [PATCH], "Operations": [operation]})


def used(tenant: Tenant, answer: httpx2.Response) -> list[str]:
    """The tolerances that a request used, as the provisioning log has them."""
    alice = signed_in(tenant, tenant.owner_email)
    for _ in range(100):
        workspace = alice.ask(LOG, id=answer.headers["x-request-id"])["viewer"]["workspace"]
        if nodes := workspace["provisioning"]["events"]["nodes"]:
            names: list[str] = nodes[0]["tolerances"]
            return names
        time.sleep(0.05)
    raise AssertionError("it was not logged")


@pytest.mark.parametrize("tolerance", USES)
def test_a_tolerance_is_granted_and_named_in_the_log(tenant: Tenant, tolerance: Tolerance) -> None:
    with tenant.scim() as scim:
        answer = patch(scim, USES[tolerance], created(scim)["id"])
        assert answer.status_code == 200, answer.text
        assert tolerance in used(tenant, answer)


def plain(scim: httpx2.Client) -> dict[str, Any]:
    """A new person, sent with nothing that no schema has."""
    person = {name: value for name, value in somebody().items() if name != "password"}
    answer = scim.post("/Users", json=person)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize("tolerance", USES)
def test_no_tolerance_is_granted_where_the_workspace_is_strict(strict: httpx2.Client, tolerance: Tolerance) -> None:
    bob = plain(strict)
    scim_type = {"BARE_VALUE": "invalidValue", "TEXT_FOR_BOOLEAN": "invalidValue", "VALUE_WITHOUT_MATCH": "noTarget"}
    refused = patch(strict, USES[tolerance], bob["id"])
    assert_error(refused, 400, scim_type.get(tolerance, "invalidSyntax"), "strict")
    assert strict.get(f"/Users/{bob['id']}").json() == bob


def test_unknown_attributes_are_left_out_or_refused_by_name(tenant: Tenant, strict: httpx2.Client) -> None:
    sent = somebody(favouriteColour="red")
    with tenant.scim() as scim:
        answer = scim.post("/Users", json=sent)
        assert "favouriteColour" not in answer.json()
        assert used(tenant, answer) == ["UNKNOWN_ATTRIBUTE"]
    del sent["password"]
    assert_error(strict.post("/Users", json=sent), 400, "invalidSyntax", "favouriteColour")
    sent["name"]["pet"] = sent.pop("favouriteColour")
    assert_error(strict.post("/Users", json=sent), 400, "invalidSyntax", "name.pet")


def test_what_the_standard_has_is_served_as_ever_where_the_workspace_is_strict(strict: httpx2.Client) -> None:
    bob = plain(strict)
    answer = patch(strict, {"op": "replace", "path": "active", "value": False}, bob["id"])
    assert answer.json()["active"] is False
    group = {"displayName": f"Team {secrets.token_hex(4)}", "members": [{"value": bob["id"]}]}
    assert strict.post("/Groups", json=group).status_code == 201
    assert strict.get("/ServiceProviderConfig").json()["interopProfileConformant"] is True


def test_only_a_strict_workspace_says_that_it_is(tenant: Tenant) -> None:
    with tenant.scim() as scim:
        assert "interopProfileConformant" not in scim.get("/ServiceProviderConfig").json()


def test_every_tolerance_is_documented_with_who_needs_it() -> None:
    assert NEEDED_BY.keys() == set(Tolerance) == {*USES, Tolerance.UNKNOWN_ATTRIBUTE}
    documented = (Path(__file__).parents[2] / "docs" / "entra.md").read_text()
    for tolerance, (who, what) in NEEDED_BY.items():
        assert f"| `{tolerance}` | {who} | {what} |" in documented
