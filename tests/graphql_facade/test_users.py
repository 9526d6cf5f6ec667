"""People as the people page lists them: what is shown, searched, filtered and sorted."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.graphql_facade.browser import Browser, Data, browser, signed_in
from tests.scim_facade.people import CORE, patch, somebody
from tests.stage import Server, Tenant

PEOPLE = """query ($filter: UserFilter, $order: UserOrder! = NAME_ASC) { viewer { workspace {
    users(first: 100, filter: $filter, orderBy: $order) { totalCount nodes { id displayName } }
} } }"""

ALICE = "Alice Archer"

# Names that a careless search would confuse, in the order in which they are made.
NAMES = ["50% off", "500 offers", "dave_%", "daveXY", "back\\slash", "Émile Zola", "emil", "Zoë", "zoe", "ＡＤＡ", "%"]  # noqa: RUF001
MADE = [ALICE, *NAMES, "Adam", "Gone", "Directed", "Let go"]


@dataclass(frozen=True)
class Crowd:
    """A workspace with many people, its owner at a browser, and everybody's id by the name that is shown."""

    tenant: Tenant
    alice: Browser
    ids: dict[str, str]


@pytest.fixture(scope="module")
def crowd(server: Server) -> Crowd:
    """Two of them are managed by the directory; each side has deactivated one."""
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    ids = {ALICE: alice.ask("{ viewer { user { id } } }")["viewer"]["user"]["id"]}
    for number, name in enumerate(NAMES):
        ids[name] = alice.new_person(email=f"p{number}@{tenant.subdomain}.example", displayName=name)["id"]
    ids["Adam"] = alice.new_person(displayName="Adam", userName="EMPLOYEE-17", role="ADMIN")["id"]
    ids["Gone"] = alice.new_person(displayName="Gone")["id"]
    alice.do("userDeactivate", {"id": ids["Gone"]})
    with tenant.scim() as scim:
        emails = [{"value": "first@directed.example", "primary": True}, {"value": "Second@Directed.example"}]
        for name, more in (("Directed", {"emails": emails}), ("Let go", {})):
            ids[name] = scim.post("/Users", json=somebody(displayName=name, **more)).json()["id"]
        patch(scim, ids["Let go"], {"op": "replace", "value": {"active": False}})
    return Crowd(tenant, alice, ids)


def found(asking: Browser, filter: Data | None, order: str = "NAME_ASC") -> list[str]:
    """The names of whom a filter finds, in an order."""
    users = asking.ask(PEOPLE, filter=filter, order=order)["viewer"]["workspace"]["users"]
    assert users["totalCount"] == len(users["nodes"])
    return [node["displayName"] for node in users["nodes"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("50%", ["50% off"]),
        ("%", ["%", "50% off", "dave_%"]),
        ("_", ["dave_%"]),
        ("dave_", ["dave_%"]),
        ("%%", []),
        ("\\", ["back\\slash"]),
        ("\\%", []),
        ("'; DROP TABLE user; --", []),
        ("ZOLA", ["Émile Zola"]),
        ("ÉMILE", ["Émile Zola"]),
        ("E\u0301mile z", ["Émile Zola"]),
        ("emil", ["emil"]),
        ("ZOË", ["Zoë"]),
        ("zo\u200be", ["zoe"]),
        ("ada", ["Adam", "ＡＤＡ"]),  # noqa: RUF001
        ("employee-17", ["Adam"]),
        ("p0@", ["50% off"]),
        ("P0@", ["50% off"]),
        ("first@directed", ["Directed"]),
        ("second@DIRECTED.example", ["Directed"]),
        ("no such person", []),
        ("x" * 1_000, []),
    ],
)
def test_a_search_finds_names_user_names_and_addresses_and_takes_no_character_for_a_wildcard(
    crowd: Crowd, query: str, names: list[str]
) -> None:
    assert sorted(found(crowd.alice, {"query": query})) == sorted(names)


@pytest.mark.parametrize("filter", [None, {}, {"query": None}, {"query": ""}, {"status": []}, {"role": []}])
def test_a_filter_that_says_nothing_finds_everybody(crowd: Crowd, filter: Data | None) -> None:
    assert sorted(found(crowd.alice, filter)) == sorted(MADE)


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({"status": ["INACTIVE"]}, {"Gone", "Let go"}),
        ({"status": ["ACTIVE"]}, set(MADE) - {"Gone", "Let go"}),
        ({"status": ["ACTIVE", "INACTIVE", "ACTIVE"]}, set(MADE)),
        ({"role": ["OWNER"]}, {ALICE}),
        ({"role": ["ADMIN", "OWNER"]}, {ALICE, "Adam"}),
        ({"role": ["MEMBER"]}, set(MADE) - {ALICE, "Adam"}),
        ({"role": ["OWNER", "ADMIN", "MEMBER", "OWNER"]}, set(MADE)),
        ({"managedBy": "DIRECTORY"}, {"Directed", "Let go"}),
        ({"managedBy": "WORKSPACE"}, set(MADE) - {"Directed", "Let go"}),
        ({"managedBy": "DIRECTORY", "status": ["ACTIVE"]}, {"Directed"}),
        ({"query": "o", "status": ["INACTIVE"], "managedBy": "WORKSPACE", "role": ["MEMBER"]}, {"Gone"}),
        ({"query": "adam", "role": ["MEMBER"]}, set()),
    ],
)
def test_people_are_filtered_by_status_role_and_who_manages_them(crowd: Crowd, filter: Data, names: set[str]) -> None:
    assert set(found(crowd.alice, filter)) == names


def test_people_are_listed_by_name_whatever_its_case_and_width(crowd: Crowd) -> None:
    expected = ["%", "50% off", "500 offers", "ＡＤＡ", "Adam", "Alice Archer", "back\\slash", "dave_%", "daveXY"]  # noqa: RUF001
    expected += ["Directed", "emil", "Gone", "Let go", "zoe", "Zoë", "Émile Zola"]
    assert found(crowd.alice, None) == expected


def test_people_are_listed_the_newest_first(crowd: Crowd) -> None:
    assert found(crowd.alice, None, "CREATED_DESC") == MADE[::-1]
    assert found(crowd.alice, {"managedBy": "DIRECTORY"}, "CREATED_DESC") == ["Let go", "Directed"]


@pytest.mark.parametrize("query", ["x" * 1_001, "a\x00b"])
def test_a_search_for_what_cannot_be_is_refused(crowd: Crowd, query: str) -> None:
    error = crowd.alice.error(PEOPLE, filter={"query": query})
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert [issue["path"] for issue in error["extensions"]["issues"]] == [["filter", "query"]]
    assert error["path"] == ["viewer", "workspace", "users"]


@pytest.mark.parametrize(
    "filter", [{"status": "GONE"}, {"role": ["owner"]}, {"role": [None]}, {"managedBy": "OKTA"}, {"nickName": "x"}, []]
)
def test_a_filter_that_the_schema_does_not_know_is_no_operation(crowd: Crowd, filter: Any) -> None:
    crowd.alice.unread(PEOPLE, filter=filter)


def test_whom_the_settings_pages_made_is_shown_whole(crowd: Crowd) -> None:
    address = f"p5@{crowd.tenant.subdomain}.example"
    shown = crowd.alice.person(crowd.ids["Émile Zola"])
    created = shown["createdAt"]
    assert created.endswith("Z")
    assert shown == {
        "__typename": "User",
        "id": crowd.ids["Émile Zola"],
        "userName": address,
        "displayName": "Émile Zola",
        "givenName": None,
        "familyName": None,
        "email": address,
        "emails": [{"address": address, "type": "work", "isPrimary": True}],
        "title": None,
        "status": "ACTIVE",
        "statusReason": None,
        "role": "MEMBER",
        "managedBy": "WORKSPACE",
        "externalId": None,
        "createdAt": created,
        "updatedAt": created,
        "deactivatedAt": None,
    }


def test_whom_the_directory_made_is_shown_whole(crowd: Crowd) -> None:
    document = {
        "schemas": [CORE],
        "userName": "shown.whole",
        "externalId": "00u-7",
        "name": {"givenName": "Grace", "familyName": "Hopper"},
        "title": "Rear Admiral",
        "emails": [{"value": "grace@home.example", "type": "home"}, {"value": "Grace@Work.example", "primary": True}],
    }
    with crowd.tenant.scim() as scim:
        id_ = scim.post("/Users", json=document).json()["id"]
        shown = crowd.alice.person(id_)
        assert scim.delete(f"/Users/{id_}").status_code == 204
    expected = {
        "userName": "shown.whole",
        "displayName": "Grace Hopper",
        "givenName": "Grace",
        "familyName": "Hopper",
        "email": "Grace@Work.example",
        "emails": [
            {"address": "grace@home.example", "type": "home", "isPrimary": False},
            {"address": "Grace@Work.example", "type": None, "isPrimary": True},
        ],
        "title": "Rear Admiral",
        "role": "MEMBER",
        "managedBy": "DIRECTORY",
        "externalId": "00u-7",
    }
    assert {name: shown[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "reason"), [("Gone", "DEACTIVATED_BY_ADMIN"), ("Let go", "DEACTIVATED_BY_DIRECTORY"), ("Adam", None)]
)
def test_who_has_no_access_is_shown_with_who_ended_it(crowd: Crowd, name: str, reason: str | None) -> None:
    person = crowd.alice.person(crowd.ids[name])
    assert (person["status"] == "INACTIVE") == (reason is not None)
    assert person["statusReason"] == reason
    assert (person["deactivatedAt"] is None) == (reason is None)


def test_the_list_has_nobody_of_another_workspace(crowd: Crowd, charlie: Browser, globex: Tenant) -> None:
    assert found(charlie, {"query": "dave"}) == []
    assert found(crowd.alice, {"query": globex.owner_email}) == []
    assert browser(crowd.tenant).error(PEOPLE)["extensions"] == {"code": "UNAUTHENTICATED"}
