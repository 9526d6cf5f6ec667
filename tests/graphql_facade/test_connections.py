"""Pages of lists: nobody is lost or shown twice, whatever comes and goes, and no cursor can be made up."""

import base64
import secrets
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest
from graphql import ExecutionResult, Executor, execute, parse, validate

from graphql_facade.lists import ListExecutor
from graphql_facade.schema import make_schema
from service.passwords import PasswordHasher
from service.users.commands import create_user
from service.work import Work
from tests.graphql_facade.browser import Browser, Data, signed_in
from tests.graphql_facade.contexts import context_of
from tests.service.cast import Acme, person
from tests.service.cast import signed_in as session_of
from tests.service.databases import CountingStore
from tests.stage import Server, Tenant

LISTS = {
    "users": "users({})",
    "users, the newest first": "users({}, orderBy: CREATED_DESC)",
    "API keys": "apiKeys({})",
    "audit events": "auditEvents({})",
}
SHARED = "same name"  # ids alone tell these people apart


@dataclass(frozen=True)
class Shelf:
    """A workspace with some of everything, and its owner at a browser."""

    tenant: Tenant
    alice: Browser

    def page(self, which: str, arguments: str) -> Data:
        """One page of a list."""
        return page(self.alice, which, arguments)


@pytest.fixture(scope="module")
def shelf(server: Server) -> Shelf:
    """Seven people, six keys."""
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    for name in ("b", "a", SHARED, "C", SHARED, "Ä"):
        alice.new_person(displayName=name)
        assert alice.do("apiKeyCreate", {"name": name, "scopes": ["SCIM"]})["__typename"] == "ApiKeyCreatePayload"
    return Shelf(tenant, alice)


def document(which: str, arguments: str) -> str:
    """What asks for a page."""
    asked = LISTS[which].format(arguments)
    return f"""{{ viewer {{ workspace {{ {asked} {{
        totalCount nodes {{ id }} edges {{ cursor node {{ id }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
    }} }} }} }}"""


def page(browser: Browser, which: str, arguments: str) -> Data:
    """One page, whose parts agree with each other."""
    (found,) = browser.ask(document(which, arguments))["viewer"]["workspace"].values()
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    ends = [edge["cursor"] for edge in found["edges"]]
    info = found["pageInfo"]
    assert [info["startCursor"], info["endCursor"]] == ([ends[0], ends[-1]] if ends else [None, None])
    assert len(set(ends)) == len(ends)
    result: Data = found
    return result


def ids(page: Data) -> list[str]:
    """Who is on a page."""
    return [node["id"] for node in page["nodes"]]


def refusal(browser: Browser, which: str, arguments: str) -> Data:
    """Why a page cannot be."""
    error = browser.error(document(which, arguments))
    assert error["extensions"]["code"] == "INVALID_INPUT"
    (issue,) = error["extensions"]["issues"]
    assert issue["message"] == error["message"]
    told: Data = issue
    return told


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_walking_forwards_and_backwards_shows_everything_once(shelf: Shelf, which: str, size: int) -> None:
    whole = shelf.page(which, "first: 100")
    assert len(set(ids(whole))) == whole["totalCount"] >= 7 - (which == "API keys")
    assert ids(shelf.page(which, "last: 100")) == ids(whole)

    forwards: list[str] = []
    arguments = f"first: {size}"
    while True:
        page = shelf.page(which, arguments)
        assert page["pageInfo"]["hasPreviousPage"] is bool(forwards)
        assert page["totalCount"] == whole["totalCount"]
        forwards += ids(page)
        if not page["pageInfo"]["hasNextPage"]:
            break
        arguments = f'first: {size}, after: "{page["pageInfo"]["endCursor"]}"'
    assert forwards == ids(whole)

    backwards: list[str] = []
    arguments = f"last: {size}"
    while True:
        page = shelf.page(which, arguments)
        assert page["pageInfo"]["hasNextPage"] is bool(backwards)
        backwards = ids(page) + backwards
        if not page["pageInfo"]["hasPreviousPage"]:
            break
        arguments = f'last: {size}, before: "{page["pageInfo"]["startCursor"]}"'
    assert backwards == ids(whole)


def test_a_cursor_survives_that_its_row_goes_and_others_come(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    made = {name: alice.new_person(displayName=name)["id"] for name in ("B", "D", "F", "H")}
    middle = page(alice, "users", "first: 3")  # Alice, B, D
    here = middle["pageInfo"]["endCursor"]
    newest = page(alice, "users, the newest first", "first: 2")["pageInfo"]["endCursor"]  # H, F
    assert alice.do("userDelete", {"id": made["D"]})["__typename"] == "UserDeletePayload"
    assert alice.do("userDelete", {"id": made["F"]})["__typename"] == "UserDeletePayload"
    for name in ("C", "E"):
        made[name] = alice.new_person(displayName=name)["id"]
    assert ids(page(alice, "users", f'first: 100, after: "{here}"')) == [made["E"], made["H"]]
    assert ids(page(alice, "users", f'last: 2, before: "{here}"')) == [made["B"], made["C"]]
    after = ids(page(alice, "users, the newest first", f'first: 100, after: "{newest}"'))
    assert after[0] == made["B"]
    assert set(after).isdisjoint({made["E"], made["C"]})


def test_the_total_is_of_what_the_filter_finds_whatever_the_page(shelf: Shelf) -> None:
    asked = """{{ viewer {{ workspace {{ users({}, filter: {{query: "same name"}}) {{
        totalCount nodes {{ id }} pageInfo {{ hasNextPage }}
    }} }} }} }}"""
    for arguments, has_next in (("first: 1", True), ("first: 2", False), ("first: 100", False)):
        found = shelf.alice.ask(asked.format(arguments))["viewer"]["workspace"]["users"]
        assert (found["totalCount"], found["pageInfo"]["hasNextPage"]) == (2, has_next)


def test_a_page_of_nothing_has_no_cursors(shelf: Shelf) -> None:
    asked = """{ viewer { workspace { users(first: 1, filter: {query: "no such person"}) {
        totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } } } }"""
    ends = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    nothing = {"totalCount": 0, "nodes": [], "edges": [], "pageInfo": ends}
    assert shelf.alice.ask(asked)["viewer"]["workspace"]["users"] == nothing


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: null", "first"),
        ("first: null, last: null", "first"),
        ("first: 1, last: 1", "first"),
        ("first: 0", "first"),
        ("first: -1", "first"),
        ("first: 101", "first"),
        ("first: 1000000000", "first"),
        ("last: 0", "last"),
        ("last: -1", "last"),
        ("last: 101", "last"),
        ("last: 1000000000", "last"),
        ('first: 1, before: "x"', "before"),
        ('last: 1, after: "x"', "after"),
        ('first: 1, after: "x", before: "x"', "before"),
        ('last: 1, after: "x", before: "x"', "after"),
    ],
)
def test_a_page_that_cannot_be_is_refused_with_the_argument_that_is_wrong(
    shelf: Shelf, which: str, arguments: str, field: str
) -> None:
    issue = refusal(shelf.alice, which, arguments)
    assert issue["path"] == [field]
    assert issue["message"].startswith(field)


def test_a_list_is_never_given_whole(shelf: Shelf) -> None:
    for name in ("users", "apiKeys", "auditEvents"):
        error = shelf.alice.error(f"{{ viewer {{ workspace {{ {name} {{ totalCount }} }} }} }}")
        assert error["extensions"]["issues"][0]["path"] == ["first"]


@pytest.mark.parametrize("arguments", ["first: 2147483648", "first: 1.5", 'first: "1"', "first: true", "after: 7"])
def test_a_size_that_is_no_number_is_no_operation(shelf: Shelf, arguments: str) -> None:
    shelf.alice.unread(document("users", arguments))


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize(("size", "ends_at"), [("first", "after"), ("last", "before")])
def test_a_cursor_of_anything_else_is_refused_with_one_message(
    shelf: Shelf, charlie: Browser, which: str, size: str, ends_at: str
) -> None:
    cursor = shelf.page(which, "first: 1")["pageInfo"]["startCursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    flipped = bytes([raw[0] ^ 1]) + raw[1:]
    further = raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:]
    charlie.do("apiKeyCreate", {"name": "Globex's own", "scopes": ["SCIM"]})
    bad = {
        "of another workspace": page(charlie, which, "first: 1")["pageInfo"]["startCursor"],
        **{
            f"of {other}": shelf.page(other, "first: 1")["pageInfo"]["startCursor"] for other in LISTS if other != which
        },
        "with another tag": base64.urlsafe_b64encode(flipped).decode(),
        "with another position": base64.urlsafe_b64encode(further).decode(),
        "forged": base64.urlsafe_b64encode(secrets.token_bytes(12) + raw[12:]).decode(),
        "without a tag": base64.urlsafe_b64encode(raw[12:]).decode(),
        "without a position": base64.urlsafe_b64encode(raw[:12]).decode(),
        "truncated by one": cursor[:-1],
        "cut in half": cursor[: len(cursor) // 2],
        "twice": cursor * 2,
        "an id": ids(shelf.page(which, "first: 1"))[0],
        "an offset": base64.b64encode(b"arrayconnection:1").decode(),
        "empty": "",
        "garbage": "%00",
        "not ASCII": "é",
        "long": "x" * 20_000,
    }
    issues = {what: refusal(shelf.alice, which, f'{size}: 1, {ends_at}: "{text}"') for what, text in bad.items()}
    assert {what for what, issue in issues.items() if issue != issues["garbage"]} == set()
    assert issues["garbage"]["path"] == [ends_at]
    assert "no cursor of this list" in issues["garbage"]["message"]
    shelf.page(which, f'{size}: 1, {ends_at}: "{cursor}"')


@pytest.mark.anyio
async def test_a_page_takes_as_many_statements_for_a_hundred_as_for_one(
    work: Work, store: CountingStore, hasher: PasswordHasher, founded: tuple[str, Acme, Any], tmp_path: Path
) -> None:
    acme = founded[1]
    _, token = await session_of(work, hasher, "alice@acme.example")
    schema = make_schema()
    asked = document("users", "first: 100").replace(
        "nodes { id }", "nodes { id emails { address } groups { displayName } lastProvisioningEvent { operation } }"
    )

    async def statements(number: int) -> list[str]:
        context = context_of(work, hasher, token, tmp_path)
        with store.counting() as made:
            result = await schema.execute(asked, context_value=context)
            counted = sorted(made)  # what is nested is asked for in either order
        assert result.data is not None
        assert len(result.data["viewer"]["workspace"]["users"]["nodes"]) == number
        return counted

    few = await statements(3)
    for number in range(97):
        emails = [{"value": f"p{number}@acme.example", "primary": True}]
        await work.write(acme.alice, create_user, person(f"p{number}", emails=emails))
    assert await statements(100) == few
    assert len(few) <= 6  # the session, the workspace, the page, the total, all groups, everybody's last event


@pytest.mark.anyio
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_the_pages_list_is_completed_the_short_way(
    work: Work,
    hasher: PasswordHasher,
    founded: tuple[str, Acme, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, token = await session_of(work, hasher, "alice@acme.example")
    schema = make_schema()._schema
    long_ways: list[str] = []
    complete = Executor.complete_list_value

    def noted(executor: Any, return_type: Any, *rest: Any) -> Any:
        long_ways.append(str(return_type))
        return complete(executor, return_type, *rest)

    monkeypatch.setattr(Executor, "complete_list_value", noted)
    fields = "id displayName email emails { address } status statusReason role managedBy lockedFields createdAt"
    for asked in (
        f"users(first: 9) {{ nodes {{ {fields} }} edges {{ cursor node {{ {fields} }} }} }}",
        "apiKeys(first: 9) { nodes { id displayName scopes } edges { cursor node { id } } }",
        "auditEvents(first: 9) { edges { node { at action actor { displayName } changes { field before after } } } }",
    ):
        node = parse(f"{{ viewer {{ workspace {{ {asked} }} }} }}")
        assert validate(schema, node) == []
        executed = execute(
            schema,
            node,
            context_value=context_of(work, hasher, token, tmp_path),
            executor_class=ListExecutor,
            completions={},
        )
        result = await executed if isawaitable(executed) else executed
        assert isinstance(result, ExecutionResult)
        assert result.errors is None
    assert long_ways == []
