"""PATCH in every shape that identity providers send, on documents; and that it is whole or not at all, over HTTP."""

import copy
from typing import Any

import httpx2
import pytest

from scim_facade.messages import Document, Rejected
from scim_facade.patch import MAX_OPERATIONS, patched
from scim_facade.tolerances import Tolerances
from scim_facade.user_attributes import USER
from service.refusals import Invalid, Refused
from tests.scim_facade.people import ENTERPRISE, assert_error, created, patch
from tests.stage import Tenant

BOB: Document = {
    "schemas": [USER.urn],
    "id": "usr_1",
    "userName": "bob",
    "name": {"givenName": "Bob", "familyName": "Baker"},
    "active": True,
    "title": "Baker",
    "emails": [
        {"value": "bob@work.example", "type": "work", "primary": True},
        {"value": "bob@home.example", "type": "home"},
    ],
    "meta": {"version": 'W/"1"'},
}


FORGIVING = Tolerances(strict=False)


def edited(*operations: Document) -> dict[str, Any]:
    """The fields that the operations make of Bob."""
    before = copy.deepcopy(BOB)
    after = USER.parse(patched(BOB, {"Operations": list(operations)}, USER, FORGIVING), FORGIVING)
    assert before == BOB
    return after


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"active": False}},
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "REPLACE", "path": "ACTIVE", "value": "false"},
        {"op": "add", "path": "active", "value": False},
        {"op": "replace", "path": "active", "value": [False]},
        {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": False}},
        {"OP": "replace", "PATH": "urn:ietf:params:scim:schemas:core:2.0:User:active", "VALUE": False},
    ],
)
def test_every_shape_of_deactivation_deactivates(operation: Document) -> None:
    assert edited(operation)["active"] is False


@pytest.mark.parametrize(
    ("operation", "field", "value"),
    [
        ({"op": "replace", "path": "name.givenName", "value": "Robert"}, "given_name", "Robert"),
        ({"op": "replace", "path": "name", "value": {"givenName": "Robert"}}, "given_name", "Robert"),
        ({"op": "replace", "path": "name", "value": {"givenName": "Robert"}}, "family_name", "Baker"),
        ({"op": "replace", "value": {"name.givenName": "Robert"}}, "given_name", "Robert"),
        ({"op": "replace", "value": {"name": {"GIVENNAME": "Robert"}}}, "given_name", "Robert"),
        ({"op": "remove", "path": "title"}, "title", None),
        ({"op": "replace", "path": "title", "value": ""}, "title", None),
        ({"op": "replace", "path": "title", "value": None}, "title", None),
        ({"op": "add", "path": "nickName", "value": "Bo"}, "nick_name", "Bo"),
        ({"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Rolls"}, "department", "Rolls"),
        ({"op": "add", "path": ENTERPRISE, "value": {"department": "Rolls"}}, "department", "Rolls"),
        (
            {"op": "add", "path": ENTERPRISE, "value": {"schemas": [ENTERPRISE], "department": "Rolls"}},
            "department",
            "Rolls",
        ),
        ({"op": "replace", "value": {f"{ENTERPRISE}:employeeNumber": "7"}}, "employee_number", "7"),
        ({"op": "replace", "value": {ENTERPRISE: {"manager": {"value": "9"}}}}, "manager_id", "9"),
        ({"op": "add", "path": f"{ENTERPRISE}:manager", "value": "9"}, "manager_id", "9"),
        ({"op": "add", "path": f"{ENTERPRISE}:manager", "value": [{"$ref": None, "value": "9"}]}, "manager_id", "9"),
        ({"op": "add", "path": f"{ENTERPRISE}:manager.displayName", "value": "Ann"}, "manager_display_name", "Ann"),
    ],
)
def test_single_values(operation: Document, field: str, value: object) -> None:
    assert edited(operation).get(field) == value


WORK, HOME = BOB["emails"]


@pytest.mark.parametrize(
    ("operation", "emails"),
    [
        (
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@work.example"},
            [WORK | {"value": "new@work.example"}, HOME],
        ),
        (
            {"op": "Add", "path": 'emails[type eq "other"].value', "value": "o@x.example"},
            [WORK, HOME, {"type": "other", "value": "o@x.example"}],
        ),
        ({"op": "add", "path": "emails", "value": [HOME]}, [WORK, HOME]),
        (
            {"op": "add", "path": "emails", "value": {"value": "o@x.example"}},
            [WORK, HOME, {"value": "o@x.example"}],
        ),
        (
            {"op": "add", "path": "emails", "value": [{"value": "o@x.example", "primary": True}]},
            [WORK | {"primary": False}, HOME, {"value": "o@x.example", "primary": True}],
        ),
        ({"op": "replace", "path": "emails", "value": [HOME]}, [HOME]),
        ({"op": "remove", "path": 'emails[type eq "WORK"]'}, [HOME]),
        ({"op": "remove", "path": 'emails[type eq "fax"]'}, [WORK, HOME]),
        ({"op": "remove", "path": 'emails[not (type eq "work") and value ew "@home.example"]'}, [WORK]),
        ({"op": "remove", "path": 'emails[type eq "work"].primary'}, [{**WORK, "primary": None}, HOME]),
        ({"op": "remove", "path": "emails"}, None),
        ({"op": "remove", "path": "emails", "value": [{"value": HOME["value"]}]}, [WORK]),
        (
            {"op": "replace", "path": "emails[primary eq true]", "value": {"value": "n@x.example"}},
            [WORK | {"value": "n@x.example"}, HOME],
        ),
        (
            {"op": "replace", "path": "emails.display", "value": "Bob"},
            [WORK | {"display": "Bob"}, HOME | {"display": "Bob"}],
        ),
    ],
)
def test_multi_valued(operation: Document, emails: list[Document] | None) -> None:
    wanted = emails and [{name: part for name, part in each.items() if part is not None} for each in emails]
    assert edited(operation).get("emails") == wanted


def test_three_parts_of_an_address_make_one_address() -> None:
    parts = {"formatted": "1 Oven St", "locality": "Berlin", "region": "BE"}
    operations = [{"op": "Add", "path": f'addresses[type eq "work"].{name}', "value": parts[name]} for name in parts]
    assert edited(*operations)["addresses"] == [{"type": "work", **parts}]


def test_a_password_and_an_echoed_id_are_passed_over() -> None:
    assert edited({"op": "replace", "value": {"password": "x", "id": "usr_1", "schemas": []}}) == edited()
    assert edited({"op": "replace", "path": "password", "value": "x"}) == edited()


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "path": "id", "value": "usr_2"}, "mutability"),
        ({"op": "replace", "value": {"id": "usr_2"}}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "1970-01-01T00:00:00Z"}, "mutability"),
        ({"op": "replace", "path": "__class__", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "name.toString", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "nonsense", "value": "x"}, "invalidPath"),
        ({"op": "replace", "value": {"nonsense": "x"}}, "invalidPath"),
        ({"op": "replace", "path": "name", "value": {"nonsense": "x"}}, "invalidPath"),
        ({"op": "replace", "path": 'emails[nonsense eq "x"].value', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "work"].nonsense', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "work"', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'title[type eq "work"]', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 5, "value": "x"}, "invalidPath"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove", "path": "active"}, "mutability"),
        ({"op": "replace", "path": 'emails[type co "fax"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": 'emails[type eq "a" or type eq "b"].value', "value": "x"}, "noTarget"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": 'emails[type eq "work"]', "value": None}, "invalidValue"),
        ({"op": "move", "path": "title"}, "invalidSyntax"),
        ({"op": 5, "path": "title"}, "invalidSyntax"),
        ({"path": "title"}, "invalidSyntax"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(operation: Document, scim_type: str) -> None:
    with pytest.raises(Rejected) as refused:
        edited(operation)
    assert (refused.value.status, refused.value.scim_type) == (400, scim_type)


@pytest.mark.parametrize("value", ["banana", 0, 1, "", {}])
def test_active_is_true_or_false(value: object) -> None:
    operation = {"op": "replace", "path": "active", "value": value}
    if value == "":
        assert "active" not in edited(operation)
    else:
        with pytest.raises(Refused) as refused:
            edited(operation)
        assert refused.value.reason == Invalid("active", "must be true or false")


@pytest.mark.parametrize("operations", [None, {}, "x", [1], [[]]])
def test_operations_are_a_list_of_objects(operations: object) -> None:
    with pytest.raises(Rejected, match="Operations"):
        patched(BOB, {"Operations": operations}, USER, FORGIVING)


def test_too_many_operations_are_refused() -> None:
    operation = {"op": "replace", "path": "title", "value": "x"}
    with pytest.raises(Rejected, match="1,000") as refused:
        edited(*[operation] * (MAX_OPERATIONS + 1))
    assert refused.value.status == 413


def test_over_http_a_patch_answers_with_the_person(acme: Tenant) -> None:
    scim = acme.scim()
    before = created(scim)
    answer = patch(
        scim, before["id"], {"op": "replace", "path": 'emails[type eq "work"].value', "value": "n@x.example"}
    )
    assert answer.status_code == 200
    assert answer.json()["emails"] == [{"value": "n@x.example", "type": "work", "primary": True}]
    assert answer.headers["etag"] == 'W/"2"'
    assert scim.get(f"/Users/{before['id']}").json() == answer.json()


def test_when_one_operation_is_refused_none_is_done(acme: Tenant) -> None:
    scim = acme.scim()
    before = created(scim)
    refused = patch(
        scim,
        before["id"],
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "nonsense", "value": "x"},
    )
    assert_error(refused, 400, "invalidPath", "nonsense")
    assert scim.get(f"/Users/{before['id']}").json() == before


@pytest.mark.parametrize("operations", [[], [{"op": "replace", "value": {"active": True}}]])
def test_a_patch_that_changes_nothing_leaves_the_version(acme: Tenant, operations: list[Document]) -> None:
    scim = acme.scim()
    before = created(scim)
    answer: httpx2.Response = patch(scim, before["id"], *operations)
    assert (answer.status_code, answer.json()) == (200, before)
