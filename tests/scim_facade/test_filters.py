"""What can be found with a filter; everything else is refused by name: never everybody, never silently nobody."""

import time

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_facade.filters import Compare, Filter, Junction, Not, Present, Within, parse_filter
from scim_facade.messages import Rejected
from scim_facade.queries import search_of
from scim_facade.user_attributes import USER
from tests.scim_facade.people import assert_error, created, found
from tests.stage import Tenant


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('userName eq "bob"', Compare("userName", "eq", "bob")),
        ('userName EQ "b\\"o\\\\b \\u00e9"', Compare("userName", "eq", 'b"o\\b é')),
        ("active eq true", Compare("active", "eq", True)),
        ("title eq null", Compare("title", "eq", None)),
        ("n gt 5 and m le 1.5", Junction("and", (Compare("n", "gt", 5), Compare("m", "le", 1.5)))),
        ("title pr", Present("title")),
        ("not (title pr)", Not(Present("title"))),
        ('emails[type eq "work"]', Within("emails", Compare("type", "eq", "work"))),
        (
            "a pr or b pr and c pr",
            Junction("or", (Present("a"), Junction("and", (Present("b"), Present("c"))))),
        ),
        (
            "(a pr or b pr) and c pr",
            Junction("and", (Junction("or", (Present("a"), Present("b"))), Present("c"))),
        ),
        (
            'urn:ietf:params:scim:schemas:core:2.0:User:name.givenName sw "B"',
            Compare("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", "sw", "B"),
        ),
    ],
)
def test_filters_are_read(text: str, tree: Filter) -> None:
    assert parse_filter(text) == tree


UNREADABLE = [
    "",
    "userName",
    "userName eq",
    "userName eq bob",
    'userName eq "bob',
    'userName is "bob"',
    'userName eq "bob" and',
    'userName eq "bob" userName',
    '(userName eq "bob"',
    'userName eq "bob")',
    'emails[type eq "work"',
    'not userName eq "bob"',
    '"bob" eq userName',
    'userName eq "\\ud800"',
    'userName eq "\\u0000"',
    'userName eq "\\q"',
    "5 eq 5",
    "(" * 10_000,
    "not(" * 500 + "a pr" + ")" * 500,
    "x" * 64_000,
]


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: text[:20])
def test_what_is_no_filter_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(Rejected) as refused:
        parse_filter(text)
    assert (refused.value.status, refused.value.scim_type) == (400, "invalidFilter")
    assert time.perf_counter() - begun < 1.0


@given(st.text(alphabet='abc "()[]\\.:$01', max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        parse_filter(text)
    except Rejected as refused:
        assert refused.scim_type == "invalidFilter"  # noqa: PT017 - the other way out is a tree


@pytest.mark.parametrize(
    "text",
    [
        'nonsense eq "x"',
        'password sw "$"',
        "tenantId pr",
        'name eq "Bob"',
        'name.nonsense eq "Bob"',
        'emails[nonsense eq "x"]',
        'emails[emails.value eq "x"]',
        'emails[value[type eq "x"]]',
        'userName[value eq "x"]',
        'addresses eq "Berlin"',
        "userName eq 5",
        "userName gt null",
        "active gt true",
        'active co "t"',
        'active eq "yes"',
        'x509Certificates.value sw "M"',
        'meta.created co "2026"',
        'meta.created gt "yesterday"',
        'meta.created gt "2026-11-25"',
        "meta.lastModified gt 5",
        'meta.location eq "x"',
        'meta.resourceType sw "U"',
        'urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x"',
        " and ".join(['userName eq "a"'] * 51),
    ],
    ids=lambda text: text[:40],
)
def test_what_cannot_be_found_is_refused_by_name(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        search_of(USER, text)
    assert (refused.value.status, refused.value.scim_type) == (400, "invalidFilter")


def test_filters_of_one_shape_share_one_statement() -> None:
    first, second = search_of(USER, 'userName eq "Bob"'), search_of(USER, 'userName eq "ANN"')
    assert first.query is second.query
    assert (first.parameters, second.parameters) == ({"value_0": "bob"}, {"value_0": "ann"})


@pytest.fixture
def scim(acme: Tenant) -> httpx2.Client:
    return acme.scim()


def test_people_are_found_by_name_id_external_id_and_address(scim: httpx2.Client) -> None:
    bob, _ = created(scim), created(scim)
    address = bob["emails"][0]["value"]
    for text in (
        f'userName eq "{bob["userName"]}"',
        f'username EQ "{bob["userName"].upper()}"',
        f'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "{bob["userName"]}"',
        f'externalId eq "{bob["externalId"]}"',
        f'id eq "{bob["id"]}"',
        f'emails.value eq "{address.upper()}"',
        f'emails[value eq "{address}"]',
        f'emails eq "{address}"',
        f'id eq "{bob["id"]}" and userName eq "{bob["userName"]}" and emails.value eq "{address}"',
    ):
        assert found(scim, text) == [bob], text


def test_nobody_found_is_an_empty_list(scim: httpx2.Client) -> None:
    bob = created(scim)
    for text in (
        'userName eq "nobody@acme.example"',
        f'externalId eq "{bob["externalId"].upper()}"',
        f'id eq "{bob["id"].upper()}"',
        'userName eq "a\' OR 1=1--"',
        'userName eq "%"',
        'emails.value eq "_"',
        f'id eq "{bob["id"]}" and userName eq "somebody else"',
    ):
        assert found(scim, text) == [], text


def test_two_people_may_share_an_address(scim: httpx2.Client) -> None:
    bob = created(scim)
    ann = created(scim, emails=bob["emails"])
    assert found(scim, f'emails.value eq "{bob["emails"][0]["value"]}"') == [bob, ann]


def test_user_names_chosen_to_hurt_are_kept_and_found(scim: httpx2.Client) -> None:
    for name in ("dave_%", "50% off", 'quo"te', "back\\slash", "plus+sign", "é Ünïcode 名", "a b", "[x]", "o'hara"):
        person = created(scim, userName=name)
        assert person["userName"] == name
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        assert found(scim, f'userName eq "{escaped}"') == [person]
        assert scim.delete(f"/Users/{person['id']}").status_code == 204


def test_over_http_a_bad_filter_is_a_scim_error(scim: httpx2.Client) -> None:
    assert_error(scim.get("/Users", params={"filter": "externalId eq jyoung"}), 400, "invalidFilter", "jyoung")
    assert_error(scim.get("/Users", params={"filter": 'nonsense eq "x"'}), 400, "invalidFilter", "nonsense")
