"""What the provisioning page shows and decides."""

from typing import Any

import pytest

from tests.graphql_facade.browser import Browser, nothing_happens

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
