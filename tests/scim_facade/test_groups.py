"""Groups, as identity providers push them; each request is one that a provider sends."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.scim_facade.people import PATCH, assert_error, created, found
from tests.stage import Tenant

CORE = "urn:ietf:params:scim:schemas:core:2.0:Group"
Document = dict[str, Any]


@pytest.fixture
def scim(acme: Tenant) -> Iterator[httpx2.Client]:
    with acme.scim() as client:
        yield client


def pushed(scim: httpx2.Client, *members: Document, **more: Any) -> Document:
    """A new group of these users, as the server answered."""
    body = {"schemas": [CORE], "displayName": f"Team {secrets.token_hex(6)}", "members": refs(*members), **more}
    answer = scim.post("/Groups", json=body)
    assert answer.status_code == 201, answer.text
    document: Document = answer.json()
    assert answer.headers["location"] == document["meta"]["location"]
    return document


def refs(*users: Document) -> list[Document]:
    """Members as Okta writes them."""
    return [{"value": user["id"], "display": user["userName"]} for user in users]


def patch(scim: httpx2.Client, group: Document, *operations: Document, **parameters: str) -> httpx2.Response:
    """PATCH with these operations."""
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return scim.patch(f"/Groups/{group['id']}", json=body, params=parameters)


def read(scim: httpx2.Client, group: Document) -> Document:
    """The group as it is now."""
    answer = scim.get(f"/Groups/{group['id']}")
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


def ids(group: Document) -> set[str]:
    """Who is in a group."""
    return {each["value"] for each in group["members"]}


def test_a_group_is_made_with_its_members_and_says_who_they_are(scim: httpx2.Client) -> None:
    ann, bob = created(scim), created(scim)
    group = pushed(scim, ann, bob, externalId="00g1")
    assert (group["schemas"], group["externalId"], group["meta"]["resourceType"]) == ([CORE], "00g1", "Group")
    assert group["members"] == [
        {"value": each["id"], "$ref": each["meta"]["location"], "display": "Bob Baker", "type": "User"}
        for each in sorted((ann, bob), key=lambda each: str(each["id"]))
    ]
    assert read(scim, group) == group
    link = {"value": group["id"], "$ref": group["meta"]["location"], "display": group["displayName"], "type": "direct"}
    assert scim.get(f"/Users/{ann['id']}").json()["groups"] == [link]
    assert found(scim, f'groups eq "{group["id"]}" and userName eq "{ann["userName"]}"')[0]["groups"] == [link]


def test_an_empty_group_says_that_nobody_is_in_it(scim: httpx2.Client) -> None:
    group = pushed(scim)
    assert group["members"] == []
    assert "members" not in scim.get(f"/Groups/{group['id']}", params={"excludedAttributes": "members"}).json()
    assert scim.get(f"/Groups/{group['id']}", params={"attributes": "displayName"}).json().keys() == {
        "schemas",
        "id",
        "displayName",
    }


def test_names_of_groups_are_unique_whatever_their_case(scim: httpx2.Client) -> None:
    group = pushed(scim)
    again = scim.post("/Groups", json={"displayName": group["displayName"].upper()})
    assert_error(again, 409, "uniqueness", "displayName")
    other = pushed(scim)
    renamed = patch(scim, other, {"op": "replace", "value": {"displayName": group["displayName"]}})
    assert_error(renamed, 409, "uniqueness", "displayName")
    assert read(scim, other) == other
    for name in (group["displayName"], group["displayName"].swapcase()):
        answer = scim.get("/Groups", params={"filter": f'displayName eq "{name}"', "startIndex": 1, "count": 100})
        assert answer.json()["Resources"] == [group]


def test_okta_renames_a_group_and_echoes_its_id(scim: httpx2.Client) -> None:
    bob = created(scim)
    group = pushed(scim, bob)
    rename = {"op": "replace", "value": {"id": group["id"], "displayName": "Renamed " + group["displayName"]}}
    assert patch(scim, group, rename).status_code == 204
    now = read(scim, group)
    assert now["displayName"] == "Renamed " + group["displayName"]
    assert ids(now) == {bob["id"]}
    other = patch(scim, group, {"op": "replace", "value": {"id": "grp_other", "displayName": "x"}})
    assert_error(other, 400, "mutability", "id")
    assert read(scim, group) == now


def test_okta_takes_one_out_and_puts_one_in(scim: httpx2.Client) -> None:
    ann, bob, cat = created(scim), created(scim), created(scim)
    group = pushed(scim, ann, bob)
    out = {"op": "remove", "path": f'members[value eq "{ann["id"]}"]'}
    into = {"op": "add", "path": "members", "value": refs(cat)}
    assert patch(scim, group, out, into).status_code == 204
    assert ids(read(scim, group)) == {bob["id"], cat["id"]}


def test_okta_pushes_the_whole_list(scim: httpx2.Client) -> None:
    ann, bob, cat = created(scim), created(scim), created(scim)
    group = pushed(scim, ann, bob)
    whole = {"op": "replace", "path": "members", "value": refs(bob, cat)}
    answer = patch(scim, group, whole, attributes="members")
    assert answer.status_code == 200
    assert ids(answer.json()) == {bob["id"], cat["id"]}
    put = scim.put(f"/Groups/{group['id']}", json=group | {"members": refs(ann)})
    assert put.status_code == 200
    assert ids(put.json()) == {ann["id"]} == ids(read(scim, group))


def test_a_put_that_does_not_speak_of_members_leaves_them(scim: httpx2.Client) -> None:
    ann = created(scim)
    group = pushed(scim, ann)
    for said, expected in (({}, {ann["id"]}), ({"members": []}, set()), ({"members": None}, set())):
        answer = scim.put(f"/Groups/{group['id']}", json={"displayName": group["displayName"], **said})
        assert ids(answer.json()) == expected, said


def test_entra_adds_and_removes_by_value(scim: httpx2.Client) -> None:
    ann, bob, cat = created(scim), created(scim), created(scim)
    urn = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
    group = pushed(scim, schemas=[CORE, urn], members=[])
    assert urn not in group["schemas"]
    for users in ((ann,), (ann,), (bob, cat)):
        values = [{"$ref": None, "value": each["id"]} for each in users]
        assert patch(scim, group, {"op": "Add", "path": "members", "value": values}).status_code == 204
    assert ids(read(scim, group)) == {ann["id"], bob["id"], cat["id"]}
    gone = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": ann["id"]}]}
    assert patch(scim, group, gone).status_code == 204
    assert ids(read(scim, group)) == {bob["id"], cat["id"]}
    assert patch(scim, group, {"op": "Remove", "path": "members"}).status_code == 204
    assert read(scim, group)["members"] == []


def test_entra_asks_whether_somebody_is_in_a_group(scim: httpx2.Client) -> None:
    ann, bob = created(scim), created(scim)
    group = pushed(scim, ann)
    for text, expected in (
        (f'id eq "{group["id"]}" and members eq "{ann["id"]}"', 1),
        (f'id eq "{group["id"]}" and members[value eq "{ann["id"]}"]', 1),
        (f'id eq "{group["id"]}" and members.value eq "{bob["id"]}"', 0),
        (f'id eq "{group["id"]}" and not (members eq "{bob["id"]}")', 1),
    ):
        answer = scim.get("/Groups", params={"filter": text, "excludedAttributes": "members"})
        assert answer.json()["totalResults"] == expected, text
        assert all("members" not in each for each in answer.json()["Resources"])
    assert_error(scim.get("/Groups", params={"filter": "members pr"}), 400, "invalidFilter", "members")


def test_what_changes_nothing_leaves_the_version(scim: httpx2.Client) -> None:
    ann, bob = created(scim), created(scim)
    group = pushed(scim, ann)
    for operation in (
        {"op": "add", "path": "members", "value": refs(ann)},
        {"op": "remove", "path": f'members[value eq "{bob["id"]}"]'},
        {"op": "remove", "path": "members", "value": refs(bob)},
        {"op": "replace", "path": "members", "value": refs(ann)},
        {"op": "replace", "value": {"displayName": group["displayName"]}},
    ):
        assert patch(scim, group, operation).status_code == 204
        assert read(scim, group) == group, operation
    assert patch(scim, group).status_code == 204


def test_operations_take_effect_in_their_order_or_none_does(scim: httpx2.Client) -> None:
    ann, bob, cat = created(scim), created(scim), created(scim)
    group = pushed(scim, ann)
    operations: list[Document] = [
        {"op": "add", "path": "members", "value": refs(bob)},
        {"op": "replace", "value": {"members": refs(cat), "displayName": "New " + group["displayName"]}},
        {"op": "add", "value": {"members": refs(ann)}},
        {"op": "remove", "path": f'members[value eq "{cat["id"]}" or value eq "{bob["id"]}"]'},
    ]
    stranger = {"op": "add", "path": "members", "value": [{"value": "usr_stranger"}]}
    assert_error(patch(scim, group, *operations, stranger), 400, "invalidValue", "members", "usr_stranger")
    assert read(scim, group) == group
    assert patch(scim, group, *operations).status_code == 204
    now = read(scim, group)
    assert (now["displayName"], ids(now)) == ("New " + group["displayName"], {ann["id"]})
    assert now["meta"]["version"] == 'W/"2"'


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "grp_x", "type": "Group"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [{"display": "nobody"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": 5}, "invalidValue"),
        ({"op": "replace", "path": 'members[value eq "x"]', "value": refs()}, "invalidPath"),
        ({"op": "remove", "path": 'members[display eq "x"]'}, "invalidPath"),
        ({"op": "replace", "path": "members.value", "value": "x"}, "mutability"),
        ({"op": "remove", "path": "membership"}, "invalidPath"),
        ({"op": "remove", "path": "displayName"}, "mutability"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "value": {"displayName": ""}}, "invalidValue"),
        ({"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"}, "mutability"),
    ],
)
def test_what_cannot_be_done_to_a_group_is_refused_by_name(
    scim: httpx2.Client, operation: Document, scim_type: str
) -> None:
    group = pushed(scim, created(scim))
    assert_error(patch(scim, group, operation), 400, scim_type)
    assert read(scim, group) == group


def test_who_is_deleted_is_in_no_group_and_who_is_deactivated_stays(scim: httpx2.Client) -> None:
    ann, bob = created(scim), created(scim)
    group = pushed(scim, ann, bob)
    assert scim.delete(f"/Users/{ann['id']}").status_code == 204
    off = {"Operations": [{"op": "replace", "value": {"active": False}}]}
    assert scim.patch(f"/Users/{bob['id']}", json=off).json()["groups"][0]["value"] == group["id"]
    assert ids(read(scim, group)) == {bob["id"]}
    assert scim.delete(f"/Groups/{group['id']}").status_code == 204
    assert_error(scim.get(f"/Groups/{group['id']}"), 404)
    assert_error(scim.delete(f"/Groups/{group['id']}"), 404)
    assert "groups" not in scim.get(f"/Users/{bob['id']}").json()
    assert pushed(scim, displayName=group["displayName"])["id"] != group["id"]


def test_a_stranger_s_people_and_groups_are_as_good_as_none(scim: httpx2.Client, globex: Tenant) -> None:
    with globex.scim() as other:
        theirs, their_group = other.get("/Users").json()["Resources"][0], pushed(other)
        group = pushed(scim)
        add = {"op": "add", "path": "members", "value": refs(theirs)}
        known = patch(scim, group, add)
        unknown = patch(scim, group, {"op": "add", "path": "members", "value": [{"value": "usr_" + "0" * 32}]})
        assert_error(known, 400, "invalidValue", theirs["id"])
        assert (
            known.json()["detail"].replace(theirs["id"], "x").partition(" (")[0]
            == unknown.json()["detail"].replace("usr_" + "0" * 32, "x").partition(" (")[0]
        )
        assert_error(scim.get(f"/Groups/{their_group['id']}"), 404)
        assert_error(patch(scim, their_group, {"op": "replace", "value": {"displayName": "Mine"}}), 404)
        assert scim.get("/Groups", params={"filter": f'id eq "{their_group["id"]}"'}).json()["totalResults"] == 0


def test_two_who_patch_one_group_at_once_both_prevail(scim: httpx2.Client, acme: Tenant) -> None:
    people = [created(scim) for _ in range(12)]
    group = pushed(scim, *people[:4])
    operations = [{"op": "add", "path": "members", "value": refs(each)} for each in people[4:]] + [
        {"op": "remove", "path": f'members[value eq "{each["id"]}"]'} for each in people[:4]
    ]

    def sent(operation: Document) -> int:
        with acme.scim() as client:
            return patch(client, group, operation).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(sent, operations)) == {204}
    assert ids(read(scim, group)) == {each["id"] for each in people[4:]}


def test_preconditions_hold_for_groups_as_for_users(scim: httpx2.Client) -> None:
    group = pushed(scim)
    stale = {"If-Match": 'W/"7"'}
    body = {"Operations": [{"op": "replace", "value": {"displayName": "Mine"}}]}
    assert_error(scim.patch(f"/Groups/{group['id']}", json=body, headers=stale), 412)
    assert_error(scim.put(f"/Groups/{group['id']}", json={"displayName": "Mine"}, headers=stale), 412)
    assert_error(scim.delete(f"/Groups/{group['id']}", headers=stale), 412)
    unchanged = scim.get(f"/Groups/{group['id']}", headers={"If-None-Match": group["meta"]["version"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_bulk_makes_people_and_puts_them_into_a_group(scim: httpx2.Client) -> None:
    name = f"Team {secrets.token_hex(6)}"
    user = {"userName": f"bulk.{secrets.token_hex(6)}@acme.example"}
    operations = [
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "g",
            "data": {"displayName": name, "members": [{"value": "bulkId:u"}]},
        },
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": user},
        {"method": "POST", "path": "/Users", "bulkId": "v", "data": user | {"userName": "2" + user["userName"]}},
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g",
            "data": {"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:v"}]}]},
        },
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g",
            "data": {"Operations": [{"op": "remove", "path": 'members[value eq "bulkId:u"]'}]},
        },
    ]
    answer = scim.post("/Bulk", json={"Operations": operations})
    results = answer.json()["Operations"]
    assert [each["status"] for each in results] == ["201", "201", "201", "204", "204"], results
    group = scim.get("/Groups", params={"filter": f'displayName eq "{name}"'}).json()["Resources"][0]
    assert ids(group) == {results[2]["location"].rpartition("/")[2]}
