"""The provisioning log: every request of the directory, what came of it, and nothing that is secret."""

import json
import time
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_facade.recording import redacted
from tests.graphql_facade.browser import Browser, signed_in
from tests.scim_facade.people import PATCH, created, somebody
from tests.stage import Server, Tenant

ENTRY = """id at operation outcome status durationMs apiKeyId apiKeyName client ip requestId
    target { kind id displayName } changes { field before after } method address request response"""
PASSWORD = "Tr0ub4dor&3"


@pytest.fixture(scope="module")
def tenant(server: Server) -> Tenant:
    return server.found_another()


@pytest.fixture(scope="module")
def alice(tenant: Tenant) -> Browser:
    return signed_in(tenant, tenant.owner_email)


@pytest.fixture(scope="module")
def scim(tenant: Tenant) -> httpx2.Client:
    return tenant.scim(**{"User-Agent": "Okta SCIM Client 1.0.0"})


def entries(browser: Browser, **filter: Any) -> list[dict[str, Any]]:
    """The newest entries first."""
    document = f"""query ($filter: ProvisioningEventFilter) {{ viewer {{ workspace {{ provisioning {{
        events(first: 100, filter: $filter) {{ totalCount nodes {{ {ENTRY} }} }}
    }} }} }} }}"""
    answer = browser.ask(document, filter=filter)
    found: list[dict[str, Any]] = answer["viewer"]["workspace"]["provisioning"]["events"]["nodes"]
    return found


def entry_of(browser: Browser, answer: httpx2.Response) -> dict[str, Any]:
    """The one entry of a request, which is written a moment after the answer."""
    for _ in range(100):
        if found := entries(browser, requestId=answer.headers["x-request-id"]):
            (entry,) = found
            return entry
        time.sleep(0.05)
    raise AssertionError("it was not logged")


def test_a_walk_of_okta_s_is_logged_step_by_step(alice: Browser, scim: httpx2.Client) -> None:
    def patch(id: str, **value: Any) -> httpx2.Response:
        operations = [{"op": "replace", "value": value}]
        return scim.patch(f"/Users/{id}", json={"schemas": [PATCH], "Operations": operations})

    made = scim.post("/Users", json=somebody(password=PASSWORD))
    bob = made.json()
    group = {"displayName": "Engineers", "members": [{"value": bob["id"]}]}
    steps = [
        ("TEST", "DONE", scim.get("/Users", params={"startIndex": 1, "count": 2})),
        ("LOOKUP", "DONE", scim.get("/Users", params={"filter": 'userName eq "x"', "startIndex": 1, "count": 100})),
        ("LIST", "DONE", scim.get("/Users", params={"startIndex": 1, "count": 100})),
        ("DISCOVERY", "DONE", scim.get("/Schemas")),
        ("CREATE", "DONE", made),
        ("CREATE", "REFUSED", scim.post("/Users", json=bob)),
        ("READ", "DONE", scim.get(f"/Users/{bob['id']}")),
        ("UPDATE", "DONE", patch(bob["id"], title="Lead")),
        ("UPDATE", "DONE", patch(bob["id"], title="Lead")),
        ("GROUP_CHANGE", "DONE", scim.post("/Groups", json=group)),
        ("DEACTIVATE", "DONE", patch(bob["id"], active=False)),
        ("REACTIVATE", "DONE", patch(bob["id"], active=True)),
        ("DELETE", "DONE", scim.delete(f"/Users/{bob['id']}")),
        ("READ", "REFUSED", scim.get(f"/Users/{bob['id']}")),
    ]
    for operation, outcome, answer in steps:
        entry = entry_of(alice, answer)
        assert (entry["operation"], entry["outcome"]) == (operation, outcome), entry
        assert (entry["status"], entry["method"]) == (answer.status_code, answer.request.method)
        assert (entry["apiKeyName"], entry["client"]) == ("Okta", "Okta SCIM Client 1.0.0")
    create, update = (entry_of(alice, steps[number][2]) for number in (4, 7))
    assert create["target"] == {"kind": "User", "id": bob["id"], "displayName": "Bob Baker"}
    assert json.loads(create["response"]) == bob
    assert update["changes"] == [{"field": "title", "before": None, "after": "Lead"}]
    refused = entry_of(alice, steps[5][2])
    assert refused["response"] == steps[5][2].text
    assert refused["requestId"] in steps[5][2].json()["detail"]
    assert {each["operation"] for each in entries(alice, targetId=bob["id"])} >= {"CREATE", "UPDATE", "DELETE", "READ"}
    assert {each["outcome"] for each in entries(alice, outcome="REFUSED")} == {"REFUSED"}


def test_no_secret_gets_into_the_log(alice: Browser, scim: httpx2.Client, tenant: Tenant) -> None:
    bob = created(scim, password=PASSWORD)
    bodies: list[Any] = [
        {"Operations": [{"op": "replace", "value": {"password": PASSWORD}}]},
        {"Operations": [{"op": "replace", "path": "password", "value": PASSWORD}]},
        {"Operations": [{"op": "add", "path": "PassWord", "value": [{"value": PASSWORD}]}]},
    ]
    answers = [scim.patch(f"/Users/{bob['id']}", json=body) for body in bodies]
    answers += [
        scim.patch(f"/Users/{bob['id']}", content=f'{{"p\\u0061ssword": "{PASSWORD}"'.encode()),
        scim.post(
            "/Bulk", json={"Operations": [{"method": "POST", "path": "/Users", "data": somebody(password=PASSWORD)}]}
        ),
    ]
    for answer in answers[:-1]:
        entry_of(alice, answer)
    time.sleep(0.5)
    assert {"BULK", "CREATE"} <= {each["operation"] for each in entries(alice)}
    everything = json.dumps(entries(alice))
    assert PASSWORD not in everything
    assert tenant.key not in everything
    assert "(not kept)" in everything


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["password", "Password", "value", "path", "x"]), inner, max_size=3),
        ),
        max_leaves=8,
    )
)
def test_nothing_called_a_password_is_kept(value: Any) -> None:
    body = json.dumps({"userName": "bob", "password": PASSWORD, "more": value, "deep": [{"passWord": [PASSWORD]}]})
    kept = redacted(body.encode())
    assert PASSWORD not in kept
    assert json.loads(kept)["userName"] == "bob"


def test_a_key_of_nobody_s_leaves_no_entry_and_a_switched_off_flag_does(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    with tenant.scim() as scim, tenant.scim("hc_scim_" + "0" * 49) as stranger:
        assert stranger.get("/Users").status_code == 401
        server.cli("flag", "set", tenant.subdomain, "scim_provisioning", "off", "--reason", "unpaid")
        refused = scim.get("/Users")
        assert refused.status_code == 403
        entry_of(alice, refused)
        (entry,) = entries(alice)
        assert (entry["status"], entry["outcome"]) == (403, "REFUSED")


def test_a_burst_is_logged_to_the_last_request(alice: Browser, scim: httpx2.Client) -> None:
    operations = [{"method": "DELETE", "path": f"/Users/usr_{number}"} for number in range(600)]
    answer = scim.post("/Bulk", json={"Operations": operations})
    assert {each["status"] for each in answer.json()["Operations"]} == {"404"}
    document = """query ($id: String) { viewer { workspace { provisioning {
        events(first: 1, filter: {requestId: $id}) { totalCount }
    } } } }"""
    total = 0
    for _ in range(100):
        workspace = alice.ask(document, id=answer.headers["x-request-id"])["viewer"]["workspace"]
        total = workspace["provisioning"]["events"]["totalCount"]
        if total == 601:
            return
        time.sleep(0.1)
    raise AssertionError(total)


def test_a_workspace_learns_what_strictness_would_break(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    use = "tolerance times apiKeyId apiKeyName firstAt lastAt"
    document = f"""{{ viewer {{ workspace {{ provisioning {{
        strictReadiness {{ isSafe uses {{ {use} }} blocking {{ {use} }} }}
    }} }} }} }}"""

    def readiness() -> dict[str, Any]:
        found: dict[str, Any] = alice.ask(document)["viewer"]["workspace"]["provisioning"]["strictReadiness"]
        return found

    assert readiness() == {"isSafe": True, "uses": [], "blocking": []}
    with tenant.scim() as scim:
        carol = created(scim)
        for active in (False, True):
            operations = [{"op": "Replace", "value": {"active": active}}]
            answer = scim.patch(f"/Users/{carol['id']}", json={"schemas": [PATCH], "Operations": operations})
            assert entry_of(alice, answer)["status"] == 200
    told = readiness()
    assert told["isSafe"] is False
    assert told["blocking"] == told["uses"]
    assert {each["tolerance"]: each["times"] for each in told["uses"]} == {
        "PATCH_WITHOUT_PATH": 2,
        "OPERATION_IN_CAPITALS": 2,
        "UNKNOWN_ATTRIBUTE": 1,  # the password that Okta sends with each creation
    }
    for key in {each["apiKeyId"] for each in told["uses"]}:
        assert alice.do("apiKeyRevoke", {"id": key})["__typename"] == "ApiKeyRevokePayload"
    after = readiness()
    assert (after["isSafe"], after["blocking"], after["uses"]) == (True, [], told["uses"])
