"""The people page of the settings: what a signed-in browser asks the GraphQL API for."""

from typing import Any

import httpx2
import orjson

from benchmarks.load import Exchange
from benchmarks.people import PASSWORD, Person, Tenant
from benchmarks.workloads import Workload, request, same_answer, taking_turns

_PAGE = 50
_PAGES = 20  # that are asked for in turn
_PEOPLE = """query People($first: Int!, $after: String) {
  viewer {
    workspace {
      users(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges {
          cursor
          node { id displayName userName email status role managedBy createdAt }
        }
      }
    }
  }
}"""
_SIGN_IN = """mutation SignIn($email: String!, $password: String!) {
  signIn(input: {email: $email, password: $password}) {
    __typename
  }
}"""


def people_page(port: int, base_domain: str, tenant: Tenant, clients: int, *, signed_in: bool = True) -> Workload:
    """Pages of 50 people with 8 fields each, cursors and the total; the owner is signed in by her password.

    Every page is asked for once and compared with what was loaded.
    """
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        headers = _headers(f"{tenant.subdomain}.{base_domain}")
        if signed_in:
            headers["Cookie"] = _cookie(http, headers, tenant)
        exchanges: list[Exchange] = []
        after: str | None = None
        while len(exchanges) < _PAGES:
            body = orjson.dumps({"query": _PEOPLE, "variables": {"first": _PAGE, "after": after}})
            answer = http.post("/graphql", content=body, headers=headers)
            assert answer.status_code == 200, answer.text
            page = orjson.loads(answer.content)["data"]["viewer"]["workspace"]["users"]
            if len(page["edges"]) < _PAGE:
                break
            _check(page, tenant)
            exchanges.append(same_answer(request("POST", "/graphql", headers, body), 200, answer.content))
            after = page["pageInfo"]["endCursor"]
    return Workload("GraphQL page of 50 x 8", taking_turns(exchanges, clients))


def _headers(host: str) -> dict[str, str]:
    """The headers of a browser that matter to a server."""
    return {
        "Host": host,
        "Origin": f"https://{host}",
        "Sec-Fetch-Site": "same-origin",
        "Accept": "application/graphql-response+json, application/json",
        "Accept-Encoding": "gzip, deflate, br",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
        "Content-Type": "application/json",
    }


def _cookie(http: httpx2.Client, headers: dict[str, str], tenant: Tenant) -> str:
    variables = {"email": tenant.owner_email, "password": PASSWORD}
    answer = http.post("/graphql", content=orjson.dumps({"query": _SIGN_IN, "variables": variables}), headers=headers)
    assert answer.json() == {"data": {"signIn": {"__typename": "SignInPayload"}}}, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


def _check(page: dict[str, Any], tenant: Tenant) -> None:
    """That the page says of each person what was loaded; the owner was there before them."""
    assert page["totalCount"] == len(tenant.people) + 1, page
    assert len({edge["cursor"] for edge in page["edges"]}) == _PAGE, page
    for edge in page["edges"]:
        known = tenant.people.get(edge["node"]["id"])
        assert edge["node"].pop("createdAt"), edge
        expected = _node(edge["node"]["id"], known) if known else edge["node"] | {"userName": tenant.owner_email}
        assert edge["node"] == expected, edge


def _node(id: str, known: Person) -> dict[str, Any]:
    return {
        "id": id,
        "displayName": f"{known.given} {known.family}",
        "userName": known.user_name,
        "email": known.user_name,
        "status": "ACTIVE",
        "role": "MEMBER",
        "managedBy": "DIRECTORY",
    }
