"""What a workspace decides about provisioning."""

from typing import Any

import pytest

from service.actor import Role
from service.provisioning.settings import provisioning_settings, set_provisioning_settings
from service.refusals import Forbidden, Invalid
from service.work import Work
from service.workspaces import LinkExistingUsers, ProvisioningSettings
from tests.service.cast import Acme, Globex, events, nothing_changes, refusal

pytestmark = pytest.mark.anyio


async def test_a_workspace_begins_with_the_defaults(work: Work, acme: Acme) -> None:
    settings = await work.read(acme.alice, provisioning_settings)
    assert settings == ProvisioningSettings()
    assert (settings.link_existing_users, settings.default_role) == (LinkExistingUsers.AUTOMATIC, Role.MEMBER)
    assert (settings.breaker_percent, settings.breaker_minimum, settings.breaker_minutes) == (20, 25, 10)
    assert (settings.strict_scim, settings.provisioning_log_days) == (False, 30)


async def test_what_is_set_is_kept_in_this_workspace_and_said_in_the_audit_log(
    work: Work, acme: Acme, globex: Globex
) -> None:
    wanted = {"link_existing_users": "ASK", "default_role": Role.ADMIN, "strict_scim": True, "breaker_minutes": 5}
    after = await work.write(acme.alice, set_provisioning_settings, wanted)
    assert after == await work.read(acme.alice, provisioning_settings)
    assert after == ProvisioningSettings.model_validate(ProvisioningSettings().model_dump() | wanted)
    assert await work.read(globex.charlie, provisioning_settings) == ProvisioningSettings()
    event = (await events(work, acme))[-1]
    assert (event.action, event.target_id) == ("PROVISIONING_SETTINGS_CHANGED", acme.id)
    assert event.changes == [
        {"field": "link_existing_users", "before": "AUTOMATIC", "after": "ASK"},
        {"field": "default_role", "before": "MEMBER", "after": "ADMIN"},
        {"field": "strict_scim", "before": "false", "after": "true"},
        {"field": "breaker_minutes", "before": "10", "after": "5"},
    ]


async def test_setting_what_is_set_already_is_no_change(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        await work.write(acme.alice, set_provisioning_settings, {"strict_scim": False, "breaker_percent": 20})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_role", "OWNER"),
        ("default_role", "KING"),
        ("link_existing_users", "NEVER"),
        ("provisioning_log_days", 0),
        ("provisioning_log_days", 366),
        ("breaker_percent", 101),
        ("breaker_minimum", 0),
        ("breaker_minutes", 1_441),
    ],
)
async def test_what_cannot_be_is_refused_by_its_name(work: Work, acme: Acme, name: str, value: Any) -> None:
    async with nothing_changes(work):
        reason = await refusal(work.write(acme.alice, set_provisioning_settings, {"strict_scim": True, name: value}))
    assert isinstance(reason, Invalid)
    assert reason.field == name


async def test_members_and_the_directory_decide_nothing(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        for actor in (acme.bob, acme.directory, acme.nobody):
            refused = work.write(actor, set_provisioning_settings, {"strict_scim": True})
            assert await refusal(refused) == Forbidden("provisioning:write")
