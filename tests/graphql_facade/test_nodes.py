"""Fetching by id: everything of the viewer's own workspace, and of what another one has, nothing at all."""

import pytest

from tests.graphql_facade.browser import Browser, signed_in
from tests.graphql_facade.conftest import Cast
from tests.stage import Tenant

NOTHING = b'{"data":{"node":null}}'
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
IDS = """{ viewer { user { id } session { id } workspace {
    id flags { id } apiKeys(first: 1) { nodes { id } } auditEvents(last: 1) { nodes { id } }
} } }"""


def ids_of(browser: Browser) -> dict[str, str]:
    """One id of each kind of thing in an owner's workspace, by the name of its type."""
    browser.do("apiKeyCreate", {"name": "Okta", "scopes": ["SCIM"]})
    viewer = browser.ask(IDS)["viewer"]
    workspace = viewer["workspace"]
    return {
        "User": viewer["user"]["id"],
        "Session": viewer["session"]["id"],
        "Workspace": workspace["id"],
        "WorkspaceFlag": workspace["flags"][0]["id"],
        "ApiKey": workspace["apiKeys"]["nodes"][0]["id"],
        "AuditEvent": workspace["auditEvents"]["nodes"][0]["id"],
    }


KINDS = ("User", "Session", "Workspace", "WorkspaceFlag", "ApiKey", "AuditEvent")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_fetched_by_its_id(alice: Browser, kind: str) -> None:
    id_ = ids_of(alice)[kind]
    assert alice.node(id_) == {"__typename": kind, "id": id_}


def test_the_same_thing_has_the_same_values_whichever_way_it_is_reached(alice: Browser) -> None:
    fields = {
        "user": "userName displayName role status createdAt",
        "session": "label ip createdAt expiresAt isCurrent",
        "workspace": "name subdomain plan provisioning { enabled baseUrl }",
    }
    for name, wanted in fields.items():
        shown = alice.ask(f"{{ viewer {{ {name} {{ __typename id {wanted} }} }} }}")["viewer"][name]
        assert alice.node(shown["id"], f"... on {name.title()} {{ {wanted} }}") == shown


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_workspace_has_is_nothing(alice: Browser, charlie: Browser, kind: str) -> None:
    theirs, ours = ids_of(charlie)[kind], ids_of(alice)[kind]
    assert charlie.node(theirs) is not None
    prefix, _, rest = theirs.partition("_")
    unknown = f"{prefix}_{'0' * 32}{rest[32:]}"
    answers = [alice.post(NODE, {"id": theirs}), alice.post(NODE, {"id": unknown}), charlie.post(NODE, {"id": ours})]
    assert {answer.content for answer in answers} == {NOTHING}
    assert {answer.status_code for answer in answers} == {200}
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    assert {answer.headers["content-length"] for answer in answers} == {str(len(NOTHING))}


@pytest.mark.parametrize(
    "id",
    [
        "",
        "_",
        "x",
        "usr",
        "usr_",
        "usr_1",
        "USR_1",
        "usr__",
        "wsp_",
        "ses_'; DROP TABLE session; --",
        "key_%",
        "flag_",
        "flag_scim_provisioning",
        "scim_provisioning",
        "aud_\n",
        "aud_\x00",
        "usr_é",
        "usr_" + "0" * 10_000,
        "cli",
        "-",
        "__class__",
        "VXNlcjox",
        " ",
        0,
        -7,
    ],
)
def test_what_cannot_be_an_id_is_nothing_s(alice: Browser, id: object) -> None:
    assert alice.post(NODE, {"id": id}).content == NOTHING


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_is_good_as_it_was_given_and_for_its_own_kind_only(alice: Browser, kind: str) -> None:
    id_ = ids_of(alice)[kind]
    prefix, _, rest = id_.partition("_")
    wrong = [f"{other}_{rest}" for other in ("usr", "ses", "wsp", "flag", "key", "aud") if other != prefix]
    for each in (*wrong, id_[:-1], id_ + "0", id_.upper(), f" {id_}", f"{id_}\n", rest):
        assert alice.post(NODE, {"id": each}).content == NOTHING, each


def test_a_person_s_sessions_are_their_own(cast: Cast, acme: Tenant) -> None:
    here, there = cast.alice, signed_in(acme, acme.owner_email)
    own, other = (ids_of(browser)["Session"] for browser in (here, there))
    assert own != other
    current = "... on Session { isCurrent }"
    assert here.node(own, current) == {"__typename": "Session", "id": own, "isCurrent": True}
    assert here.node(other, current) == {"__typename": "Session", "id": other, "isCurrent": False}
    for somebody in (cast.ann, cast.bob):
        assert somebody.post(NODE, {"id": own}).content == NOTHING


def test_without_an_id_it_is_no_operation(alice: Browser) -> None:
    for id_ in (None, {"id": "x"}, 1.5, True):
        alice.unread(NODE, id=id_)
    alice.unread("{ node { id } }")
