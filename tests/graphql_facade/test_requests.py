"""GraphQL over HTTP: methods, media types, other sites, bodies."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql_facade.browser import WHO, Browser
from tests.stage import Server, Tenant

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
CREATE = 'mutation { userCreate(input: {email: "forged@acme.example"}) { __typename } }'
BODY = b'{"query": "{ __typename }"}'


def code_of(answer: Any) -> str:
    """The code of the one error of an answer that has no data."""
    body = answer.json()
    assert body.keys() == {"errors"}
    (error,) = body["errors"]
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("query", ["{viewer{user{id}}}", CREATE])
def test_only_post_is_possible(alice: Browser, method: str, query: str) -> None:
    answer = alice.client.request(method, "/graphql", params={"query": query}, headers={"Content-Type": JSON})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/plain,application/json",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/graphql",
        "application/graphql+json",
        "application/jsonp",
        "application/json,text/plain",
        "",
    ],
)
def test_only_json_is_read(alice: Browser, media_type: str) -> None:
    answer = alice.client.post("/graphql", content=BODY, headers={"Content-Type": media_type})
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_does_not_say_what_it_is_is_not_read(alice: Browser) -> None:
    answer = alice.client.post("/graphql", content=BODY)
    assert answer.status_code == 415


@pytest.mark.parametrize("media_type", [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_json_may_come_with_parameters(alice: Browser, media_type: str) -> None:
    answer = alice.client.post("/graphql", content=BODY, headers={"Content-Type": media_type})
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
        (f"{JSON};q=1, {GRAPHQL_JSON};q=0.5", JSON),
        (f"{GRAPHQL_JSON};q=0, */*;q=0.1", JSON),
        (f"text/html, {GRAPHQL_JSON};Q=0.3", GRAPHQL_JSON),
        ("text/html", None),
        ("text/*;q=0.9, image/png", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=much", None),
        (f"{JSON};q=nan", None),
    ],
)
def test_the_answer_is_of_the_type_that_the_client_likes_best(
    alice: Browser, accept: str | None, media_type: str | None
) -> None:
    headers = {"Content-Type": JSON} | ({"Accept": accept} if accept else {})
    request = alice.client.build_request("POST", "/graphql", content=BODY, headers=headers)
    if accept is None:
        del request.headers["accept"]
    answer = alice.client.send(request)
    if media_type is None:
        assert (answer.status_code, code_of(answer)) == (406, "NOT_ACCEPTABLE")
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_JSON])
def test_the_status_says_whether_there_was_an_operation(alice: Browser, nobody: Browser, media_type: str) -> None:
    accept = {"Accept": media_type}
    assert alice.post(WHO, **accept).status_code == 200
    refused = nobody.post(WHO, **accept)
    assert (refused.status_code, refused.json()["data"]) == (200, None)
    for document, variables in [
        ("{", None),
        ("{ nothing }", None),
        ("query A { __typename } query B { __typename }", None),
        ("subscription { viewer { user { id } } }", None),
        ("fragment F on Query { __typename }", None),
        ("query ($id: ID!) { node(id: $id) { id } }", {}),
        ("query ($id: ID!) { node(id: $id) { id } }", {"id": None}),
        ("query ($id: ID!) { node(id: $id) { id } }", {"id": {"a": 1}}),
    ]:
        answer = alice.post(document, variables, **accept)
        assert answer.status_code == 400, document
        assert answer.json().keys() == {"errors"}, document
        assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://globex.localhost:{port}", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "http://acme.localhost"},
        {"Origin": "http://acme.localhost:{port}.evil.example"},
        {"Origin": "ftp://acme.localhost:{port}"},
        {"Origin": "http://acme.localhost:{port}", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_site_is_refused_whatever_it_asks(alice: Browser, server: Server, headers: dict[str, str]) -> None:
    sent = {name: value.replace("{port}", str(server.port)) for name, value in headers.items()}
    for document in (WHO, CREATE):
        answer = alice.post(document, **sent)
        assert (answer.status_code, code_of(answer)) == (403, "CROSS_SITE")
        assert "access-control-allow-origin" not in answer.headers
    found = alice.ask('{ viewer { workspace { users(first: 1, filter: {query: "forged"}) { totalCount } } } }')
    assert found["viewer"]["workspace"]["users"]["totalCount"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://acme.localhost:{port}", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://ACME.localhost:{port}"},
    ],
)
def test_the_own_pages_are_let_in(alice: Browser, server: Server, headers: dict[str, str]) -> None:
    sent = {name: value.replace("{port}", str(server.port)) for name, value in headers.items()}
    assert alice.post(WHO, **sent).status_code == 200


def test_in_production_a_page_of_plain_http_is_another_site(production: Server) -> None:
    client = Browser(production.client("acme.headcount.example"))
    assert client.post("{ __typename }", Origin="https://acme.headcount.example").status_code == 200
    assert client.post("{ __typename }", Origin="http://acme.headcount.example").status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'"x"',
        b"7",
        b"true",
        b"[]",
        b"[" + BODY + b"]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"query": "{ __typename }", "variables": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        b"{",
        b'{"query": "\\ud800"}',
        b'{"query": "{ __typename }", "variables": {"x": "\\udfff"}}',
        b'{"query": "{ __typename }", "variables": {"x": NaN}}',
        b'{"query": "\xff"}',
        b"\xef\xbb\xbf" + BODY,
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": "  "}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "operationName": 7}',
        b'{"query": "{ __typename }", "operationName": "Nothing"}',
        b'{"query": "# nothing"}',
        b'{"query": "{ node(id: \\"\\\\ud800\\") { id } }"}',
        b"query=%7B__typename%7D",
    ],
)
def test_a_body_that_is_no_operation_is_refused(alice: Browser, body: bytes) -> None:
    answer = alice.client.post("/graphql", content=body, headers={"Content-Type": JSON})
    assert answer.status_code == 400
    code_of(answer)


def test_a_body_that_is_too_large_is_refused_while_it_comes(alice: Browser, acme: Tenant) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1
            yield b" " * 1_000_000

    answer = alice.client.post("/graphql", content=b" " * (1 << 20) + b"x", headers={"Content-Type": JSON})
    assert (answer.status_code, code_of(answer)) == (413, "TOO_LARGE")
    answer = alice.client.post("/graphql", content=body(), headers={"Content-Type": JSON})
    assert (answer.status_code, code_of(answer)) == (413, "TOO_LARGE")
    just = BODY + b" " * ((1 << 20) - len(BODY))
    assert alice.client.post("/graphql", content=just, headers={"Content-Type": JSON}).status_code == 200


def test_variables_that_are_null_and_members_that_nobody_knows_do_no_harm(alice: Browser) -> None:
    for extra in ({"variables": None}, {"operationName": None}, {"extensions": {"a": 1}}, {"id": 7}):
        answer = alice.client.post("/graphql", json={"query": "{ __typename }", **extra})
        assert answer.json() == {"data": {"__typename": "Query"}}


def test_there_is_no_playground_no_websocket_and_no_second_address(server: Server, alice: Browser) -> None:
    page = alice.client.get("/graphql", headers={"Accept": "text/html"})
    assert page.status_code in (405, 406)
    assert "<" not in page.text
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    socket = alice.client.get("/graphql", headers={**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    assert socket.status_code != 101
    for path in ("/graphql/", "/graphiql", "/playground", "/api/graphql"):
        assert alice.client.post(path, json={"query": "{ __typename }"}).status_code == 404
