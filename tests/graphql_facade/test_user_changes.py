"""What the people page does to people: everything or nothing, seen at once by both doors, and written in the log."""

from typing import Any

import pytest

from tests.graphql_facade.browser import PERSON, Browser, Data, nothing_happens, signed_in
from tests.graphql_facade.conftest import Cast
from tests.scim_facade.people import created
from tests.stage import Tenant

CREATED = f"... on UserCreatePayload {{ user {{ {PERSON} }} }}"
UPDATED = f"... on UserUpdatePayload {{ user {{ {PERSON} }} }}"


def update(browser: Browser, id: str, **changes: Any) -> Data:
    """The person after a change that goes well."""
    result = browser.do("userUpdate", {"id": id, **changes}, UPDATED)
    assert result["__typename"] == "UserUpdatePayload", result
    person: Data = result["user"]
    return person


def log_of(browser: Browser, id: str) -> list[Data]:
    """What happened to a person, the newest first: the action, and the changes by field."""
    return [
        {"action": event["action"]} | {each["field"]: (each["before"], each["after"]) for each in event["changes"]}
        for event in browser.events(targetId=id)
    ]


def test_an_address_is_enough_for_a_new_person(alice: Browser, acme: Tenant) -> None:
    person = alice.do("userCreate", {"email": "Frank@Acme.example"}, CREATED)["user"]
    expected = {
        "userName": "Frank@Acme.example",
        "displayName": "Frank@Acme.example",
        "email": "Frank@Acme.example",
        "emails": [{"address": "Frank@Acme.example", "type": "work", "isPrimary": True}],
        "role": "MEMBER",
        "status": "ACTIVE",
        "managedBy": "WORKSPACE",
        "title": None,
    }
    assert {name: person[name] for name in expected} == expected
    assert alice.person(person["id"]) == {"__typename": "User", **person}
    assert log_of(alice, person["id"]) == [{"action": "USER_CREATED"}]
    with acme.scim() as scim:
        document = scim.get(f"/Users/{person['id']}").json()
    assert (document["userName"], document["active"]) == ("Frank@Acme.example", True)


def test_a_new_person_may_come_with_everything(ann: Browser) -> None:
    names = {"userName": "gina", "displayName": "Gina B.", "givenName": "Gina", "familyName": "Baker", "title": "Chief"}
    person = ann.do("userCreate", {"email": "gina@acme.example", "role": "ADMIN", **names}, CREATED)["user"]
    assert {name: person[name] for name in names} == names
    assert (person["role"], person["email"]) == ("ADMIN", "gina@acme.example")
    (event,) = ann.events(targetId=person["id"])
    assert event["actor"] == {"kind": "USER", "id": ann.ask("{ viewer { user { id } } }")["viewer"]["user"]["id"]} | {
        "displayName": "Ann Archer"
    }


@pytest.mark.parametrize(
    "user_name",
    ["alice@acme.example", "ALICE@Acme.Example", "ａlice@acme.example", "ali\u200bce@acme.example"],  # noqa: RUF001
)
def test_a_user_name_that_somebody_has_is_a_conflict_however_it_is_written(alice: Browser, user_name: str) -> None:
    bob = alice.new_person()["id"]
    with nothing_happens(alice):
        for result in (
            alice.do("userCreate", {"email": "x@acme.example", "userName": user_name}),
            alice.do("userUpdate", {"id": bob, "userName": user_name}),
        ):
            assert (result["__typename"], result["code"]) == ("Conflict", "CONFLICT")
            assert result["path"] == ["userName"]
            assert "already the userName" in result["message"]


def test_a_user_name_that_is_the_address_of_somebody_else_is_a_conflict(alice: Browser) -> None:
    dan = alice.new_person(email="dan@mail.example", userName="dan-17")
    other = alice.new_person()
    with nothing_happens(alice):
        for result in (
            alice.do("userCreate", {"email": "x@acme.example", "userName": "Dan@Mail.example"}),
            alice.do("userUpdate", {"id": other["id"], "userName": "dan@mail.example"}),
        ):
            assert (result["__typename"], result["path"]) == ("Conflict", ["userName"])
            assert "e-mail address of another person" in result["message"]
    assert update(alice, dan["id"], userName="dan@mail.example")["userName"] == "dan@mail.example"


def test_where_the_address_stands_for_the_user_name_the_conflict_is_said_of_the_address(alice: Browser) -> None:
    with nothing_happens(alice):
        result = alice.do("userCreate", {"email": "Alice@acme.example"})
    assert (result["__typename"], result["path"]) == ("Conflict", ["email"])
    assert result["message"].startswith("email 'Alice@acme.example' is already the userName")


def test_people_may_share_an_address(alice: Browser) -> None:
    shared = {"email": "reception@acme.example"}
    assert alice.new_person(**shared, userName="early shift")["email"] == shared["email"]
    assert alice.new_person(**shared, userName="late shift")["email"] == shared["email"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", " \u200b"),
        ("email", "x" * 1_001),
        ("email", "a\x00b"),
        ("userName", ""),
        ("userName", "\u2060"),
        ("userName", "x" * 1_001),
        ("displayName", "x" * 1_001),
        ("givenName", "a\x00b"),
        ("familyName", "x" * 1_001),
        ("title", "\x00"),
    ],
)
def test_bad_input_is_refused_with_the_way_to_the_field(alice: Browser, field: str, value: str) -> None:
    bob = alice.new_person()["id"]
    with nothing_happens(alice):
        for result in (
            alice.do("userCreate", {"email": "x@acme.example", field: value}),
            alice.do("userUpdate", {"id": bob, field: value}),
        ):
            assert (result["__typename"], result["code"]) == ("InvalidInput", "INVALID_INPUT")
            assert [issue["path"] for issue in result["issues"]] == [[field]]
            assert result["message"] == result["issues"][0]["message"]
            assert result["message"].startswith(f"{field} ")


@pytest.mark.parametrize(
    ("field", "declared", "null"),
    [
        ("userName", "", "null"),
        ("userName", ", $null: String", "$null"),
        ("role", "", "null"),
        ("role", ", $null: Role", "$null"),
    ],
)
def test_null_for_what_everybody_has_is_refused_as_data(alice: Browser, field: str, declared: str, null: str) -> None:
    bob = alice.new_person()["id"]
    document = f"""mutation ($id: ID!{declared}) {{ userUpdate(input: {{id: $id, title: "Chief", {field}: {null}}}) {{
        __typename ... on InvalidInput {{ message issues {{ path }} }}
    }} }}"""
    variables = {"null": None} if declared else {}
    with nothing_happens(alice):
        result = alice.ask(document, id=bob, **variables)["userUpdate"]
    assert (result["__typename"], result["issues"]) == ("InvalidInput", [{"path": [field]}])
    assert "Maybe" not in result["message"]


def test_what_is_left_out_stays_and_null_takes_away(alice: Browser) -> None:
    said = {"displayName": "Hal Baker", "givenName": "Hal", "familyName": "Baker", "title": "Chief"}
    before = alice.person(alice.new_person(**said)["id"])
    id_ = before["id"]
    for field, shown in (
        ("title", None),
        ("givenName", None),
        ("familyName", None),
        ("displayName", before["userName"]),
    ):
        after = update(alice, id_, **{field: None})
        assert {name for name, value in after.items() if value != before[name]} == {field, "updatedAt"}
        assert after[field] == shown
        before = after
        assert log_of(alice, id_)[0] == {"action": "USER_UPDATED", field: (said[field], None)}
    after = update(alice, id_, title="Cook", displayName="Hal")
    assert (after["title"], after["displayName"], after["givenName"]) == ("Cook", "Hal", None)
    assert log_of(alice, id_)[0] == {"action": "USER_UPDATED", "title": (None, "Cook"), "displayName": (None, "Hal")}


def test_a_change_that_changes_nothing_leaves_no_trace(alice: Browser) -> None:
    person = alice.new_person(title="Cook")
    with nothing_happens(alice):
        update(alice, person["id"])
        update(alice, person["id"], title="Cook", userName=person["userName"], email=person["email"], role="MEMBER")


def test_a_new_address_takes_the_place_of_the_one_that_mail_goes_to(alice: Browser, acme: Tenant) -> None:
    emails = [
        {"value": "ida@home.example", "type": "home"},
        {"value": "ida@work.example", "type": "work", "primary": True},
        {"value": "ida@other.example", "type": "other"},
    ]
    with acme.scim() as scim:
        id_ = created(scim, emails=emails)["id"]
    with nothing_happens(alice):
        refused = alice.do("userUpdate", {"id": id_, "email": "ida@new.example"})
    assert refused["code"] == "DIRECTORY_MANAGED"
    assert "identity provider" in refused["message"]
    free = alice.do("userUnlink", {"id": id_}, "... on UserUpdatePayload { user { managedBy lockedFields } }")
    assert free["user"] == {"managedBy": "WORKSPACE", "lockedFields": []}
    person = update(alice, id_, email="ida@new.example")
    assert person["email"] == "ida@new.example"
    assert person["emails"] == [
        {"address": "ida@home.example", "type": "home", "isPrimary": False},
        {"address": "ida@new.example", "type": "work", "isPrimary": True},
        {"address": "ida@other.example", "type": "other", "isPrimary": False},
    ]
    event = log_of(alice, id_)[0]
    assert event["action"] == "USER_UPDATED"
    assert "ida@work.example" in event["emails"][0]
    assert "ida@new.example" in event["emails"][1]
    person = update(alice, id_, email=None)
    assert [each["address"] for each in person["emails"]] == ["ida@home.example", "ida@other.example"]
    assert person["email"] == "ida@home.example"
    for _ in range(2):
        person = update(alice, id_, email=None)
    assert (person["email"], person["emails"]) == (None, [])
    assert update(alice, id_, email="back@work.example")["emails"] == [
        {"address": "back@work.example", "type": "work", "isPrimary": True}
    ]


def test_a_role_changes_together_with_the_rest(alice: Browser) -> None:
    id_ = alice.new_person()["id"]
    person = update(alice, id_, title="Chief", role="ADMIN")
    assert (person["title"], person["role"]) == ("Chief", "ADMIN")
    role, title, _ = log_of(alice, id_)
    assert role == {"action": "USER_UPDATED", "role": ("MEMBER", "ADMIN")}
    assert title == {"action": "USER_UPDATED", "title": (None, "Chief")}


def test_a_change_happens_as_a_whole_or_not_at_all(alice: Browser, ann: Browser) -> None:
    id_ = alice.new_person()["id"]
    with nothing_happens(alice):
        refused = ann.do("userUpdate", {"id": id_, "title": "Chief", "role": "OWNER"})
        assert refused["__typename"] == "OwnerProtected"
        refused = alice.do("userUpdate", {"id": id_, "title": "Chief", "userName": "alice@acme.example"})
        assert refused["__typename"] == "Conflict"
        refused = alice.do("userUpdate", {"id": id_, "title": "Chief", "role": "ADMIN", "givenName": "\x00"})
        assert refused["__typename"] == "InvalidInput"


def test_who_is_deactivated_is_out_at_both_doors_and_comes_back_the_same(acme: Tenant, alice: Browser) -> None:
    jim = acme.add("Jim", "member")
    signed_in(acme, "jim@acme.example")
    result = alice.do("userDeactivate", {"id": jim}, UPDATED)
    assert (result["user"]["status"], result["user"]["statusReason"]) == ("INACTIVE", "DEACTIVATED_BY_ADMIN")
    assert result["user"]["deactivatedAt"] == result["user"]["updatedAt"]
    gone = {
        "action": "USER_DEACTIVATED",
        "active": ("true", "false"),
        "sessions": ("1", "0"),
        "personalKeys": ("0", "0"),
    }
    assert log_of(alice, jim)[0] == gone
    with acme.scim() as scim:
        assert scim.get(f"/Users/{jim}").json()["active"] is False
        with nothing_happens(alice):
            assert alice.do("userDeactivate", {"id": jim}, UPDATED) == result
        back = alice.do("userReactivate", {"id": jim}, UPDATED)["user"]
        assert scim.get(f"/Users/{jim}").json()["active"] is True
    assert back == result["user"] | {
        "status": "ACTIVE",
        "statusReason": None,
        "deactivatedAt": None,
        "updatedAt": back["updatedAt"],
    }
    assert log_of(alice, jim)[0] == {"action": "USER_REACTIVATED", "active": ("false", "true")}
    with nothing_happens(alice):
        assert alice.do("userReactivate", {"id": jim}, UPDATED)["user"] == back


def test_who_is_deleted_is_gone_for_good_and_leaves_the_user_name(acme: Tenant, alice: Browser) -> None:
    person = alice.new_person(userName="Kim", displayName="Kim Archer")
    result = alice.do("userDelete", {"id": person["id"]}, "... on UserDeletePayload { deletedId }")
    assert result == {"__typename": "UserDeletePayload", "deletedId": person["id"]}
    assert alice.node(person["id"]) is None
    (deleted, _) = alice.events(targetId=person["id"])
    assert (deleted["action"], deleted["target"]["displayName"]) == ("USER_DELETED", "Kim Archer")
    with acme.scim() as scim:
        assert scim.get(f"/Users/{person['id']}").status_code == 404
    with nothing_happens(alice):
        for mutation in ("userUpdate", "userDeactivate", "userReactivate", "userDelete"):
            again = alice.do(mutation, {"id": person["id"]})
            assert (again["__typename"], again["code"]) == ("NotFound", "NOT_FOUND")
    assert alice.new_person(userName="kim", email=person["email"])["id"] != person["id"]


def test_nobody_but_an_owner_makes_changes_or_removes_an_owner(cast: Cast) -> None:
    alice, ann, owner = cast.alice, cast.ann, cast.ids["Alice"]
    second = alice.new_person(role="OWNER")["id"]
    attempts: list[tuple[str, Data]] = [
        ("userCreate", {"email": "boss@acme.example", "role": "OWNER"}),
        ("userUpdate", {"id": cast.ids["Ann"], "role": "OWNER"}),
        *(("userUpdate", {"id": each, "title": "Nobody"}) for each in (owner, second)),
        *(("userUpdate", {"id": each, "email": "ann@evil.example"}) for each in (owner, second)),
        *(("userUpdate", {"id": each, "role": "MEMBER"}) for each in (owner, second)),
        *(("userDeactivate", {"id": each}) for each in (owner, second)),
        *(("userDelete", {"id": each}) for each in (owner, second)),
    ]
    with nothing_happens(alice):
        for mutation, said in attempts:
            result = ann.do(mutation, said)
            assert (result["__typename"], result["code"]) == ("OwnerProtected", "OWNER_PROTECTED"), (mutation, said)
            assert "owner" in result["message"]
    assert alice.do("userDeactivate", {"id": second})["__typename"] == "UserUpdatePayload"
    assert ann.do("userReactivate", {"id": second})["__typename"] == "OwnerProtected"
    assert update(alice, second, role="MEMBER")["role"] == "MEMBER"


def test_one_active_owner_stays(acme: Tenant) -> None:
    tenant = acme.server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    own = alice.ask("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    retired = alice.new_person(role="OWNER")["id"]
    alice.do("userDeactivate", {"id": retired})
    with nothing_happens(alice):
        for mutation, said in (("userUpdate", {"role": "ADMIN"}), ("userDeactivate", {}), ("userDelete", {})):
            result = alice.do(mutation, {"id": own, **said})
            assert result["__typename"] == "OwnerProtected"
            assert "last active owner" in result["message"]
    assert update(alice, own, title="Founder")["title"] == "Founder"
    alice.do("userReactivate", {"id": retired})
    assert update(alice, own, role="MEMBER")["role"] == "MEMBER"
    assert alice.do("userDelete", {"id": retired})["__typename"] == "Forbidden"
