"""What an operation costs is known before it is run; what costs too much is not run."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import parse

from graphql_facade.costs import MAX_COST, Cost
from tests.graphql_facade.browser import Browser, nothing_happens
from tests.graphql_facade.conftest import Cast

PEOPLE = "viewer { workspace { users(%s) { %s } } }"


def cost(document: str, **variables: object) -> int:
    """The points of a document's only operation."""
    node = parse(document)
    (operation, *_) = (each for each in node.definitions if each.kind == "operation_definition")
    return Cost(operation, node).of(variables)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("document", "points"),
    [
        ("{ __typename }", 0),
        ("{ viewer { user { id userName } } }", 2),
        (f"{{ {PEOPLE % ('first: 50', 'nodes { id }')} }}", 3 + 50),
        (f"{{ {PEOPLE % ('last: 50', 'edges { cursor node { id } }')} }}", 3 + 50 * 2),
        (
            f"{{ {PEOPLE % ('first: 50', 'totalCount pageInfo { endCursor } nodes { groups { id } }')} }}",
            3 + 1 + 50 * 2,
        ),
        ("{ a { b(first: 10) { nodes { c(first: 20) { nodes { id } } } } } }", 1 + 1 + 10 * (1 + 1 + 20)),
        ("{ a(first: 3) { ...F } } fragment F on X { nodes { id } }", 1 + 3),
        ("{ a(first: 3) { ... on X { nodes { id } } } }", 1 + 3),
        ("{ x: a(first: 3) { nodes { id } } y: a(first: 4) { nodes { id } } }", 2 + 3 + 4),
        ("{ a(first: 100000) { nodes { id } } }", 1 + 100),
        ("{ a(first: -5) { nodes { id } } }", 1 + 1),
        ("mutation { a(input: {}) { b { id } } c { id } }", 20 + 3),
    ],
)
def test_points_are_counted_by_objects_and_by_pages(document: str, points: int) -> None:
    assert cost(document) == points


def test_the_size_of_a_page_may_be_a_variable() -> None:
    document = "query ($n: Int = 7, $m: Int) { a(first: $n) { nodes { b(last: $m) { edges { node { id } } } } } }"
    assert cost(document) == 1 + 7 * (1 + 1 + 2)
    assert cost(document, n=2, m=3) == 1 + 2 * (1 + 1 + 2 * 3)
    assert cost(document, n=None, m="many") == 1 + 1 * (1 + 1 + 2)


def test_fragments_within_fragments_cost_what_they_come_to_and_no_time() -> None:
    fragments = " ".join(f"fragment F{at} on X {{ ...F{at + 1} ...F{at + 1} }}" for at in range(60))
    assert cost(f"{{ ...F0 }} {fragments} fragment F60 on X {{ a {{ id }} }}") == 2**60


WIDE = """query ($many: Int!) { viewer { workspace {
    groups(first: $many) { nodes { members(first: 100) { nodes { id } } } }
} } }"""
RATE = "{ rateLimit { cost maxCost remaining limit resetAt } }"


def test_what_costs_too_much_is_refused_with_the_limit_and_not_run(alice: Browser) -> None:
    answer = alice.post(WIDE, {"many": 100})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": MAX_COST}
    assert "smaller pages" in error["message"]
    assert alice.ask(WIDE, many=2)["viewer"]["workspace"]["groups"]["nodes"] is not None
    with nothing_happens(alice):
        pages = " ".join(f"{name}: members(first: $many) {{ nodes {{ groups {{ id }} }} }}" for name in "abcdef")
        document = f"""mutation ($many: Int!) {{ userCreate(input: {{email: "costly@acme.example"}}) {{
            ... on UserCreatePayload {{ user {{ groups {{ {pages} }} }} }} }} }}"""
        assert alice.post(document, {"many": 100}).json()["errors"][0]["extensions"]["limit"] == MAX_COST


def rate(browser: Browser, document: str = RATE, **variables: Any) -> dict[str, Any]:
    """What an operation cost, and what is left."""
    found: dict[str, Any] = browser.ask(document, **variables)["rateLimit"]
    return found


def test_a_client_can_read_what_an_operation_costs_and_what_is_left(cast: Cast) -> None:
    first = rate(cast.bob)
    assert (first["cost"], first["maxCost"]) == (1, MAX_COST)
    assert first["remaining"] <= first["limit"] - 1
    until_all = datetime.fromisoformat(first["resetAt"]) - datetime.now(UTC)
    assert timedelta(minutes=-1) < until_all <= timedelta(minutes=1)
    wide = RATE.replace("{ rateLimit", f"{{ {PEOPLE % ('first: 90', 'edges { node { groups { id } } }')} rateLimit", 1)
    second = rate(cast.bob, wide)
    assert second["cost"] == 1 + 3 + 90 * 3
    assert second["remaining"] < first["limit"] - 200


def test_points_are_each_caller_s_own(cast: Cast) -> None:
    wide = RATE.replace("{ rateLimit", f"{{ {PEOPLE % ('first: 99', 'nodes { groups { id } }')} rateLimit", 1)
    before = rate(cast.charlie)["remaining"]
    costs = [rate(cast.bob, wide)["cost"] for _ in range(3)]
    assert min(costs) > 100
    assert rate(cast.charlie)["remaining"] >= before - 1
