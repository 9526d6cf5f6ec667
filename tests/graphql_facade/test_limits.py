"""How large an operation may be: each limit exactly, and one more. What is too large does nothing at all."""

import time

import pytest

from graphql_facade.limits import (
    MAX_ALIASES,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_ROOT_FIELDS,
    MAX_SIGN_INS,
    MAX_TOKENS,
)
from tests.graphql_facade.browser import Browser, Data, browser, nothing_happens
from tests.stage import PASSWORD, Tenant

SECONDS = 0.5  # for a refusal; where the machine is busy, one of several attempts must show it
FIELDS = ("id", "userName", "displayName", "givenName", "familyName", "email", "title", "status", "role", "managedBy")
CREATE = 'userCreate(input: {email: "too-large@acme.example"})'
SIGN_IN = f'signIn(input: {{email: "alice@acme.example", password: "{PASSWORD}"}})'
IN = "... on SignInPayload"

# As many levels as there may be, which is as many as the schema has.
DEEPEST = f"""mutation {{ {SIGN_IN} {{ {IN} {{
    viewer {{ workspace {{ users(first: 1) {{ edges {{ node {{ emails {{ address }} }} }} }} }} }}
}} }} }}"""


def tokens(number: int) -> str:
    """An operation of so many tokens."""
    frame = "{ viewer { user { } } }"
    repeated = (FIELDS[at % len(FIELDS)] for at in range(number - len(frame.split())))
    return "{ viewer { user { " + " ".join(repeated) + " } } }"


def aliases(number: int) -> str:
    """An operation of so many aliases, two in three by way of a fragment."""
    spread = number // 3
    own = " ".join(f"a{at}: id" for at in range(number - 2 * spread))
    fragment = " ".join(f"f{at}: email" for at in range(spread))
    return f"{{ viewer {{ user {{ {own} ...F ... on User {{ ...F }} }} }} }} fragment F on User {{ {fragment} }}"


def root_fields(number: int) -> str:
    """An operation of so many root fields, two of them in fragments."""
    own = "__typename " * (number - 2)
    return f"{{ {own} ...F ... on Query {{ __typename }} }} fragment F on Query {{ __typename }}"


def padded(number: int) -> str:
    """An operation of so many characters."""
    return "{ __typename } #".ljust(number, "x")


def refused(browser: Browser, document: str, limit: int, what: str) -> None:
    """The document is refused for this limit alone."""
    (error,) = browser.unread(document)
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": limit}
    assert f"{limit} {what}" in error["message"]


def unread(browser: Browser, document: str, limit: int, what: str) -> None:
    """The document is not read further than this limit."""
    (error,) = browser.unread(document)
    assert f"more than {limit} {what}" in error["message"]


def quickly(browser: Browser, document: str) -> list[Data]:
    """The errors of a document that is refused in no time."""
    spent = []
    for attempt in range(5):
        begun = time.monotonic()
        errors = browser.unread(f"#{attempt}\n{document}")  # what the server has read before it knows by heart
        spent.append(time.monotonic() - begun)
        if spent[-1] < SECONDS:
            return errors
    raise AssertionError(spent)


def test_the_limits_are_those_that_were_promised() -> None:
    assert (MAX_DEPTH, MAX_TOKENS, MAX_ALIASES, MAX_ROOT_FIELDS, MAX_SIGN_INS) == (8, 1_000, 15, 10, 1)


def test_fields_may_be_eight_levels_deep_and_no_deeper(acme: Tenant, alice: Browser) -> None:
    (edge,) = browser(acme).ask(DEEPEST)["signIn"]["viewer"]["workspace"]["users"]["edges"]
    assert edge["node"]["emails"][0]["address"].endswith("@acme.example")
    refused(alice, DEEPEST.replace("address", "address { length }"), MAX_DEPTH, "levels of fields")


def test_levels_count_in_fragments_too(acme: Tenant, alice: Browser) -> None:
    spread = f"""mutation {{ {SIGN_IN} {{ {IN} {{ ... {{ viewer {{ ...V }} }} }} }} }}
        fragment V on Viewer {{ workspace {{ ... on Workspace {{ ...W }} }} }}
        fragment W on Workspace {{ users(first: 1) {{ edges {{ node {{ emails {{ address }} }} }} }} }}"""
    assert "viewer" in browser(acme).ask(spread)["signIn"]
    refused(alice, spread.replace("address", "address { length }"), MAX_DEPTH, "levels of fields")


def test_there_may_be_fifteen_aliases_and_no_more(alice: Browser) -> None:
    assert len(alice.ask(aliases(15))["viewer"]["user"]) == 10  # five of them twice
    refused(alice, aliases(16), MAX_ALIASES, "aliases")


def test_there_may_be_ten_root_fields_and_no_more(alice: Browser) -> None:
    assert alice.ask(root_fields(10)) == {"__typename": "Query"}
    refused(alice, root_fields(11), MAX_ROOT_FIELDS, "root fields")


def test_there_may_be_one_sign_in_and_no_more(acme: Tenant, alice: Browser) -> None:
    assert browser(acme).ask(f"mutation {{ a: {SIGN_IN} {{ __typename }} }}") == {"a": {"__typename": "SignInPayload"}}
    twice = [
        f"mutation {{ a: {SIGN_IN} {{ __typename }} b: {SIGN_IN} {{ __typename }} }}",
        f"mutation {{ {SIGN_IN} {{ __typename }} ...F }} fragment F on Mutation {{ {SIGN_IN} {{ __typename }} }}",
        f"mutation {{ ...F ...F }} fragment F on Mutation {{ ... {{ {SIGN_IN} {{ __typename }} }} }}",
    ]
    for document in twice:
        refused(alice, document, MAX_SIGN_INS, "sign-ins")


def test_a_thousand_sign_ins_in_one_request_are_none(acme: Tenant, alice: Browser) -> None:
    document = "mutation {" + " ".join(f"a{at}: {SIGN_IN} {{ __typename }}" for at in range(1_000)) + "}"
    somebody = browser(acme)
    with nothing_happens(alice):
        assert len(quickly(somebody, document)) == 1
        for number in (11, 16, 70):
            some = "mutation {" + " ".join(f"a{at}: {SIGN_IN} {{ __typename }}" for at in range(number)) + "}"
            assert {error["extensions"]["code"] for error in quickly(somebody, some)} <= {
                "LIMIT_EXCEEDED",
                "INVALID_OPERATION",
            }
    assert somebody.cookies == []


def test_a_document_may_have_a_thousand_tokens_and_no_more(alice: Browser) -> None:
    assert len(alice.ask(tokens(MAX_TOKENS))["viewer"]["user"]) == len(FIELDS)
    unread(alice, tokens(MAX_TOKENS + 1), MAX_TOKENS, "tokens")


def test_a_document_may_have_so_many_characters_and_no_more(alice: Browser) -> None:
    assert alice.ask(padded(MAX_CHARACTERS)) == {"__typename": "Query"}
    unread(alice, padded(MAX_CHARACTERS + 1), MAX_CHARACTERS, "code points")


def test_a_document_may_have_a_thousand_comments_and_no_more(alice: Browser) -> None:
    assert alice.ask("#\n" * MAX_TOKENS + "{ __typename }") == {"__typename": "Query"}
    unread(alice, "#\n" * (MAX_TOKENS + 1) + "{ __typename }", MAX_TOKENS, "comments")


def test_every_operation_of_a_document_is_measured(alice: Browser) -> None:
    document = f"query Small {{ __typename }} query Large {{ {'__typename ' * 11} }}"
    answer = alice.client.post("/graphql", json={"query": document, "operationName": "Small"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": MAX_ROOT_FIELDS}


USER = "... on UserCreatePayload { user"
TOO_LARGE = {
    "depth": f"mutation {{ {CREATE} {{ {'a { ' * 7} a {'} ' * 7} }} }}",
    "root fields": f"mutation {{ {CREATE} {{ __typename }} {'__typename ' * 10} }}",
    "aliases": f"mutation {{ {CREATE} {{ {USER} {{ {' '.join(f'a{at}: id' for at in range(16))} }} }} }} }}",
    "sign-ins": f"mutation {{ {CREATE} {{ __typename }} {SIGN_IN} {{ __typename }} {SIGN_IN} {{ __typename }} }}",
    "tokens": f"mutation {{ {CREATE} {{ {USER} {{ {'id ' * MAX_TOKENS} }} }} }} }}",
    "characters": f"mutation {{ {CREATE} {{ __typename }} }} #{'x' * MAX_CHARACTERS}",
    "comments": "#\n" * 1_001 + f"mutation {{ {CREATE} {{ __typename }} }}",
    "a cycle": f"mutation {{ {CREATE} {{ {USER} {{ ...F }} }} }} }} fragment F on User {{ id ...F }}",
    "an unknown field": f"mutation {{ {CREATE} {{ __typename }} nothing }}",
}


@pytest.mark.parametrize("what", TOO_LARGE)
def test_what_is_too_large_is_refused_before_any_of_it_is_done(alice: Browser, what: str) -> None:
    with nothing_happens(alice):
        assert alice.unread(TOO_LARGE[what])


def test_what_is_not_too_large_is_done(alice: Browser) -> None:
    smaller = TOO_LARGE["root fields"].replace("__typename " * 10, "__typename " * 9).replace("too-large", "large")
    assert alice.ask(smaller)["userCreate"] == {"__typename": "UserCreatePayload"}


HOSTILE = {
    "20,000 repeated fields": "{" + "viewer " * 20_000 + "}",
    "as many repeated fields as can be read": "{ viewer { user {" + "id " * 990 + "} } }",
    "20,000 directives": "{ __typename " + "@skip(if: false) " * 20_000 + "}",
    "sixty levels": "{ a" * 60 + " }" * 60,
    "five hundred levels": "{ a" * 499,
    "nested lists": "{ node(id: " + "[" * 480 + "]" * 480 + ") { id } }",
    "nested types": "query ($a: " + "[" * 490 + "Int" + "]" * 490 + ") { __typename }",
    "nested inline fragments": "{ ..." * 240 + "{ id }" + "}" * 240,
    "a fragment in itself": "{ viewer { ...F } } fragment F on Viewer { user { id } ...F }",
    "a fragment in another in itself": "{ viewer { workspace { ...F } } } fragment F on Workspace { ... { ...G } }"
    " fragment G on Workspace { users(first: 1) { nodes { id } } ...F }",
    "a ring of fragments": "{ viewer { ...F0 } } "
    + " ".join(f"fragment F{at} on Viewer {{ ...F{(at + 1) % 90} }}" for at in range(90)),
    "aliases doubled by each fragment": "{ viewer { user { ...F0 } } } "
    + " ".join(f"fragment F{at} on User {{ ...F{at + 1} ...F{at + 1} }}" for at in range(70))
    + " fragment F70 on User { a: id }",
    "an alias doubled past the limit": "{ viewer { user { ...F0 } } } "
    + " ".join(f"fragment F{at} on User {{ ...F{at + 1} ...F{at + 1} }}" for at in range(4))
    + " fragment F4 on User { a: id }",
    "fragments that nothing spreads": "{ __typename } "
    + " ".join(f"fragment F{at} on User {{ id }}" for at in range(120)),
    "a thousand errors": "{ viewer { user { " + " ".join(f"x{at}" for at in range(980)) + " } } }",
    "variables that nothing uses": "query (" + " ".join(f"$a{at}: Int" for at in range(240)) + ") { __typename }",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_meant_to_be_slow_is_refused_quickly(alice: Browser, what: str) -> None:
    for error in quickly(alice, HOSTILE[what]):
        assert error["extensions"]["code"] in ("LIMIT_EXCEEDED", "INVALID_OPERATION")
        assert "Internal" not in error["message"]


@pytest.mark.parametrize(
    "document",
    [
        "{ viewer { user { ...F0 } } } "
        + " ".join(f"fragment F{at} on User {{ ...F{at + 1} ...F{at + 1} }}" for at in range(70))
        + " fragment F70 on User { id }",
        "{ viewer { user {"
        + " ".join(f"...F{at}" for at in range(70))
        + "} } } "
        + " ".join(f"fragment F{at} on User {{ id id id }}" for at in range(70)),
        "{ viewer {" + "user { id id id id id id id id }" * 85 + "} }",
    ],
    ids=["doubled", "many", "repeated"],
)
def test_what_only_looks_large_is_answered_quickly(alice: Browser, document: str) -> None:
    own = alice.ask("{ viewer { user { id } } }")
    spent = []
    for attempt in range(5):
        begun = time.monotonic()
        assert alice.ask(f"#{attempt}\n{document}") == own
        spent.append(time.monotonic() - begun)
    assert min(spent) < 2 * SECONDS, spent
