"""What the provisioning page shows and decides."""

from typing import Any

import pytest

from tests.graphql_facade.browser import Browser, nothing_happens, signed_in
from tests.scim_facade.people import created, somebody
from tests.stage import Server

SETTINGS = """linkExistingUsers defaultRole strictScim provisioningLogDays
    breakerPercent breakerMinimum breakerMinutes"""
ASKED = f"{{ viewer {{ workspace {{ provisioning {{ settings {{ {SETTINGS} }} }} }} }} }}"
CHANGED = f"... on ProvisioningSettingsUpdatePayload {{ settings {{ {SETTINGS} }} }}"


def settings_of(browser: Browser) -> dict[str, Any]:
    """The settings as the page shows them."""
    shown: dict[str, Any] = browser.ask(ASKED)["viewer"]["workspace"]["provisioning"]["settings"]
    return shown


def test_an_admin_changes_some_settings_and_the_others_stay(alice: Browser) -> None:
    before = settings_of(alice)
    wanted = {"linkExistingUsers": "ASK", "breakerPercent": 35}
    assert alice.do("provisioningSettingsUpdate", wanted, CHANGED)["settings"] == before | wanted
    assert settings_of(alice) == before | wanted
    back = {name: before[name] for name in wanted}
    assert alice.do("provisioningSettingsUpdate", back, CHANGED)["settings"] == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("defaultRole", "OWNER"), ("strictScim", None), ("provisioningLogDays", 0), ("breakerMinutes", 2_000)],
)
def test_what_cannot_be_is_refused_by_the_name_of_the_input(alice: Browser, name: str, value: Any) -> None:
    with nothing_happens(alice):
        result = alice.do("provisioningSettingsUpdate", {"breakerPercent": 50, name: value})
    assert result["code"] == "INVALID_INPUT"
    assert [issue["path"] for issue in result["issues"]] == [[name]]


PAUSE = "provisioning { pause { since isSettling } }"
PAUSED = "... on ProvisioningPausePayload { pause { since isSettling } }"


def test_a_paused_directory_is_told_so_and_goes_on_where_it_stopped(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    with tenant.scim() as scim:
        carol = created(scim)
        paused = alice.do("provisioningPause", {"managedPeople": "DEACTIVATE"}, PAUSED)["pause"]
        assert paused["since"] is not None
        assert paused["isSettling"] is False
        shown = alice.ask(f"{{ viewer {{ workspace {{ {PAUSE} }} }} }}")["viewer"]["workspace"]["provisioning"]
        assert shown == {"pause": paused}
        for answer in (scim.get("/Users"), scim.post("/Users", json=somebody()), scim.get("/Schemas")):
            assert (answer.status_code, answer.json()["status"]) == (403, "403")
            assert "paused by an admin" in answer.json()["detail"]
        person = alice.node(carol["id"], "... on User { status statusReason }")
        assert person is not None
        assert (person["status"], person["statusReason"]) == ("INACTIVE", "PROVISIONING_PAUSED")
        resumed = alice.answer(f"mutation {{ provisioningResume {{ {PAUSED} }} }}")["data"]["provisioningResume"]
        assert resumed == {"pause": {"since": None, "isSettling": False}}
        assert scim.get(f"/Users/{carol['id']}").json()["active"] is True


def test_support_pauses_and_resumes_on_the_command_line(server: Server) -> None:
    tenant = server.found_another()
    with tenant.scim() as scim:
        carol = created(scim)
        server.cli("workspace", "pause", tenant.subdomain, "--managed-people", "keep")
        assert scim.get(f"/Users/{carol['id']}").status_code == 403
        server.cli("workspace", "resume", tenant.subdomain)
        assert scim.get(f"/Users/{carol['id']}").json()["active"] is True
