"""A browser on the settings pages: it asks GraphQL and keeps the session's cookie."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from graphql import GraphQLUnionType, build_schema

from tests.stage import PASSWORD, Tenant

Data = dict[str, Any]

PRINTED = Path(__file__).parents[2] / "graphql" / "schema.graphql"
SCHEMA = build_schema(PRINTED.read_text())

_SHOWN_AGAIN_SECONDS = 600

# What more than a code and a message an error has to say.
_DETAILS = {
    "InvalidInput": "issues { path message }",
    "Forbidden": "requires",
    "Conflict": "path",
    "Busy": "retryAfterSeconds",
}

SIGN_IN = """mutation ($email: String!, $password: String!, $workspace: String) {
    signIn(input: {email: $email, password: $password, workspace: $workspace}) {
        __typename
        ... on SignInPayload { viewer { user { userName } } }
        ... on Error { code message }
        ... on InvalidInput { issues { path message } }
    }
}"""
SIGN_OUT = "mutation { signOut { __typename ... on Error { code message } } }"
WHO = "{ viewer { user { userName } } }"

PERSON = """id userName displayName givenName familyName email emails { address type isPrimary } title
    status statusReason role managedBy externalId createdAt updatedAt deactivatedAt"""
EVENT = """id at action actor { kind id displayName } target { kind id displayName } changes { field before after }
    channel reason ip requestId"""

_EVERYTHING = f"""{{ viewer {{ workspace {{
    users(first: 100, orderBy: CREATED_DESC) {{ totalCount nodes {{ {PERSON} }} }}
    apiKeys(first: 100) {{ totalCount nodes {{ id displayName expiresAt revokedAt revokedBy }} }}
    auditEvents(first: 1) {{ totalCount nodes {{ id }} }}
    flags {{ key enabled reason setAt }}
}} }} }}"""


@dataclass
class Browser:
    """One browser at one host.

    On a slow machine a run takes longer than a password is enough for what is dangerous: then it is shown again.
    """

    client: httpx2.Client
    _shown_at: float | None = None

    def post(self, document: str, variables: Data | None = None, /, **headers: str) -> httpx2.Response:
        """The whole answer."""
        return self.client.post("/graphql", json={"query": document, "variables": variables}, headers=headers)

    def answer(self, document: str, **variables: Any) -> Data:
        """The body of an answer to a well-formed operation."""
        answer = self.post(document, variables)
        assert answer.status_code == 200, answer.text
        body: Data = answer.json()
        return body

    def ask(self, document: str, **variables: Any) -> Data:
        """The data of an operation that goes well."""
        body = self.answer(document, **variables)
        assert "errors" not in body, body
        data: Data = body["data"]
        return data

    def do(self, mutation: str, input: Data, wanted: str = "") -> Data:
        """The result of one mutation: its type, an error's words, and what is wanted of a payload."""
        if self._shown_at is not None and time.monotonic() - self._shown_at > _SHOWN_AGAIN_SECONDS:
            self._shown_at = None
            assert self.do("reauthenticate", {"password": PASSWORD})["__typename"] == "ReauthenticatePayload"
            self._shown_at = time.monotonic()
        name = mutation[0].upper() + mutation[1:]
        result_type = SCHEMA.type_map[f"{name}Result"]
        assert isinstance(result_type, GraphQLUnionType)
        details = (
            f"... on {each.name} {{ {_DETAILS[each.name]} }}" for each in result_type.types if each.name in _DETAILS
        )
        document = f"""mutation ($input: {name}Input!) {{ {mutation}(input: $input) {{
            __typename {wanted}
            ... on Error {{ code message }}
            {" ".join(details)}
        }} }}"""
        result: Data = self.ask(document, input=input)[mutation]
        return result

    def error(self, document: str, **variables: Any) -> Data:
        """The one error of an operation that was refused."""
        (error,) = self.answer(document, **variables)["errors"]
        told: Data = error
        return told

    def unread(self, document: str, **variables: Any) -> list[Data]:
        """The errors of a document or of variables that are no operation of this API."""
        answer = self.post(document, variables)
        assert answer.status_code == 400, answer.text
        body = answer.json()
        assert body.keys() == {"errors"}, body
        errors: list[Data] = body["errors"]
        return errors

    def node(self, id: object, wanted: str = "") -> Data | None:
        """What has this id: its type, its id and what is wanted of it."""
        document = f"query ($id: ID!) {{ node(id: $id) {{ __typename id {wanted} }} }}"
        found: Data | None = self.ask(document, id=id)["node"]
        return found

    def person(self, id: str) -> Data:
        """All that the people page shows of a person."""
        person = self.node(id, f"... on User {{ {PERSON} }}")
        assert person is not None
        return person

    def events(self, **filter: Any) -> list[Data]:
        """What stands in the audit log, the newest event first."""
        document = f"""query ($filter: AuditFilter) {{ viewer {{ workspace {{
            auditEvents(first: 100, filter: $filter) {{ totalCount nodes {{ {EVENT} }} }}
        }} }} }}"""
        found = self.ask(document, filter=filter)["viewer"]["workspace"]["auditEvents"]
        events: list[Data] = found["nodes"]
        assert found["totalCount"] == len(events) or len(events) == 100
        return events

    def sign_in(self, email: str, password: str = PASSWORD, workspace: str | None = None) -> Data:
        """The result of signing in."""
        result: Data = self.ask(SIGN_IN, email=email, password=password, workspace=workspace)["signIn"]
        if result["__typename"] == "SignInPayload" and password == PASSWORD:
            self._shown_at = time.monotonic()
        return result

    def new_person(self, **more: Any) -> Data:
        """Somebody new, as the settings pages make them."""
        number = next(_NUMBERS)
        said = {"email": f"person{number}@{number}.example", "displayName": f"Person {number}"} | more
        person: Data = self.do("userCreate", said, "... on UserCreatePayload { user { id userName email } }")["user"]
        return person

    @property
    def cookies(self) -> list[tuple[str, str]]:
        """The cookies that the browser keeps."""
        return [(cookie.name, cookie.value or "") for cookie in self.client.cookies.jar]


def browser(tenant: Tenant) -> Browser:
    """A browser at a workspace's settings side, with nobody signed in."""
    return Browser(tenant.server.client(tenant.server.host(tenant.subdomain)))


def signed_in(tenant: Tenant, email: str) -> Browser:
    """A browser with somebody signed in."""
    new = browser(tenant)
    assert new.sign_in(email)["__typename"] == "SignInPayload"
    return new


@contextmanager
def nothing_happens(witness: Browser) -> Iterator[None]:
    """The block must leave the workspace of this owner or admin as it was, the audit log included."""
    before = witness.ask(_EVERYTHING)
    yield
    assert witness.ask(_EVERYTHING) == before


_NUMBERS = iter(range(1_000_000))
