"""What an identity provider does with people, over HTTP."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.scim_facade.people import CORE, ENTERPRISE, assert_error, created, found, patch, somebody
from tests.stage import Server, Tenant


@pytest.fixture
def scim(acme: Tenant) -> httpx2.Client:
    return acme.scim()


def test_creating_answers_with_the_whole_person_and_where_they_are(scim: httpx2.Client) -> None:
    sent = somebody()
    answer = scim.post("/Users", json=sent)
    assert answer.status_code == 201
    body = answer.json()
    for name in ("userName", "name", "emails", "displayName", "locale", "externalId", "active"):
        assert body[name] == sent[name]
    assert body["schemas"] == [CORE]
    assert body["meta"]["resourceType"] == "User"
    assert answer.headers["location"] == body["meta"]["location"]
    assert answer.headers["location"].startswith("http://acme.api.localhost:")
    assert answer.headers["etag"] == body["meta"]["version"]
    assert scim.get(f"/Users/{body['id']}").json() == body


def test_a_password_and_groups_are_taken_and_forgotten(scim: httpx2.Client) -> None:
    body = created(scim)
    assert "password" not in body
    assert "groups" not in body
    assert "1mz050nq" not in scim.get(f"/Users/{body['id']}").text


def test_everything_that_scim_can_say_about_a_person_comes_back(scim: httpx2.Client) -> None:
    sent = somebody(
        name={
            "formatted": "Dr Bob B. Baker III",
            "givenName": "Bob",
            "familyName": "Baker",
            "middleName": "B.",
            "honorificPrefix": "Dr",
            "honorificSuffix": "III",
        },
        nickName="Bobby",
        profileUrl="https://people.example/bob",
        title="Baker",
        userType="Employee",
        preferredLanguage="en-US",
        timezone="Europe/Berlin",
        phoneNumbers=[{"value": "+49 (0)30 901820", "type": "work", "primary": True}, {"value": "555", "type": "home"}],
        ims=[{"value": "bob", "type": "xmpp", "display": "Bob"}],
        photos=[{"value": "https://photos.example/bob.png", "type": "photo"}],
        addresses=[{"formatted": "1 Oven St\nBerlin", "locality": "Berlin", "country": "DE", "type": "work"}],
        entitlements=[{"value": "bread"}],
        roles=[{"value": "baker", "primary": True}],
        x509Certificates=[{"value": "MIIDQzCC"}],
    )
    enterprise = {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Bakers",
        "division": "Bread",
        "department": "Rolls",
        "manager": {"value": "26118915", "$ref": "../Users/26118915", "displayName": "Ann"},
    }
    sent |= {"schemas": [CORE, ENTERPRISE], ENTERPRISE: enterprise}
    body = scim.post("/Users", json=sent).json()
    assert {name: body[name] for name in sent if name not in ("groups", "password")} == {
        name: value for name, value in sent.items() if name not in ("groups", "password")
    }


def test_names_of_attributes_are_read_in_any_case(scim: httpx2.Client) -> None:
    sent = somebody()
    sent["USERNAME"] = sent.pop("userName")
    sent["Name"] = {"GIVENNAME": "Bob", "familyname": "Baker"}
    del sent["name"]
    body = scim.post("/Users", json=sent).json()
    assert body["userName"] == sent["USERNAME"]
    assert body["name"] == {"givenName": "Bob", "familyName": "Baker"}


@pytest.mark.parametrize(
    "change", [str, str.upper, lambda name: name.replace("b", "\uff42"), lambda name: name + "\u200b"]
)
def test_a_taken_user_name_is_a_conflict_however_it_is_written(scim: httpx2.Client, change: Any) -> None:
    first = created(scim)
    again = scim.post("/Users", json=somebody(userName=change(first["userName"]), emails=[]))
    assert_error(again, 409, "uniqueness", "userName")
    assert scim.get(f"/Users/{first['id']}").json() == first


def test_a_user_name_that_is_the_address_of_another_is_a_conflict(scim: httpx2.Client) -> None:
    first = created(scim, userName=somebody()["userName"])
    other_address = first["emails"][0]["value"]
    assert_error(scim.post("/Users", json=somebody(userName=other_address)), 409, "uniqueness", "e-mail address")


def test_of_twenty_racers_for_one_user_name_one_wins(acme: Tenant) -> None:
    sent = somebody()

    async def race() -> list[int]:
        options = acme.scim()
        async with httpx2.AsyncClient(base_url=options.base_url, headers=options.headers, timeout=30) as client:
            answers = await asyncio.gather(*(client.post("/Users", json=sent) for _ in range(20)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(race()) == [201] + [409] * 19
    assert len(found(acme.scim(), f'userName eq "{sent["userName"]}"')) == 1


def test_a_client_s_id_and_meta_and_a_role_grant_nothing(scim: httpx2.Client, acme: Tenant) -> None:
    alice = found(scim, f'userName eq "{acme.owner_email}"')[0]
    body = created(scim, id=alice["id"], externalId=alice["id"], meta={"version": "x"}, roles=[{"value": "OWNER"}])
    assert body["id"] != alice["id"]
    assert body["roles"] == [{"value": "OWNER"}]
    listed = acme.server.cli("user", "list", acme.subdomain).stdout
    line = next(line for line in listed.splitlines() if body["id"] in line)
    assert " member " in line
    assert " owner " not in line


def test_put_replaces_the_person_and_keeps_what_it_may_not_change(scim: httpx2.Client) -> None:
    before = created(scim, title="Baker")
    wanted = {**before, "id": "another", "meta": {"created": "1970"}, "groups": [], "displayName": "Robert"}
    del wanted["title"]
    after = scim.put(f"/Users/{before['id']}", json=wanted).json()
    assert after["id"] == before["id"]
    assert after["meta"]["created"] == before["meta"]["created"]
    assert after["displayName"] == "Robert"
    assert "title" not in after


@pytest.mark.parametrize("active", [True, False])
def test_put_without_active_neither_suspends_nor_revives(scim: httpx2.Client, active: bool) -> None:
    before = created(scim, active=active)
    wanted = {name: value for name, value in before.items() if name != "active"}
    assert scim.put(f"/Users/{before['id']}", json={**wanted, "nickName": "Bo"}).json()["active"] is active


@pytest.mark.parametrize("empty", ["", None, []])
def test_an_empty_value_clears(scim: httpx2.Client, empty: object) -> None:
    before = created(scim, title="Baker", phoneNumbers=[{"value": "1"}])
    after = scim.put(f"/Users/{before['id']}", json={**before, "title": empty, "phoneNumbers": empty}).json()
    assert "title" not in after
    assert "phoneNumbers" not in after


def test_a_put_that_changes_nothing_touches_neither_version_nor_time(scim: httpx2.Client) -> None:
    before = created(scim)
    assert scim.put(f"/Users/{before['id']}", json=before).json() == before


def test_a_deactivated_person_is_still_found_and_comes_back_as_the_same(scim: httpx2.Client) -> None:
    before = created(scim, title="Baker")
    gone = scim.put(f"/Users/{before['id']}", json={**before, "active": False}).json()
    assert gone["active"] is False
    assert found(scim, f'userName eq "{before["userName"]}"') == [gone]
    back = patch(scim, before["id"], {"op": "replace", "value": {"active": True}}).json()
    assert {**back, "meta": None} == {**before, "meta": None}


def test_changing_the_user_name_onto_a_taken_one_changes_nothing(scim: httpx2.Client) -> None:
    taken, before = created(scim), created(scim)
    wanted = {**before, "userName": taken["userName"], "displayName": "Somebody else"}
    assert_error(scim.put(f"/Users/{before['id']}", json=wanted), 409, "uniqueness")
    assert scim.get(f"/Users/{before['id']}").json() == before


def test_deleting_frees_the_user_name_and_a_new_person_gets_a_new_id(scim: httpx2.Client) -> None:
    before = created(scim)
    assert scim.delete(f"/Users/{before['id']}").status_code == 204
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = None if method in ("GET", "DELETE") else {"userName": "x", "Operations": []}
        assert_error(scim.request(method, f"/Users/{before['id']}", json=body), 404)
    assert found(scim, f'userName eq "{before["userName"]}"') == []
    again = created(scim, userName=before["userName"])
    assert again["id"] != before["id"]


def test_if_match_refuses_what_has_changed_meanwhile(scim: httpx2.Client) -> None:
    before = created(scim)
    version = before["meta"]["version"]
    address = f"/Users/{before['id']}"
    changed = scim.put(address, json={**before, "title": "Baker"}, headers={"If-Match": version})
    assert changed.status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else {"Operations": [], **before}
        assert_error(scim.request(method, address, json=body, headers={"If-Match": version}), 412)
    assert scim.get(address).json() == changed.json()
    assert scim.put(address, json=before, headers={"If-Match": "*"}).status_code == 200


def test_if_none_match_saves_the_body(scim: httpx2.Client) -> None:
    before = created(scim)
    version = before["meta"]["version"]
    unchanged = scim.get(f"/Users/{before['id']}", headers={"If-None-Match": version})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert scim.get(f"/Users/{before['id']}", headers={"If-None-Match": 'W/"99"'}).status_code == 200


def test_an_owner_is_out_of_a_directory_s_reach(scim: httpx2.Client, acme: Tenant) -> None:
    alice = found(scim, f'userName eq "{acme.owner_email}"')[0]
    address = f"/Users/{alice['id']}"
    for refused in (
        scim.put(address, json={**alice, "active": False}),
        scim.put(address, json={**alice, "userName": "mallory@acme.example"}),
        scim.put(address, json={**alice, "emails": [{"value": "mallory@acme.example"}]}),
        scim.delete(address),
    ):
        assert_error(refused, 409, None, "owner")
    assert scim.get(address).json() == alice
    renamed = patch(scim, alice["id"], {"op": "replace", "path": "title", "value": "CEO"})
    assert renamed.json()["title"] == "CEO"


def test_paging_by_index_loses_and_repeats_nobody(server: Server) -> None:
    tenant = server.found_another()
    scim = tenant.scim()
    ids = [created(scim)["id"] for _ in range(25)]
    seen: list[str] = []
    for start in (1, 11, 21):
        page = scim.get("/Users", params={"startIndex": start, "count": 10}).json()
        assert (page["totalResults"], page["startIndex"]) == (26, start)
        assert page["itemsPerPage"] == len(page["Resources"])
        seen += [each["id"] for each in page["Resources"]]
    assert seen[1:] == ids  # the owner came first


@pytest.mark.parametrize(
    ("start", "count", "first", "length"),
    [
        ("0", "1", 1, 1),
        ("-5", "2", 1, 2),
        ("1", "0", 1, 0),
        ("1", "-3", 1, 0),
        ("99", "5", 99, 0),
        ("2", "100000", 2, 1),
    ],
)
def test_odd_pages_have_plain_answers(
    server: Server, start: str, count: str, first: int, length: int, pair: httpx2.Client
) -> None:
    page = pair.get("/Users", params={"startIndex": start, "count": count}).json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (2, first, length)


@pytest.fixture(scope="module")
def pair(server: Server) -> httpx2.Client:
    """A workspace of two: the owner and one person more."""
    scim = server.found_another().scim()
    created(scim)
    return scim


@pytest.mark.parametrize("parameters", [{"startIndex": "one"}, {"count": "1.5"}, {"count": "9" * 5000}])
def test_pages_that_cannot_be_are_refused(scim: httpx2.Client, parameters: dict[str, str]) -> None:
    assert_error(scim.get("/Users", params=parameters), 400, "invalidValue", next(iter(parameters)))


def test_a_client_can_ask_for_some_attributes_or_all_but_some(scim: httpx2.Client) -> None:
    body = created(scim)
    address = f"/Users/{body['id']}"
    some = scim.get(address, params={"attributes": "userName,name.givenName,emails.value,password,nonsense"}).json()
    assert some == {
        "schemas": body["schemas"],
        "id": body["id"],
        "userName": body["userName"],
        "name": {"givenName": "Bob"},
        "emails": [{"value": body["emails"][0]["value"]}],
    }
    most = scim.get(address, params={"excludedAttributes": "emails,name.familyName,id"}).json()
    assert "emails" not in most
    assert most["name"] == {"givenName": "Bob"}
    assert most["id"] == body["id"]
    assert_error(scim.get(address, params={"attributes": "id", "excludedAttributes": "name"}), 400, "invalidValue")
