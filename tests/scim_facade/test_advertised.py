"""What /Schemas, /ResourceTypes and /ServiceProviderConfig advertise is done, and what they do not is refused.

The tests know no attribute by its name: they are made from what the discovery endpoints say.
"""

from typing import Any

import httpx2
import pytest

from tests.scim_facade.advertised import Attribute, Author, Document, Kind, kinds, parts
from tests.scim_facade.people import PATCH, assert_error, created, somebody
from tests.stage import Server


class Asked:
    """A workspace, what it advertises and somebody who writes resources for it."""

    def __init__(self, scim: httpx2.Client) -> None:
        self.scim = scim
        self.kinds = kinds(scim)
        bob = created(scim)
        self.author = Author({"User": (bob["id"], bob["meta"]["location"])})

    def each(self, *, written: bool | None = None) -> list[tuple[Kind, Attribute]]:
        """Every attribute of every kind; those that may be written, or may not, where that is asked for."""
        return [
            (kind, each) for kind in self.kinds for each in kind.all if written is None or each.is_written is written
        ]

    def post(self, kind: Kind, document: Document) -> httpx2.Response:
        return self.scim.post(kind.endpoint, json=document)

    def made(self, kind: Kind, document: Document | None = None) -> Document:
        """A new resource as it is read."""
        document = self.author.resource(kind, whole=True) if document is None else document
        answer = self.post(kind, document)
        assert answer.status_code == 201, answer.text
        return self.read(kind, answer.json()["id"])

    def read(self, kind: Kind, id: str, **asked: str) -> Document:
        answer = self.scim.get(f"{kind.endpoint}/{id}", params=asked)
        assert answer.status_code == 200, answer.text
        document: Document = answer.json()
        return document

    def patch(self, kind: Kind, id: str, **operation: Any) -> httpx2.Response:
        return self.scim.patch(f"{kind.endpoint}/{id}", json={"schemas": [PATCH], "Operations": [operation]})


@pytest.fixture(scope="module")
def asked(server: Server) -> Asked:
    return Asked(server.found_another().scim())


@pytest.fixture(scope="module")
def config(asked: Asked) -> dict[str, Any]:
    """What the service says that it can do."""
    body: dict[str, Any] = asked.scim.get("/ServiceProviderConfig").json()
    return body


def assert_same(attribute: Attribute, wanted: Any, got: Any) -> None:
    """What was written is there; parts that the service adds may be there too."""
    if isinstance(wanted, list):
        assert len(wanted) == len(got), attribute.path
        for one, other in zip(wanted, got, strict=True):
            assert_same(attribute, one, other)
    elif isinstance(wanted, dict):
        for name, value in wanted.items():
            assert got[name] == value, (attribute.path, name)
    else:
        assert got == wanted, attribute.path


def test_there_is_something_to_ask_about(asked: Asked) -> None:
    assert {kind.name for kind in asked.kinds} >= {"User"}
    assert len(asked.each(written=True)) > 60
    assert len(asked.each(written=False)) >= 2


def test_what_may_be_written_is_read_back_as_it_was_written(asked: Asked) -> None:
    for kind in asked.kinds:
        sent = asked.author.resource(kind, whole=True)
        made = asked.made(kind, sent)
        for each in kind.attributes:
            if each.is_written:
                assert_same(each, each.of(sent), each.of(made))
        assert made["meta"]["resourceType"] == kind.name
        assert asked.scim.get(made["meta"]["location"].partition("/v2")[2]).json() == made


def test_what_must_be_sent_is_missed_and_the_rest_is_not(asked: Asked) -> None:
    for kind in asked.kinds:
        least = asked.author.resource(kind, whole=False)
        asked.made(kind, least)
        for each in kind.attributes:
            if each["required"] and each.is_written:
                without = {name: value for name, value in least.items() if name != each["name"]}
                assert_error(asked.post(kind, without), 400, "invalidValue", each.path)


def test_every_value_can_be_replaced_by_name(asked: Asked) -> None:
    for kind, each in asked.each(written=True):
        if not each.has_one_value and each.above is not None:
            continue
        made = asked.made(kind, asked.author.resource(kind, whole=False))
        value = False if each["type"] == "boolean" else asked.author.value(each)
        answer = asked.patch(kind, made["id"], op="replace", path=each.path, value=value)
        assert answer.is_success, (each.path, answer.text)
        after = asked.read(kind, made["id"])
        assert_same(each, value, each.of(after))
        assert after["meta"]["version"] != made["meta"]["version"] or value == each.of(made), each.path


def test_every_value_can_be_removed_by_name_unless_there_must_be_one(asked: Asked) -> None:
    for kind, each in asked.each(written=True):
        if each.above is not None and (not each.has_one_value or each.above.above is not None):
            continue
        made = asked.made(kind)
        answer = asked.patch(kind, made["id"], op="remove", path=each.path)
        after = asked.read(kind, made["id"])
        if each["required"] or (each["type"] == "boolean" and each.above is None):
            assert_error(answer, 400, "mutability", each.path)
            assert after == made
        else:
            assert answer.is_success, (each.path, answer.text)
            assert each.of(after) in (None, []), each.path  # RFC 7643, 2.5: both say that there is no value


def test_what_is_read_only_is_ignored_in_a_resource_and_refused_in_a_patch(asked: Asked) -> None:
    for kind, each in asked.each(written=False):
        if each.above is not None:
            continue
        value = {} if each["type"] == "complex" else "x"
        made = asked.made(
            kind, {**asked.author.resource(kind, whole=True), each["name"]: [value] if each["multiValued"] else value}
        )
        assert each.of(made) != value
        for op in ("add", "replace", "remove"):
            assert_error(asked.patch(kind, made["id"], op=op, path=each.path, value="x"), 400, "mutability", each.path)
        assert asked.read(kind, made["id"]) == made


def test_what_is_returned_is_what_is_said_to_be(asked: Asked) -> None:
    for kind in asked.kinds:
        made = asked.made(kind)
        required = next(each for each in kind.attributes if each["required"])
        for each in kind.attributes:
            wanted = asked.read(kind, made["id"], attributes=each.path)
            unwanted = asked.read(kind, made["id"], excludedAttributes=each.path)
            others = asked.read(kind, made["id"], attributes=required.path)
            present = [each.of(one) is not None for one in (made, wanted, unwanted, others)]
            if each["mutability"] == "readOnly" and not any(present):
                continue  # nothing was ever there
            expected = {
                "always": [True, True, True, True],
                "default": [True, True, False, each.path == required.path],
                "request": [False, True, False, each.path == required.path],
                "never": [False, False, False, False],
            }
            assert present == expected[each["returned"]], each.path


def test_a_part_can_be_asked_for_and_left_out(asked: Asked) -> None:
    for kind in asked.kinds:
        made = asked.made(kind)
        for each in kind.all:
            if each.above is None or each.of(made) is None:
                continue
            wanted = asked.read(kind, made["id"], attributes=each.path)
            unwanted = asked.read(kind, made["id"], excludedAttributes=each.path)
            assert each.of(wanted) == each.of(made), each.path
            assert each.of(unwanted) is None, each.path


def test_case_counts_where_it_is_said_to(asked: Asked) -> None:
    searched = set()
    for kind in asked.kinds:
        made = asked.made(kind)
        for each in kind.all:
            value = each.of(made)
            text = value[0] if isinstance(value, list) else value
            if not isinstance(text, str) or each["type"] == "dateTime":
                continue
            same, other = (
                asked.scim.get(kind.endpoint, params={"filter": f'{each.path} eq "{one}"', "count": 1000})
                for one in (text, text.swapcase())
            )
            if same.status_code == 400:
                assert_error(same, 400, "invalidFilter", each.path)
                assert_error(other, 400, "invalidFilter", each.path)
                continue
            searched.add(each.path)
            assert made["id"] in [one["id"] for one in same.json()["Resources"]], each.path
            found = made["id"] in [one["id"] for one in other.json()["Resources"]]
            assert found is (not each["caseExact"] or text.swapcase() == text), each.path
    assert searched >= {"id", "externalId", "userName", "emails.value"}


def test_what_is_unique_is_refused_the_second_time_and_the_rest_is_not(asked: Asked) -> None:
    for kind in asked.kinds:
        sent = asked.author.resource(kind, whole=True)
        made = asked.made(kind, sent)
        fresh = asked.author.resource(kind, whole=True)
        unique = [each for each in kind.attributes if each.is_written and each.is_unique]
        again = dict(sent)
        for each in unique:
            again = each.put(again, each.of(fresh))
        asked.made(kind, again)
        for each in unique:
            spellings = [each.of(sent)] if each["caseExact"] else [each.of(sent), each.of(sent).swapcase()]
            for value in spellings:
                twin = each.put(asked.author.resource(kind, whole=True), value)
                assert_error(asked.post(kind, twin), 409, "uniqueness", each.path)
        assert asked.read(kind, made["id"]) == made


def test_canonical_values_are_taken_and_so_are_others(asked: Asked) -> None:
    for kind in asked.kinds:
        for each in kind.attributes:
            for part in parts(each):
                if not part.is_written or not part.definition.get("canonicalValues") or not each["multiValued"]:
                    continue
                values = part["canonicalValues"]
                if len(values) == 1:
                    continue  # the type of what is referred to, not a choice
                for value in (*values, "another"):
                    sent = asked.author.resource(kind, whole=True)
                    each.of(sent)[0][part["name"]] = value
                    assert part.of(asked.made(kind, sent)) == [value], part.path


def test_a_list_is_taken_where_there_may_be_several_values_only(asked: Asked) -> None:
    for kind, each in asked.each(written=True):
        if each.above is not None:
            continue
        sent = asked.author.resource(kind, whole=True)
        if each["multiValued"]:
            second = asked.author.value(each)[0]
            second.pop("primary", None)
            both = [*each.of(sent), second]
            made = asked.made(kind, each.put(sent, both))
            assert len(each.of(made)) == (
                2 if second.get("value") != each.of(sent)[0].get("value") or "value" not in second else 1
            )
        else:
            several = [asked.author.value(each), asked.author.value(each)]
            assert_error(asked.post(kind, each.put(sent, several)), 400, "invalidValue", each.path)


def test_a_value_of_another_type_is_refused_by_name(asked: Asked) -> None:
    wrong: dict[str, list[Any]] = {"boolean": ["banana", 1, {}], "complex": [5, True]}
    for kind, each in asked.each(written=True):
        if not each.has_one_value:
            continue
        for value in wrong.get(each["type"], [5, True, {"a": "b"}]):
            sent = each.put(asked.author.resource(kind, whole=True), value)
            assert_error(asked.post(kind, sent), 400, "invalidValue", each.path)


def test_what_is_not_advertised_is_not_kept_and_nothing_can_be_done_to_it(asked: Asked) -> None:
    for kind in asked.kinds:
        names = {each["name"].lower() for each in kind.attributes}
        made = asked.made(kind, {**asked.author.resource(kind, whole=True), "nonsense": "x", "password": "secret"})
        assert {name.lower() for name in made} <= names | {"schemas"} | {
            (each.extension or "").lower() for each in kind.attributes
        }
        for path in (
            "nonsense",
            f"{kind.attributes[-1].path}.nonsense",
            "urn:nonsense:nonsense",
            'nonsense[value eq "x"]',
        ):
            for op in ("add", "replace", "remove"):
                assert_error(asked.patch(kind, made["id"], op=op, path=path, value="x"), 400, "invalidPath", path)
            answer = asked.scim.get(kind.endpoint, params={"filter": f'{path.partition("[")[0]} eq "x"'})
            assert_error(answer, 400, "invalidFilter")
        assert asked.read(kind, made["id"]) == made


# /ServiceProviderConfig


def test_entity_tags_and_patch_are_there_as_advertised(asked: Asked, config: dict[str, Any]) -> None:
    assert config["etag"]["supported"]
    assert config["patch"]["supported"]
    for kind in asked.kinds:
        made = asked.made(kind)
        headers = {"If-None-Match": made["meta"]["version"]}
        assert asked.scim.get(f"{kind.endpoint}/{made['id']}", headers=headers).status_code == 304
        assert asked.patch(kind, made["id"], op="replace", path="externalId", value="x").is_success


def test_sorting_is_done_or_refused_as_advertised(asked: Asked, config: dict[str, Any]) -> None:
    for kind in asked.kinds:
        first = next(each for each in kind.attributes if each["required"])
        answer = asked.scim.get(kind.endpoint, params={"sortBy": first.path, "sortOrder": "descending"})
        if config["sort"]["supported"]:
            values = [first.of(each).lower() for each in answer.json()["Resources"]]
            assert values == sorted(values, reverse=True)
        else:
            assert_error(answer, 400, "invalidValue", "sortBy")


def test_passwords_are_not_kept_as_advertised(asked: Asked, config: dict[str, Any]) -> None:
    assert not config["changePassword"]["supported"]
    made = created(asked.scim, password="t1meMa$heen")
    answer = asked.scim.patch(
        f"/Users/{made['id']}", json={"Operations": [{"op": "replace", "value": {"password": "n3w"}}]}
    )
    assert answer.json() == made
    assert "password" not in answer.text


def test_pages_are_as_large_as_advertised(server: Server, config: dict[str, Any]) -> None:
    most, usual = config["pagination"]["maxPageSize"], config["pagination"]["defaultPageSize"]
    assert config["filter"]["maxResults"] == most
    scim = server.found_another().scim()
    operations = [{"method": "POST", "path": "/Users", "bulkId": str(n), "data": somebody()} for n in range(most)]
    at_once = config["bulk"]["maxOperations"]
    for begin in range(0, most, at_once):
        answer = scim.post("/Bulk", json={"Operations": operations[begin : begin + at_once]})
        assert {each["status"] for each in answer.json()["Operations"]} == {"201"}
    for count, expected in (({}, usual), ({"count": most}, most), ({"count": 10 * most}, most), ({"count": 0}, 0)):
        page = scim.get("/Users", params=count).json()
        assert (page["itemsPerPage"], len(page["Resources"]), page["totalResults"]) == (expected, expected, most + 1)


def test_keys_are_shown_as_advertised_and_in_no_other_way(asked: Asked, config: dict[str, Any]) -> None:
    assert [each["type"] for each in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert asked.scim.headers["authorization"].startswith("Bearer ")
    assert asked.scim.get("/Users").status_code == 200
    key = asked.scim.headers["authorization"].partition(" ")[2]
    assert_error(asked.scim.get("/Users", headers={"Authorization": httpx_basic(key)}), 401)


def httpx_basic(key: str) -> str:
    """The key as HTTP's Basic scheme shows a password."""
    request = next(httpx2.BasicAuth("key", key).auth_flow(httpx2.Request("GET", "http://localhost")))
    return str(request.headers["authorization"])


def test_there_are_no_other_resources_than_those_advertised(asked: Asked) -> None:
    endpoints = {kind.endpoint for kind in asked.kinds}
    for path in ("/Devices", "/Entitlements", "/Roles", "/Nonsense"):
        assert path not in endpoints
        assert_error(asked.scim.get(path), 404)
        assert_error(asked.scim.post(path, json={}), 404)
