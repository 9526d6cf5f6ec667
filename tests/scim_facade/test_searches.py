"""Searches: the whole filter language, sorting, cursors and .search, against people chosen to be hard to tell apart."""

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim_facade.filters import Compare, Filter, Junction, Not, Present, Within
from tests.scim_facade.evaluator import compared, meets, values_of
from tests.scim_facade.people import CORE, ENTERPRISE, PATCH
from tests.stage import Server

Document = dict[str, Any]

NAMES = [
    "Ann",
    "ann",
    "ANN",
    "Änn",
    "ÄNN",
    "Bob",
    "bob%",
    "b_b",
    'b"b',
    "b\\b",
    "Straße",
    "名前",
    "a b",
    "",
    "Zoë",
    "zoe",
]
SINGLE = ["userName", "name.givenName", "name.familyName", "displayName", "title", "externalId", "profileUrl"]
SINGLE += [f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager.value", "id"]
PLURAL = {"emails": ["value", "type", "display"], "phoneNumbers": ["value", "type"], "photos": ["value", "type"]}
MOMENTS = ["meta.created", "meta.lastModified"]
TEXT_OPERATORS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]


def some_person(number: int, chance: random.Random) -> Document:
    """A person most of whose values others have as well."""

    def maybe(value: Any) -> Any:
        return value if chance.random() < 0.6 else None

    def plural(count: int) -> list[Document]:
        address, kind = f"{chance.choice(NAMES) or 'x'}@a.example", chance.choice(["work", "Home", None])
        values = [{"value": f"{number}{address}", "type": kind, "display": maybe("Änn")} for number in range(count)]
        return [*values[:-1], {**values[-1], "primary": chance.random() < 0.5}] if values else []

    return {
        "schemas": [CORE, ENTERPRISE],
        "userName": f"{chance.choice(NAMES)}{number}",
        "externalId": maybe(chance.choice(NAMES)),
        "name": {"givenName": maybe(chance.choice(NAMES)), "familyName": maybe(chance.choice(NAMES))},
        "displayName": maybe(chance.choice(NAMES)),
        "title": maybe(chance.choice(NAMES)),
        "profileUrl": maybe(f"https://a.example/{chance.choice(NAMES)}"),
        "active": chance.random() < 0.7,
        "emails": plural(chance.randrange(3)),
        "phoneNumbers": plural(chance.randrange(3)),
        "photos": plural(chance.randrange(2)),
        ENTERPRISE: {"department": maybe(chance.choice(NAMES)), "manager": maybe({"value": chance.choice(NAMES)})},
    }


class Crowd:
    """A workspace of forty people, and its directory. No dataclass: hypothesis would print all of them."""

    def __init__(self, scim: httpx2.Client, people: list[Document]) -> None:
        self.scim = scim
        self.people = people


def everybody(scim: httpx2.Client, **parameters: str) -> list[Document]:
    """All that a question finds."""
    answer = scim.get("/Users", params={"count": "1000", **parameters})
    assert answer.status_code == 200, answer.text
    people: list[Document] = answer.json()["Resources"]
    return people


@pytest.fixture(scope="module")
def crowd(server: Server) -> Iterator[Crowd]:
    """The crowd, some of whom have changed since they were made."""
    chance = random.Random(7)  # noqa: S311 - so that it is the same crowd each time
    with server.found_another().scim() as scim:
        for number in range(40):
            answer = scim.post("/Users", json=some_person(number, chance))
            assert answer.status_code == 201, answer.text
        for user in everybody(scim)[::5]:
            patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "nickName", "value": "x"}]}
            assert scim.patch(f"/Users/{user['id']}", json=patch).status_code == 200
        yield Crowd(scim, everybody(scim))


def written(tree: Filter) -> str:
    """A filter as a client writes it."""
    match tree:
        case Junction(word, parts):
            return f" {word} ".join(f"({written(part)})" for part in parts)
        case Not(inner):
            return f"not ({written(inner)})"
        case Present(path):
            return f"{path} pr"
        case Within(path, inner):
            return f"{path}[{written(inner)}]"
        case Compare(path, operator, value):
            return f"{path} {operator} {json.dumps(value)}"


def similar(draw: st.DrawFn, known: list[Any]) -> str:
    """A text that is one of these, or nearly so."""
    text = str(draw(st.sampled_from(known or NAMES)))
    return draw(st.sampled_from([text, text.upper(), text.lower(), text[1:], text[:-1], text[1:3], "", "%", "_"]))


@st.composite
def comparisons(draw: st.DrawFn, crowd: Crowd, paths: list[str], parent: str = "") -> Filter:
    """A comparison of an attribute with a value that somebody has, or nearly has."""
    path = draw(st.sampled_from(paths))
    if draw(st.integers(0, 7)) == 0:
        return Present(path)
    if path == "active" or path.endswith("primary"):
        return Compare(path, draw(st.sampled_from(["eq", "ne"])), draw(st.booleans()))
    if draw(st.integers(0, 15)) == 0:
        return Compare(path, draw(st.sampled_from(["eq", "ne"])), None)
    known = [value for person in crowd.people for value in values_of(person, f"{parent}{path}")]
    if path in MOMENTS:
        operator = draw(st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]))
        return Compare(path, operator, known[draw(st.integers(0, len(known) - 1))])
    return Compare(path, draw(st.sampled_from(TEXT_OPERATORS)), similar(draw, known))


@st.composite
def brackets(draw: st.DrawFn, crowd: Crowd) -> Filter:
    """A multi-valued attribute with a filter of its values."""
    path = draw(st.sampled_from(list(PLURAL)))
    parts = draw(st.lists(comparisons(crowd, [*PLURAL[path], "primary"], f"{path}."), min_size=1, max_size=3))
    inner = parts[0] if len(parts) == 1 else Junction(draw(WORDS), tuple(parts))
    return Within(path, Not(inner) if draw(st.booleans()) else inner)


WORDS = st.sampled_from(["and", "or"])


@st.composite
def filters(draw: st.DrawFn, crowd: Crowd, depth: int = 2) -> Filter:
    """Any filter."""
    kind = draw(st.integers(0, 6 if depth else 3))
    if kind >= 5:
        parts = draw(st.lists(filters(crowd, depth - 1), min_size=2, max_size=3))
        return Junction(draw(WORDS), tuple(parts))
    if kind == 4:
        return Not(draw(filters(crowd, depth - 1)))
    if kind == 3:
        return draw(brackets(crowd))
    plural = [f"{path}.{name}" for path, names in PLURAL.items() for name in [*names, "primary"]]
    return draw(comparisons(crowd, [*SINGLE, *plural, *MOMENTS, "active"]))


@given(data=st.data())
def test_a_search_finds_whom_a_reading_of_the_filter_finds(crowd: Crowd, data: st.DataObject) -> None:
    tree = data.draw(filters(crowd))
    found = everybody(crowd.scim, filter=written(tree))
    assert [each["id"] for each in found] == [each["id"] for each in crowd.people if meets(each, tree)], written(tree)


def sort_key(person: Document, path: str) -> tuple[bool, Any, str]:
    """What somebody is sorted by: of several values the primary one, else the first; without one, behind the others."""
    plural, _, part = path.partition(".")
    values = values_of(person, path)
    if plural in PLURAL:
        whole = person.get(plural, [])
        primary = [each for each in whole if each.get("primary") and each.get(part or "value") is not None]
        values = values_of((primary or whole or [{}])[0], part or "value")
    return (False, compared(path, values[0]), person["id"]) if values else (True, "", person["id"])


@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_people_come_in_the_order_that_is_asked_for(crowd: Crowd, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([*SINGLE, *MOMENTS, "active", "emails", "emails.type", "phoneNumbers"]))
    descending = data.draw(st.booleans())
    order = {"sortBy": path, "sortOrder": "descending" if descending else "Ascending"}
    in_order = sorted(crowd.people, key=lambda person: sort_key(person, path), reverse=descending)
    expected = [each["id"] for each in in_order]
    assert [each["id"] for each in everybody(crowd.scim, **order)] == expected
    assert walked(crowd.scim, 7, **order) == expected


def walked(scim: httpx2.Client, count: int, **parameters: str) -> list[str]:
    """The ids that a walk by cursor meets."""
    ids: list[str] = []
    cursor: str | None = ""
    total = -1
    while cursor is not None:
        answer = scim.get("/Users", params={"count": str(count), "cursor": cursor, **parameters})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert "startIndex" not in page
        assert len(page["Resources"]) == page["itemsPerPage"] <= count
        ids += [each["id"] for each in page["Resources"]]
        cursor, total = page.get("nextCursor"), page["totalResults"]
    assert total == len(ids)
    return ids
