"""The audit log: who did what, to what, when, through which door, and what it was before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.graphql_facade.browser import EVENT, Browser, Data, signed_in
from tests.scim_facade.people import created, patch
from tests.stage import Server, Tenant


@dataclass(frozen=True)
class History:
    """A workspace in which each door has done something, its owner at a browser, and the ids of what there is."""

    tenant: Tenant
    alice: Browser
    ids: dict[str, str]


@pytest.fixture(scope="module")
def history(server: Server) -> History:
    """Alice adds Ben, changes him, makes a key and revokes another; Okta adds Cleo and lets her go; a flag is set."""
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    workspace = alice.ask("{ viewer { user { id } workspace { id flags { id } } } }")["viewer"]
    ids = {"Alice": workspace["user"]["id"], "workspace": workspace["workspace"]["id"]}
    ids["flag"] = workspace["workspace"]["flags"][0]["id"]
    ids["Ben"] = alice.new_person(displayName="Ben")["id"]
    alice.do("userUpdate", {"id": ids["Ben"], "title": "Baker", "displayName": "Benjamin"})
    key = "... on ApiKeyCreatePayload { secret apiKey { id } }"
    made = alice.do("apiKeyCreate", {"name": "Okta", "scopes": ["SCIM"]}, key)
    ids["key"] = made["apiKey"]["id"]
    ids["old key"] = alice.do("apiKeyCreate", {"name": "Old", "scopes": ["SCIM"]}, key)["apiKey"]["id"]
    alice.do("apiKeyRevoke", {"id": ids["old key"]})
    with tenant.scim(made["secret"]) as scim:
        ids["Cleo"] = created(scim, userName="cleo", displayName="Cleo")["id"]
        patch(scim, ids["Cleo"], {"op": "replace", "value": {"active": False}})
    server.cli("flag", "set", tenant.subdomain, "scim_provisioning", "off", "--reason", "unpaid")
    return History(tenant, alice, ids)


def actions(history: History, **filter: Any) -> list[str]:
    """What happened, the newest first."""
    return [event["action"] for event in history.alice.events(**filter)]


def test_everything_stands_in_the_log_in_the_order_in_which_it_happened(history: History) -> None:
    events = history.alice.events()
    assert [event["action"] for event in events] == [
        "FLAG_SET",
        "USER_DEACTIVATED",
        "USER_CREATED",
        "API_KEY_REVOKED",
        "API_KEY_CREATED",
        "API_KEY_CREATED",
        "USER_UPDATED",
        "USER_CREATED",
        "SIGNED_IN",
        "FLAG_SET",
        "PASSWORD_SET",
        "USER_CREATED",
        "WORKSPACE_CREATED",
    ]
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    now = datetime.now(UTC)
    assert all(now - datetime.fromisoformat(event["at"]) < timedelta(minutes=5) for event in events)


def test_an_act_on_the_settings_pages_is_said_whole(history: History) -> None:
    (event,) = history.alice.events(action=["USER_UPDATED"])
    assert event == {
        "id": event["id"],
        "at": event["at"],
        "action": "USER_UPDATED",
        "actor": {"kind": "USER", "id": history.ids["Alice"], "displayName": "Alice Archer"},
        "target": {"kind": "User", "id": history.ids["Ben"], "displayName": "Benjamin"},
        "changes": [
            {"field": "displayName", "before": "Ben", "after": "Benjamin"},
            {"field": "title", "before": None, "after": "Baker"},
        ],
        "channel": "APP",
        "reason": None,
        "ip": "127.0.0.1",
        "requestId": event["requestId"],
    }


def test_the_request_that_acted_is_named_as_its_answer_named_it(alice: Browser) -> None:
    document = (
        'mutation { userCreate(input: {email: "dina@mail.example"}) { ... on UserCreatePayload { user { id } } } }'
    )
    answer = alice.post(document)
    id_ = answer.json()["data"]["userCreate"]["user"]["id"]
    (event,) = alice.events(targetId=id_)
    assert event["requestId"] == answer.headers["x-request-id"]
    alice.do("userDelete", {"id": id_})
    latest = alice.events(targetId=id_)[0]
    assert (latest["action"], latest["target"]["id"]) == ("USER_DELETED", id_)
    assert latest["requestId"] != event["requestId"]
    assert alice.node(id_) is None


def test_a_directory_s_act_is_its_key_s(history: History) -> None:
    gone, came = history.alice.events(targetId=history.ids["Cleo"])
    for event in (gone, came):
        assert event["actor"] == {"kind": "API_KEY", "id": history.ids["key"], "displayName": "Okta"}
        assert (event["channel"], event["target"]["displayName"]) == ("SCIM", "Cleo")
    assert (came["action"], came["changes"]) == ("USER_CREATED", [])
    assert {"field": "active", "before": "true", "after": "false"} in gone["changes"]


def test_support_s_act_says_why(history: History) -> None:
    event = history.alice.events(action=["FLAG_SET"])[0]
    assert event["actor"]["kind"] == "SUPPORT"
    assert (event["channel"], event["reason"]) == ("SUPPORT", "unpaid")
    assert event["changes"] == [{"field": "enabled", "before": "on", "after": "off"}]
    assert event["target"] == {
        "kind": "WorkspaceFlag",
        "id": history.ids["flag"],
        "displayName": "scim_provisioning",
    }


def test_whoever_signs_in_or_out_is_in_the_log_too(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    ben = tenant.add("Ben", "member")
    signed_in(tenant, f"ben@{tenant.subdomain}.example").ask("mutation { signOut { __typename } }")
    out, in_, *_ = alice.events(targetId=ben)
    assert (out["action"], out["actor"]["kind"], out["actor"]["id"]) == ("SIGNED_OUT", "USER", ben)
    assert (in_["action"], in_["actor"]["kind"]) == ("SIGNED_IN", "NOBODY")
    assert (in_["channel"], in_["ip"]) == ("APP", "127.0.0.1")


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (["API_KEY_CREATED"], 2),
        (["API_KEY_REVOKED"], 1),
        (["API_KEY_CREATED", "API_KEY_REVOKED", "API_KEY_CREATED"], 3),
        (["FLAG_SET"], 2),
        (["USER_LINKED"], 0),
    ],
)
def test_events_are_found_by_what_happened(history: History, wanted: list[str], number: int) -> None:
    found = actions(history, action=wanted)
    assert len(found) == number
    assert set(found) <= set(wanted)


def test_events_are_found_by_who_acted(history: History) -> None:
    assert actions(history, actorId=history.ids["key"]) == ["USER_DEACTIVATED", "USER_CREATED"]
    assert set(actions(history, actorId="cli")) >= {"FLAG_SET", "WORKSPACE_CREATED"}
    hers = history.alice.events(actorId=history.ids["Alice"], action=["API_KEY_CREATED", "USER_CREATED"])
    assert {event["actor"]["displayName"] for event in hers} == {"Alice Archer"}
    assert actions(history, actorId=history.ids["Ben"]) == []


def test_events_are_found_by_what_was_acted_on(history: History) -> None:
    assert actions(history, targetId=history.ids["Ben"]) == ["USER_UPDATED", "USER_CREATED"]
    assert actions(history, targetId=history.ids["old key"]) == ["API_KEY_REVOKED", "API_KEY_CREATED"]
    assert actions(history, targetId=history.ids["flag"]) == ["FLAG_SET", "FLAG_SET"]
    assert actions(history, targetId=history.ids["workspace"]) == ["WORKSPACE_CREATED"]
    assert actions(history, targetId=history.ids["Ben"], action=["USER_CREATED"]) == ["USER_CREATED"]
    assert actions(history, targetId=history.ids["Ben"], actorId=history.ids["key"]) == []


def test_events_are_found_by_when_it_happened(history: History) -> None:
    every = history.alice.events()
    ids = [event["id"] for event in every]
    at = history.alice.events(action=["USER_UPDATED"])[0]["at"]
    later = (datetime.fromisoformat(at) + timedelta(milliseconds=1)).isoformat()  # answers are to the millisecond
    since = [event["id"] for event in history.alice.events(since=at)]
    until = [event["id"] for event in history.alice.events(until=at)]
    assert since + until == ids
    assert at <= history.alice.events(since=at)[-1]["at"]
    assert all(event["at"] < at for event in history.alice.events(until=at))
    assert any(event["at"] == at for event in history.alice.events(since=at, until=later))
    assert history.alice.events(since=later, until=at) == []
    assert [event["id"] for event in history.alice.events(since="2001-01-01T00:00:00-23:59")] == ids
    assert history.alice.events(since="9999-12-31T23:59:59Z") == []


@pytest.mark.parametrize(
    "filter", [{}, {"action": None}, {"action": []}, {"actorId": None, "targetId": None, "since": None, "until": None}]
)
def test_a_filter_that_says_nothing_finds_everything(history: History, filter: Data) -> None:
    assert actions(history, **filter) == actions(history)
    assert actions(history)[-1] == "WORKSPACE_CREATED"


@pytest.mark.parametrize("id", ["", "x", "usr_1", "%", "a\x00b", "é", "x" * 10_000])
def test_an_id_of_nothing_finds_nothing(history: History, id: str) -> None:
    assert history.alice.events(targetId=id) == history.alice.events(actorId=id) == []


@pytest.mark.parametrize(
    "filter", [{"action": ["NOTHING"]}, {"since": "yesterday"}, {"until": "2026-01-01"}, {"ip": "x"}]
)
def test_a_filter_that_the_schema_does_not_know_is_no_operation(history: History, filter: Data) -> None:
    document = """query ($filter: AuditFilter) { viewer { workspace {
        auditEvents(first: 1, filter: $filter) { totalCount }
    } } }"""
    history.alice.unread(document, filter=filter)


def test_an_event_is_the_same_by_its_id(history: History) -> None:
    event = history.alice.events()[0]
    assert history.alice.node(event["id"], f"... on AuditEvent {{ {EVENT} }}") == {"__typename": "AuditEvent", **event}


def test_nothing_of_another_workspace_is_found(history: History, charlie: Browser) -> None:
    for id_ in history.ids.values():
        assert charlie.events(targetId=id_) == charlie.events(actorId=id_) == []
    known = {event["id"] for event in charlie.events()}
    assert known.isdisjoint(event["id"] for event in history.alice.events())


def test_no_secret_stands_in_the_log(history: History) -> None:
    text = str(history.alice.events())
    assert "hc_scim_" not in text
    assert "hc_session_" not in text
    assert "argon2" not in text
