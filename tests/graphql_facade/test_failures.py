"""What is told of an error: what helps the client, and nothing of the house."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from graphql import get_introspection_query
from sqlalchemy import text

from service.store.opening import open_engine
from tests.graphql_facade.browser import Browser, Data, browser, signed_in
from tests.stage import Server, Tenant, running


@pytest.fixture
def outside(production: Server) -> Browser:
    """Somebody at a server in production."""
    return Browser(production.client("acme.headcount.example"))


@contextmanager
def without(server: Server, table: str) -> Iterator[None]:
    """The server's database is broken: a table is not there."""
    engine = open_engine(f"sqlite:///{server.folder / 'var' / 'headcount.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO lost"))
    yield
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE lost RENAME TO {table}"))
    engine.dispose()


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { name } } }",
        '{ __type(name: "User") { name } }',
        "{ viewer { user { id } } __schema { queryType { name } } }",
        "{ ...F } fragment F on Query { x: __schema { queryType { name } } }",
        "query ($yes: Boolean!) { __typename __schema @include(if: $yes) { queryType { name } } }",
        get_introspection_query(),
    ],
)
def test_in_production_nobody_is_told_the_schema(outside: Browser, document: str) -> None:
    errors = outside.unread(document, yes=False)
    assert any("introspection" in error["message"] for error in errors)
    assert "User" not in str(errors).replace('"User"', "")


def test_in_production_a_type_s_name_is_no_secret(outside: Browser) -> None:
    assert outside.ask("{ __typename }") == {"__typename": "Query"}


def test_in_development_the_schema_may_be_asked_for_however_deep_it_is(nobody: Browser) -> None:
    types = nobody.ask(get_introspection_query())["__schema"]["types"]
    assert {"User", "Viewer"} <= {each["name"] for each in types}


MISSPELT = {
    "field": ("{ viewr { user { id } } }", "viewr", "viewer"),
    "field of a type": ("{ viewer { user { usrName } } }", "usrName", "userName"),
    "argument": ("{ viewer { workspace { users(frst: 1) { totalCount } } } }", "frst", "first"),
    "input field": (
        'mutation { userCreate(input: {email: "x", usrName: "x"}) { __typename } }',
        "usrName",
        "userName",
    ),
    "enum value": (
        "{ viewer { workspace { users(first: 1, orderBy: NAME_AS) { totalCount } } } }",
        "NAME_AS",
        "NAME_ASC",
    ),
    "type": ("{ viewer { user { ... on Usr { id } } } }", "Usr", "User"),
    "directive": ("{ __typename @skp(if: true) }", "skp", "skip"),
}


@pytest.mark.parametrize("what", MISSPELT)
def test_suggestions_are_for_development_only(alice: Browser, outside: Browser, what: str) -> None:
    document, written, meant = MISSPELT[what]
    helpful = " ".join(error["message"] for error in alice.unread(document))
    assert written in helpful
    assert ("Did you mean" in helpful and f"'{meant}'" in helpful) or what == "directive"  # none for directives
    told = outside.unread(document)
    silent = " ".join(error["message"] for error in told)
    assert written in silent
    assert "Did you mean" not in silent
    assert f"'{meant}'" not in silent
    assert {error["extensions"]["code"] for error in told} == {"INVALID_OPERATION"}
    assert all(error["locations"] for error in told)


SECRET = "a password that is typed into the wrong place"


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (f'mutation {{ signIn(input: {{email: "x", password: ["{SECRET}"]}}) {{ __typename }} }}', {}),
        (f'mutation {{ signIn(input: {{email: "x", pasword: "{SECRET}"}}) {{ __typename }} }}', {}),
        (f'mutation {{ signIn(input: "{SECRET}") {{ __typename }} }}', {}),
        ("mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }", {"input": {"password": SECRET}}),
        ("mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }", {"input": SECRET}),
        (
            "mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }",
            {"input": {"email": "x", "password": {"value": SECRET}}},
        ),
        (
            "mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }",
            {"input": {"email": "x", "password": "y", "workspace": [SECRET]}},
        ),
        (
            "mutation ($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { __typename } }",
            {"input": {"name": "x", "scopes": ["SCIM"], "expiresAt": SECRET}},
        ),
        ("query ($first: Int) { viewer { workspace { users(first: $first) { totalCount } } } }", {"first": SECRET}),
    ],
)
def test_what_was_sent_is_not_said_back(outside: Browser, alice: Browser, document: str, variables: Data) -> None:
    for somebody in (outside, alice):
        answer = somebody.post(document, variables)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["message"]
        assert SECRET not in answer.text


def test_a_refused_field_says_where_it_is(bob: Browser) -> None:
    error = bob.error("{\n  viewer {\n    workspace {\n      log: auditEvents(first: 1) { totalCount }\n    }\n  }\n}")
    assert error == {
        "message": "This takes the permission AUDIT_READ, which you have not got.",
        "locations": [{"line": 4, "column": 7}],
        "path": ["viewer", "workspace", "log"],
        "extensions": {"code": "FORBIDDEN", "requires": "AUDIT_READ"},
    }


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A workspace on a server whose database may be broken."""
    with running(tmp_path_factory.mktemp("broken")) as server:
        yield server.found("acme", "Alice", provisioning=False)


@pytest.mark.parametrize(
    "document",
    [
        "{ viewer { workspace { apiKeys(first: 1) { nodes { id } } } } }",
        'mutation { apiKeyCreate(input: {name: "Okta", scopes: [SCIM]}) { __typename ... on Error { code message } } }',
    ],
    ids=["query", "mutation"],
)
def test_a_failure_of_ours_says_nothing_but_the_request_that_the_log_knows_it_by(broken: Tenant, document: str) -> None:
    alice = signed_in(broken, broken.owner_email)
    log = broken.server.folder / "server.log"
    with without(broken.server, "api_key"):
        answer = alice.post(document)
    request_id = answer.headers["x-request-id"]
    (error,) = answer.json()["errors"]
    assert error["message"] == f"Internal error (request {request_id})."
    assert error["extensions"] == {"code": "INTERNAL_ERROR", "requestId": request_id}
    assert error["path"][-1] in ("apiKeys", "apiKeyCreate")
    for word in ("api_key", "sqlite", 'Error"', "Traceback", "no such table", "SELECT", "INSERT"):
        assert word not in answer.text
    assert answer.json()["data"] is None
    said = log.read_text()
    assert request_id in said
    assert "no such table" in said
    assert "errors" not in alice.post(document).json()


def test_a_failure_before_there_is_a_session_is_masked_too(broken: Tenant) -> None:
    somebody = browser(broken)
    with without(broken.server, "user_email"):
        answer = somebody.post(
            'mutation { signIn(input: {email: "x@acme.example", password: "not the password"}) { __typename } }'
        )
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "user_email" not in answer.text
    assert "set-cookie" not in answer.headers
