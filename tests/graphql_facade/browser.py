"""A browser on the settings pages: it asks GraphQL and keeps the session's cookie."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from graphql import GraphQLUnionType, build_schema

from tests.stage import PASSWORD, Tenant

Data = dict[str, Any]

PRINTED = Path(__file__).parents[2] / "graphql" / "schema.graphql"
SCHEMA = build_schema(PRINTED.read_text())

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


@dataclass
class Browser:
    """One browser at one host."""

    client: httpx2.Client

    def post(self, document: str, variables: Data | None = None, **headers: str) -> httpx2.Response:
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

    def sign_in(self, email: str, password: str = PASSWORD, workspace: str | None = None) -> Data:
        """The result of signing in."""
        result: Data = self.ask(SIGN_IN, email=email, password=password, workspace=workspace)["signIn"]
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


_NUMBERS = iter(range(1_000_000))
