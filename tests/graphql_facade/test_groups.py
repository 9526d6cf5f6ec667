"""Groups as the settings pages show them, and the role that an admin maps one to."""

import secrets
from typing import Any

import pytest

from tests.graphql_facade.browser import Browser, nothing_happens
from tests.scim_facade.people import created
from tests.stage import Tenant

GROUP = "id displayName externalId role members(first: 10) { totalCount nodes { id role } }"
MAPPED = f"... on GroupRoleSetPayload {{ group {{ {GROUP} }} }}"


@pytest.fixture
def pushed(acme: Tenant) -> dict[str, Any]:
    """A group that the directory has pushed, with two members."""
    with acme.scim() as scim:
        members = [{"value": created(scim)["id"]} for _ in range(2)]
        body = {"displayName": f"Team {secrets.token_hex(4)}", "externalId": "00g", "members": members}
        group: dict[str, Any] = scim.post("/Groups", json=body).json()
        return group


def listed(browser: Browser, query: str) -> list[dict[str, Any]]:
    """The groups whose name has this in it."""
    found = f"groups(first: 5, query: $q) {{ nodes {{ {GROUP} }} }}"
    document = f"query ($q: String) {{ viewer {{ workspace {{ {found} }} }} }}"
    groups: list[dict[str, Any]] = browser.ask(document, q=query)["viewer"]["workspace"]["groups"]["nodes"]
    return groups


def test_a_pushed_group_is_found_with_its_members(alice: Browser, pushed: dict[str, Any]) -> None:
    (group,) = listed(alice, pushed["displayName"].upper()[2:])
    assert (group["id"], group["displayName"], group["externalId"]) == (pushed["id"], pushed["displayName"], "00g")
    assert group["role"] is None
    assert {each["id"] for each in group["members"]["nodes"]} == {each["value"] for each in pushed["members"]}
    assert group["members"]["totalCount"] == 2


def test_a_person_is_shown_with_their_groups(alice: Browser, acme: Tenant, pushed: dict[str, Any]) -> None:
    (member, *_) = (each["value"] for each in pushed["members"])
    with acme.scim() as scim:
        second = scim.post("/Groups", json={"displayName": "A second", "members": [{"value": member}]}).json()
    document = """{ viewer { workspace { users(first: 100, orderBy: CREATED_DESC) { nodes {
        id groups { id displayName role }
    } } } } }"""
    people = alice.ask(document)["viewer"]["workspace"]["users"]["nodes"]
    groups = {person["id"]: {each["id"] for each in person["groups"]} for person in people}
    assert groups[member] == {pushed["id"], second["id"]}
    assert set().union(*groups.values()) >= {pushed["id"], second["id"]}
    assert any(not theirs for theirs in groups.values())


def test_an_admin_maps_a_group_to_a_role_and_its_members_have_it(alice: Browser, pushed: dict[str, Any]) -> None:
    for role in ("ADMIN", None):
        group = alice.do("groupRoleSet", {"id": pushed["id"], "role": role}, MAPPED)["group"]
        assert group["role"] == role
        assert {each["role"] for each in group["members"]["nodes"]} == {role or "MEMBER"}


def test_a_group_stands_for_no_owner(alice: Browser, pushed: dict[str, Any]) -> None:
    with nothing_happens(alice):
        result = alice.do("groupRoleSet", {"id": pushed["id"], "role": "OWNER"}, MAPPED)
    assert (result["code"], result["issues"][0]["path"]) == ("INVALID_INPUT", ["role"])
