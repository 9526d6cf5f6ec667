"""The rehearsal's case files, placeholders and matchers, and where it will not play."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from headcount.rehearsal.cases import CannotRehearseError, load, load_folder
from headcount.rehearsal.matchers import Actual, Nothing, differences
from headcount.rehearsal.placeholders import MissingValueError, fill, fill_text, merged
from headcount.rehearsal.target import target
from tests.headcount.rehearsing import script, step

# ---- case files


@pytest.mark.parametrize(
    ("provider", "least"), [("okta", 26), ("entra", 9), ("onelogin", 2), ("jumpcloud", 2), ("google", 2)]
)
def test_every_case_names_a_public_source(provider: str, least: int) -> None:
    script = load(provider)
    assert len(script.cases) >= least
    assert script.cases[0].gate
    for sources in (script.provider.sources, *(case.sources for case in script.cases)):
        assert any("https://" in source for source in sources), sources


@pytest.mark.parametrize("provider", ["okta", "entra", "onelogin", "jumpcloud", "google"])
def test_every_user_that_a_case_creates_carries_the_runs_marker(provider: str) -> None:
    for case in load(provider).cases:
        for each in case.steps:
            if (each.request.method, each.request.path) == ("POST", "/Users"):
                assert "{{run}}" in json.dumps(each.request.body), (case.title, each.title)
            user_name = each.request.merge.get("userName", "{{run}}")
            assert "{{run}}" in str(user_name), (case.title, each.title)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"titel": "A case"}, "titel: Extra inputs are not permitted"),
        ({"sources": []}, "sources"),
        ({"steps": [step() | {"requird": True}]}, "steps.0.requird"),
        ({"steps": [step(method="FETCH")]}, "steps.0.request.method"),
        ({"steps": [step(path="Users")]}, "steps.0.request.path"),
        ({"steps": [step(expected={"id": {"$typ": "text"}})]}, "$typ is not an operator"),
        ({"steps": [step(expected={"id": {"$type": "uuid"}})]}, '$type cannot take "uuid"'),
        ({"steps": [step(expected={"id": {"$absent": True, "more": 1}})]}, "$absent stands beside other keys"),
        ({"steps": [step(expected={"$any": [{"$nope": 1}]})]}, "$nope is not an operator"),
        ({"steps": [step(path="/Users/{{user.id}}")]}, "nothing before this step is called user"),
        ({"steps": [step(query={"filter": "{{token}}"})]}, "nothing before this step is called token"),
        ({"steps": [step(body={"a": 1})]}, "a GET has no body"),
        ({"steps": [step("PUT", merge={"a": 1})]}, "merge and without need body_from"),
        ({"steps": [step(pages=True)]}, "pages needs a count"),
    ],
)
def test_a_case_file_that_is_not_as_it_must_be_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(CannotRehearseError, match=r"01-case\.json") as refused:
        script(tmp_path, **{"steps": [step()], **change})
    assert told in str(refused.value)


def test_a_case_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    script(tmp_path, step())
    (tmp_path / "02-broken.json").write_text("{")
    with pytest.raises(CannotRehearseError, match=r"02-broken\.json"):
        load_folder(tmp_path)


def test_an_unknown_provider_is_answered_with_those_there_are() -> None:
    with pytest.raises(CannotRehearseError, match="choose one of: entra, google, jumpcloud, okta, onelogin"):
        load("okto")


# ---- placeholders and matchers

NAMES: dict[str, JsonValue] = {"run": "ab12", "user": {"id": "u/1", "n": 3, "emails": [{"value": "x"}], "$ref": "?"}}


def test_a_placeholder_by_itself_keeps_its_type_and_inside_text_becomes_text() -> None:
    template: JsonValue = {"a": "{{user}}", "b": ["{{user.n}}"], "c": "r-{{run}}-{{user.n}}", "d": None}
    assert fill(template, NAMES) == {"a": NAMES["user"], "b": [3], "c": "r-ab12-3", "d": None}
    assert fill("{{user.emails.0.value}}", NAMES) == "x"
    assert fill_text("/Users/{{user.id}}", NAMES, escaped=lambda text: text.replace("/", "%2F")) == "/Users/u%2F1"


@pytest.mark.parametrize("template", ["{{user.name}}", "{{user.emails.1.value}}", "{{user.emails.x}}", "{{nobody}}"])
def test_a_placeholder_for_nothing_is_told(template: str) -> None:
    with pytest.raises(MissingValueError):
        fill(template, NAMES)


def test_merging_lays_objects_over_each_other_and_sends_null_as_null() -> None:
    base: JsonValue = {"name": {"givenName": "A", "familyName": "B"}, "emails": [1, 2], "title": "T"}
    changes: dict[str, JsonValue] = {"name": {"givenName": "C"}, "emails": [3], "title": None}
    assert merged(base, changes) == {"name": {"givenName": "C", "familyName": "B"}, "emails": [3], "title": None}
    assert base == {"name": {"givenName": "A", "familyName": "B"}, "emails": [1, 2], "title": "T"}


@pytest.mark.parametrize(
    ("expected", "good", "bad"),
    [
        (1, [1], [2, "1", True, 1.5, None, Nothing.ABSENT]),
        (True, [True], [1, "true", False]),
        (None, [None], [False, "", Nothing.ABSENT]),
        ("ab12", ["ab12"], ["AB12", Nothing.ABSENT]),
        ("{{run}}", ["ab12"], ["{{run}}"]),
        ("{{user}}", [NAMES["user"]], [{}, NAMES["run"]]),
        ({"a": 1}, [{"a": 1, "b": 2}], [{"b": 2}, {"a": "1"}, [1], None]),
        ([1, {"a": 2}], [[1, {"a": 2, "b": 3}]], [[1], [1, {}], {"0": 1}]),
        ({"$type": "integer"}, [0, 7], ["7", True, 1.5, None]),
        ({"$type": "boolean"}, [True], ["true", 1]),
        ({"$type": "text"}, ["x"], ["", " ", 1, Nothing.ABSENT]),
        ({"$type": "string"}, ["", "x"], [1]),
        ({"$type": "list"}, [[]], [{}, None]),
        ({"$type": "object"}, [{}], [[]]),
        ({"$absent": True}, [Nothing.ABSENT], [None, "", 0]),
        ({"$empty": True}, [Nothing.ABSENT, None, "", [], {}], [0, False, "x", [None]]),
        ({"$contains": [{"a": 1}, 2]}, [[2, 3, {"a": 1, "b": 1}]], [[2], [{"a": 1}], {"a": 1}, Nothing.ABSENT]),
        ({"$any": [1, {"$type": "text"}]}, [1, "x"], [2, ""]),
        ({"$all": [{"$length": 2}, {"$distinct": "id"}]}, [[{"id": 1}, {"id": 2}]], [[{"id": 1}], [{"id": 1}] * 2]),
        ({"$length": "{{user.n}}"}, [[1, 2, 3]], [[1], "abc"]),
        ({"$distinct": "id"}, [[{"id": "1"}, {"id": "2"}], []], [[{"id": "1"}, {"id": "1"}], [1], None]),
        ({"$starts": "Bearer"}, ['Bearer realm="x"'], ["Basic", Nothing.ABSENT]),
        ({"$ends": "/{{user.id}}"}, ["https://x/u/1"], ["https://x/u/2", 1]),
    ],
)
def test_matchers(expected: JsonValue, good: list[Actual], bad: list[Actual]) -> None:
    for actual in good:
        assert list(differences(expected, actual, NAMES)) == [], actual
    for actual in bad:
        assert list(differences(expected, actual, NAMES)), actual


def test_a_difference_says_where_and_what() -> None:
    expected: JsonValue = {"Resources": [{"startIndex": {"$type": "integer"}}], "id": "{{answer.id}}"}
    assert list(differences(expected, {"Resources": [{"startIndex": "1"}], "id": "u1"}, NAMES)) == [
        'Resources[0].startIndex: expected a whole number, got "1"',
        "id: cannot be compared, no earlier answer holds answer.id",
    ]


# ---- where it plays


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://example.com/scim/v2/", "abc"),
        (" http://localhost:8000/scim/v2 ", "Bearer abc"),
        ("https://[::1]", "abc "),
    ],
)
def test_a_target_is_tidied(url: str, token: str) -> None:
    to = target(url, token)
    assert to.base_url == url.strip().rstrip("/")
    assert to.token == "abc"
    assert "abc" not in repr(to)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "must begin with https://"),
        ("example.com/scim/v2", "must begin with https://"),
        ("ftp://example.com", "must begin with https://"),
        ("https:///scim", "must begin with https://"),
        ("https://acme_corp.example.com/scim/v2", "underscore"),
        ("https://example.com/scim_v2", "underscore"),
        ("https://example.com/scim/v2?aadOptscim062020", "leave out everything from the ?"),
        ("https://example.com/scim/v2#x", "leave out everything from the ?"),
        ("https://me:secret@example.com/scim/v2", "user name or password"),
        ("https://example.com/scim/v2/Users", "leave out /Users"),
        ("https://example.com:port/", "cannot be read"),
    ],
)
def test_a_base_url_that_no_provider_could_use_is_refused_with_what_to_do(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        target(url, "abc")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "tokén", "a\nb"])
def test_a_token_that_no_header_could_carry_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="The token") as refused:
        target("https://example.com", token)
    assert not token.strip() or token not in str(refused.value)
