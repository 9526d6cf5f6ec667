"""Flags: what is switched on, by whom and why; only support switches."""

import pytest

from tests.graphql_facade.browser import SCHEMA, Browser, Data, signed_in
from tests.stage import Server, Tenant

FLAGS = """{ viewer { workspace {
    flags { id key description enabled isAvailable source planDefault reason setBy setAt expiresAt }
    provisioning { enabled baseUrl }
} } }"""


def flag_of(browser: Browser) -> Data:
    """The one flag there is, and what the provisioning page makes of it."""
    workspace = browser.ask(FLAGS)["viewer"]["workspace"]
    (flag,) = workspace["flags"]
    assert workspace["provisioning"]["enabled"] is flag["enabled"]
    shown: Data = flag
    return shown


@pytest.fixture(scope="module")
def unset(server: Server) -> Tenant:
    """A workspace for which support has set nothing."""
    return server.found("unset", "Alice", provisioning=False)


def test_a_flag_that_nobody_has_set_is_that_of_the_plan(unset: Tenant) -> None:
    flag = flag_of(signed_in(unset, unset.owner_email))
    assert flag.pop("description").startswith("An identity provider may")
    assert flag.pop("id").startswith("flag_")
    assert flag == {
        "key": "SCIM_PROVISIONING",
        "enabled": False,
        "isAvailable": True,
        "source": "PLAN",
        "planDefault": False,
        "reason": None,
        "setBy": None,
        "setAt": None,
        "expiresAt": None,
    }


def test_what_support_sets_is_seen_at_once_with_who_and_why(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    on = flag_of(alice)
    assert (on["enabled"], on["source"], on["planDefault"]) == (True, "OVERRIDE", False)
    assert on["reason"] == "the customer asked for it"
    assert on["setBy"].endswith("(command line)")
    server.cli("flag", "set", tenant.subdomain, "scim_provisioning", "off", "--reason", "unpaid")
    off = flag_of(alice)
    assert (off["enabled"], off["source"], off["reason"]) == (False, "OVERRIDE", "unpaid")
    assert off["id"] == on["id"]
    assert off["setAt"] > on["setAt"]


def test_a_flag_is_the_same_by_its_id(alice: Browser) -> None:
    flag = flag_of(alice)
    wanted = (
        "... on WorkspaceFlag { key description enabled isAvailable source planDefault reason setBy setAt expiresAt }"
    )
    assert alice.node(flag["id"], wanted) == {"__typename": "WorkspaceFlag", **flag}


def test_one_workspace_s_flag_is_not_another_s(alice: Browser, unset: Tenant) -> None:
    other = signed_in(unset, unset.owner_email)
    assert flag_of(alice)["enabled"] is not flag_of(other)["enabled"]
    assert flag_of(alice)["id"] != flag_of(other)["id"]
    assert other.node(flag_of(alice)["id"]) is None


def test_the_base_url_is_the_one_that_scim_answers_at(alice: Browser, acme: Tenant) -> None:
    url = alice.ask(FLAGS)["viewer"]["workspace"]["provisioning"]["baseUrl"]
    with acme.scim() as scim:
        assert url == f"http://{scim.headers['host']}/api/scim/v2"
        answer = scim.get(f"{scim.base_url}Users")
    assert answer.status_code == 200


def test_there_is_no_way_to_set_a_flag_of_one_s_own(alice: Browser) -> None:
    assert SCHEMA.mutation_type is not None
    assert [name for name in SCHEMA.mutation_type.fields if "flag" in name.lower()] == ["workspaceFlagSet"]
    assert "FLAGS_WRITE" not in alice.ask("{ viewer { permissions } }")["viewer"]["permissions"]
