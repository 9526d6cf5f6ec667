"""Entity tags: If-Match and If-None-Match (RFC 7644, 3.14; RFC 9110, 13)."""

from typing import Any

import httpx2
import pytest

from tests.scim_facade.people import PATCH, assert_error, created, somebody
from tests.stage import Tenant

METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE"]


@pytest.fixture
def scim(acme: Tenant) -> httpx2.Client:
    return acme.scim()


@pytest.fixture
def bob(scim: httpx2.Client) -> dict[str, Any]:
    """Somebody in version 12, so that 1 and 2 are versions of the past."""
    made = created(scim)
    for number in range(11):
        made = scim.put(f"/Users/{made['id']}", json={**made, "title": str(number)}).json()
    assert made["meta"]["version"] == 'W/"12"'
    return made


def asked(scim: httpx2.Client, method: str, bob: dict[str, Any], **headers: str) -> httpx2.Response:
    """A request about Bob; one that changes him changes his title."""
    body: dict[str, Any] | None = None
    if method == "PUT":
        body = {**bob, "title": "Baker"}
    if method == "PATCH":
        body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Baker"}]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return scim.request(method, f"/Users/{bob['id']}", json=body, headers=named)


def assert_done(scim: httpx2.Client, method: str, bob: dict[str, Any], answer: httpx2.Response) -> None:
    """The request was served; what changed him gave him the next version, which the answer names."""
    assert answer.status_code == (204 if method == "DELETE" else 200), answer.text
    if method in ("GET", "HEAD"):
        assert answer.headers["etag"] == 'W/"12"'
    elif method == "DELETE":
        assert scim.get(f"/Users/{bob['id']}").status_code == 404
    else:
        assert answer.headers["etag"] == answer.json()["meta"]["version"] == 'W/"13"'


def assert_unmet(scim: httpx2.Client, bob: dict[str, Any], answer: httpx2.Response) -> None:
    """412, and Bob is as he was."""
    if answer.request.method == "HEAD":
        assert (answer.status_code, answer.content) == (412, b"")
    else:
        assert_error(answer, 412, None, bob["id"], "read it again")
    assert scim.get(f"/Users/{bob['id']}").json() == bob


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "tags", ["*", 'W/"12"', '"12"', 'W/"11", W/"12"', '"x","12"', ', ,W/"12",', '"a,b" , "12"', 'W/"",W/"12"']
)
def test_if_match_lets_the_named_versions_pass(
    scim: httpx2.Client, bob: dict[str, Any], method: str, tags: str
) -> None:
    assert_done(scim, method, bob, asked(scim, method, bob, If_Match=tags))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tags", ['W/"1"', '"2"', 'W/"012"', '"W/12"', 'W/"1", W/"2"', '"1,12"', '"*"', '""'])
def test_if_match_refuses_every_other_version(scim: httpx2.Client, bob: dict[str, Any], method: str, tags: str) -> None:
    assert_unmet(scim, bob, asked(scim, method, bob, If_Match=tags))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tags", ["*", 'W/"12"', '"12"', 'W/"1",\tW/"12"'])
def test_if_none_match_saves_the_body_of_the_version_that_is_known(
    scim: httpx2.Client, bob: dict[str, Any], method: str, tags: str
) -> None:
    answer = asked(scim, method, bob, If_None_Match=tags)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == 'W/"12"'
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("tags", ["*", 'W/"12"', '"x", "12"'])
def test_if_none_match_refuses_to_change_what_there_is(
    scim: httpx2.Client, bob: dict[str, Any], method: str, tags: str
) -> None:
    assert_unmet(scim, bob, asked(scim, method, bob, If_None_Match=tags))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tags", ['W/"1"', '"2"', 'W/"123"', '"1", "2"'])
def test_if_none_match_lets_every_other_version_pass(
    scim: httpx2.Client, bob: dict[str, Any], method: str, tags: str
) -> None:
    assert_done(scim, method, bob, asked(scim, method, bob, If_None_Match=tags))


@pytest.mark.parametrize("method", METHODS)
def test_of_both_headers_both_count_and_if_match_first(scim: httpx2.Client, bob: dict[str, Any], method: str) -> None:
    assert_unmet(scim, bob, asked(scim, method, bob, If_Match='"1"', If_None_Match='"12"'))
    assert_done(scim, method, bob, asked(scim, method, bob, If_Match='"12"', If_None_Match='"1"'))


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("tags", ["12", "", ",", "W/12", "W/", '"12', '12"', '"1" "12"', '*, "12"', 'w/"12"', "'12'"])
def test_what_is_no_entity_tag_is_refused_and_never_taken_for_none(scim: httpx2.Client, header: str, tags: str) -> None:
    made = created(scim)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert_error(asked(scim, method, made, **{header: tags}), 400, None, header, 'W/"1"')
    assert scim.get(f"/Users/{made['id']}").json() == made


def test_several_headers_are_one_list(scim: httpx2.Client, bob: dict[str, Any]) -> None:
    headers = [("If-Match", 'W/"1"'), ("If-Match", 'W/"12"')]
    answer = scim.request("DELETE", f"/Users/{bob['id']}", headers=headers)
    assert answer.status_code == 204


def test_a_list_without_end_is_read_in_linear_time(scim: httpx2.Client, bob: dict[str, Any]) -> None:
    for tags in (', "1"' * 10_000, "," * 50_000, '"' * 50_001):
        assert asked(scim, "GET", bob, If_Match=tags).status_code in (400, 412)


@pytest.mark.parametrize("method", METHODS)
def test_nobody_has_no_version(scim: httpx2.Client, method: str) -> None:
    nobody = {"id": "usr_1", "userName": "x"}
    for headers in ({"If_Match": "*"}, {"If_None_Match": "*"}, {"If_Match": 'W/"1"'}):
        assert asked(scim, method, nobody, **headers).status_code == 404


def test_creating_has_no_version_to_compare(scim: httpx2.Client) -> None:
    for header in ("If-Match", "If-None-Match"):
        answer = scim.post("/Users", json=somebody(), headers={header: "*"})
        assert answer.status_code == 201
        assert answer.headers["etag"] == answer.json()["meta"]["version"] == 'W/"1"'


def test_a_change_that_changes_nothing_keeps_the_version(scim: httpx2.Client, bob: dict[str, Any]) -> None:
    answer = scim.put(f"/Users/{bob['id']}", json=bob, headers={"If-Match": 'W/"12"'})
    assert answer.headers["etag"] == 'W/"12"'
    assert answer.json() == bob
