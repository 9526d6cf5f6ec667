"""Support staff: a realm of their own; they set flags, plans and seats of customers, say why, and see no people."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.graphql_facade.browser import Browser, Data, nothing_happens, signed_in
from tests.graphql_facade.conftest import Cast
from tests.stage import PASSWORD, Server, Tenant

SAM = "sam@headcount.example"
STATE = "id plan seats flags { key enabled isAvailable source planDefault reason setBy expiresAt }"
SEEN = f"... on SupportPayload {{ workspace {{ {STATE} }} }}"
LOOK = f"query ($by: WorkspaceBy!) {{ workspace(by: $by) {{ {STATE} }} }}"


@pytest.fixture(scope="module")
def sam(server: Server) -> Browser:
    """A member of the staff, at the staff's own page."""
    server.said("staff", "create", "--email", SAM, "--name", "Sam Smith", HEADCOUNT_STAFF_PASSWORD=PASSWORD)
    return signed_in(Tenant(server, "support", SAM), SAM)


@pytest.fixture
def tenant(server: Server) -> Tenant:
    """A customer without provisioning."""
    return server.found_another(provisioning=False)


def look(sam: Browser, tenant: Tenant) -> Data:
    """A customer's workspace as staff see it."""
    found: Data = sam.ask(LOOK, by={"subdomain": tenant.subdomain})["workspace"]
    return found


def scim_status(tenant: Tenant) -> int:
    """What a directory of the workspace is told."""
    with tenant.scim() as scim:
        return scim.get("/Users").status_code


def test_staff_switch_provisioning_on_with_a_reason_and_the_workspace_sees_who_it_was(
    sam: Browser, tenant: Tenant
) -> None:
    before = look(sam, tenant)
    (flag,) = before["flags"]
    assert (flag["enabled"], flag["isAvailable"], flag["source"]) == (False, True, "PLAN")
    assert scim_status(tenant) == 403
    wanted = {"workspaceId": before["id"], "key": "SCIM_PROVISIONING", "enabled": True, "reason": "Ticket 4711"}
    done = sam.do("workspaceFlagSet", wanted, SEEN)
    (flag,) = done["workspace"]["flags"]
    assert (flag["enabled"], flag["source"], flag["reason"], flag["setBy"]) == (
        *(True, "OVERRIDE", "Ticket 4711", "Sam Smith"),
    )
    assert scim_status(tenant) == 200
    alice = signed_in(tenant, tenant.owner_email)
    (event,) = alice.events(action=["FLAG_SET"])
    assert (event["actor"]["kind"], event["actor"]["displayName"], event["channel"], event["reason"]) == (
        *("SUPPORT", "Sam Smith", "SUPPORT", "Ticket 4711"),
    )
    seen = sam.ask(
        """query ($by: WorkspaceBy!) { workspace(by: $by) { auditEvents(first: 1, filter: {channel: [SUPPORT]}) {
            nodes { action reason } } } }""",
        by={"id": before["id"]},
    )
    assert seen["workspace"]["auditEvents"]["nodes"] == [{"action": "FLAG_SET", "reason": "Ticket 4711"}]


def test_a_flag_may_be_set_until_a_time_and_given_back_to_the_plan(sam: Browser, tenant: Tenant) -> None:
    id_ = look(sam, tenant)["id"]
    base = {"workspaceId": id_, "key": "SCIM_PROVISIONING", "reason": "a trial"}
    assert scim_status(tenant) == 403  # with a key that takes a while to make
    end = datetime.now(UTC) + timedelta(seconds=3)
    done = sam.do("workspaceFlagSet", {**base, "enabled": True, "expiresAt": end.isoformat()}, SEEN)
    assert done["workspace"]["flags"][0]["expiresAt"][:19] == end.isoformat()[:19]
    assert scim_status(tenant) == 200
    time.sleep((end - datetime.now(UTC)).total_seconds() + 0.1)
    assert scim_status(tenant) == 403  # at once, whoever tidies up later
    assert look(sam, tenant)["flags"][0]["source"] == "PLAN"
    sam.do("workspaceFlagSet", {**base, "enabled": True}, SEEN)
    back = sam.do("workspaceFlagSet", {**base, "enabled": None}, SEEN)
    assert (back["workspace"]["flags"][0]["enabled"], back["workspace"]["flags"][0]["source"]) == (False, "PLAN")
    for wrong, field in (
        ({"enabled": True, "expiresAt": "2026-01-01T00:00:00Z"}, "expiresAt"),
        ({"enabled": None, "expiresAt": "2099-01-01T00:00:00Z"}, "expiresAt"),
        ({"enabled": True, "reason": "  "}, "reason"),
    ):
        refused = sam.do("workspaceFlagSet", base | wrong)
        assert (refused["__typename"], refused["issues"][0]["path"]) == ("InvalidInput", [field])


def test_a_smaller_plan_takes_provisioning_away_and_the_larger_one_gives_it_back(sam: Browser, tenant: Tenant) -> None:
    id_ = look(sam, tenant)["id"]
    flag = {"workspaceId": id_, "key": "SCIM_PROVISIONING", "enabled": True, "reason": "bought it"}
    sam.do("workspaceFlagSet", flag)
    down = sam.do("workspacePlanSet", {"workspaceId": id_, "plan": "STANDARD", "reason": "saves money"}, SEEN)
    (state,) = down["workspace"]["flags"]
    assert (down["workspace"]["plan"], state["enabled"], state["isAvailable"]) == ("STANDARD", False, False)
    assert scim_status(tenant) == 403
    alice = signed_in(tenant, tenant.owner_email)
    (event,) = alice.events(action=["PLAN_SET"])
    assert event["changes"] == [
        {"field": "plan", "before": "ENTERPRISE", "after": "STANDARD"},
        {"field": "scimProvisioning", "before": "on", "after": "off"},
    ]
    assert event["reason"] == "saves money"
    refused = sam.do("workspaceFlagSet", flag | {"reason": "please"})
    assert refused["__typename"] == "InvalidInput"
    assert "Premium and Enterprise" in refused["message"]
    up = sam.do("workspacePlanSet", {"workspaceId": id_, "plan": "PREMIUM", "reason": "came back"}, SEEN)
    assert up["workspace"]["flags"][0]["enabled"] is True
    assert scim_status(tenant) == 200


def test_staff_bound_the_seats(sam: Browser, tenant: Tenant) -> None:
    id_ = look(sam, tenant)["id"]
    done = sam.do("workspaceSeatsSet", {"workspaceId": id_, "seats": 1, "reason": "as bought"}, SEEN)
    assert done["workspace"]["seats"] == 1
    alice = signed_in(tenant, tenant.owner_email)
    refused = alice.do("userCreate", {"email": "one.too.many@acme.example"})
    assert refused["__typename"] == "LimitReached"
    (event,) = alice.events(action=["SEATS_SET"])
    assert event["reason"] == "as bought"


def test_nobody_else_sees_a_workspace_so_or_sets_anything(cast: Cast, tenant: Tenant, sam: Browser) -> None:
    id_ = look(sam, tenant)["id"]
    inputs = {
        "workspaceFlagSet": {"workspaceId": id_, "key": "SCIM_PROVISIONING", "enabled": True, "reason": "please"},
        "workspacePlanSet": {"workspaceId": id_, "plan": "PREMIUM", "reason": "please"},
        "workspaceSeatsSet": {"workspaceId": id_, "seats": 1, "reason": "please"},
    }
    own = cast.alice.ask("{ viewer { workspace { id } } }")["viewer"]["workspace"]["id"]
    with nothing_happens(signed_in(tenant, tenant.owner_email)), nothing_happens(cast.alice):
        for somebody in (cast.alice, cast.ann, cast.bob):
            for mutation, input_ in inputs.items():
                for wanted in (id_, own):
                    refused = somebody.do(mutation, input_ | {"workspaceId": wanted})
                    assert (refused["__typename"], refused["requires"]) == ("Forbidden", "WORKSPACES_SUPPORT")
            error = somebody.error(LOOK, by={"id": own})
            assert error["extensions"] == {"code": "FORBIDDEN", "requires": "WORKSPACES_SUPPORT"}
        for mutation, input_ in inputs.items():
            assert cast.nobody.do(mutation, input_)["__typename"] == "Unauthenticated"


def test_staff_are_at_home_in_their_realm_alone(sam: Browser, server: Server, tenant: Tenant) -> None:
    viewer = sam.ask("{ viewer { permissions user { displayName } } }")["viewer"]
    assert viewer == {
        "permissions": ["WORKSPACE_READ", "USERS_READ", "WORKSPACES_SUPPORT", "SESSIONS_USE"],
        "user": {"displayName": "Sam Smith"},
    }
    for fields in ("apiKeys(first: 1) { totalCount }", "auditEvents(first: 1) { totalCount }"):
        assert sam.error(f"{{ viewer {{ workspace {{ {fields} }} }} }}")["extensions"]["code"] == "FORBIDDEN"
    ((name, token),) = sam.cookies
    here, there = (
        Browser(server.client(server.host(subdomain), Cookie=f"{name}={token}"))
        for subdomain in ("support", tenant.subdomain)
    )
    assert here.ask("{ viewer { permissions } }")
    assert there.error("{ viewer { permissions } }")["extensions"]["code"] == "UNAUTHENTICATED"
    customer = signed_in(tenant, tenant.owner_email)
    assert sam.node(customer.ask("{ viewer { user { id } } }")["viewer"]["user"]["id"]) is None
    for by in (
        {"subdomain": "support"},
        {"id": "wsp_staff"},
        {"subdomain": "no-such"},
        {"id": "x' OR 1=1"},
        {"id": ""},
    ):
        assert sam.error(LOOK, by=by)["extensions"]["code"] == "NOT_FOUND"
    assert sam.unread(LOOK, by={"id": "wsp_staff", "subdomain": "support"})


def test_who_leaves_the_staff_is_signed_out_at_once(server: Server, tenant: Tenant) -> None:
    email = f"tom.{tenant.subdomain}@headcount.example"
    server.said("staff", "create", "--email", email, HEADCOUNT_STAFF_PASSWORD=PASSWORD)
    tom = signed_in(Tenant(server, "support", email), email)
    assert look(tom, tenant)["plan"] == "ENTERPRISE"
    server.said("staff", "deactivate", email)
    assert tom.error(LOOK, by={"subdomain": tenant.subdomain})["extensions"]["code"] == "UNAUTHENTICATED"
    assert "inactive" in server.said("staff", "list").stdout
    assert "support" not in server.said("workspace", "list").stdout.split()


def test_no_customer_may_be_called_as_the_staff_are(server: Server) -> None:
    words = (
        "workspace",
        "create",
        "support",
        "--name",
        "Impostor",
        "--plan",
        "premium",
        "--owner-email",
        "i@x.example",
    )
    done = server.cli(*words, check=False, HEADCOUNT_OWNER_PASSWORD=PASSWORD)
    assert done.returncode == 1
    assert "support" in done.stderr
