"""Workspace flags: the plan decides, support may depart from it and says why."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.actor import supporting, system
from service.api_keys import ApiKeyScope
from service.authentication import recognise_key
from service.clock import now
from service.flags import (
    REGISTRY,
    Flag,
    FlagDefinition,
    FlagOverride,
    FlagSource,
    end_flag_overrides,
    is_on,
    list_flags,
    set_flag,
)
from service.plans import set_plan
from service.refusals import Forbidden, Invalid, ReauthenticationRequired
from service.users.queries import all_users
from service.users.seats import set_seats
from service.work import Work
from service.workspaces import Plan
from tests.service.cast import Acme, Globex, caller, nothing_changes, recorded, refusal, time_passes

pytestmark = pytest.mark.anyio

SCIM = Flag.SCIM_PROVISIONING


@pytest.mark.parametrize("plan", list(Plan))
def test_provisioning_is_off_on_every_plan_until_support_turns_it_on_where_the_plan_may_have_it(plan: Plan) -> None:
    assert is_on(SCIM, plan, None) is False
    assert is_on(SCIM, plan, True) is (plan in (Plan.PREMIUM, Plan.ENTERPRISE))
    assert is_on(SCIM, plan, False) is False


def test_what_is_set_until_a_time_counts_until_then() -> None:
    assert is_on(SCIM, Plan.PREMIUM, True, now() + timedelta(seconds=60)) is True
    assert is_on(SCIM, Plan.PREMIUM, True, now()) is False


def test_every_flag_says_what_it_switches() -> None:
    assert set(REGISTRY) == set(Flag)
    assert all(definition.description.endswith(".") for definition in REGISTRY.values())


async def test_a_flag_has_its_plan_s_value_and_says_so(work: Work, acme: Acme) -> None:
    (state,) = await work.read(acme.ann, list_flags)
    assert (state.flag, state.enabled, state.plan_default, state.source) == (SCIM, False, False, FlagSource.PLAN)
    assert state.override is None
    assert state.description


async def test_an_override_departs_from_the_plan_either_way(
    work: Work, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY, SCIM, FlagDefinition("For this test.", on_for=frozenset({Plan.ENTERPRISE})))
    (state,) = await work.read(acme.ann, list_flags)
    assert (state.enabled, state.plan_default, state.source) == (True, True, FlagSource.PLAN)
    state = await work.write(acme.support, set_flag, SCIM, enabled=False, reason="abuse")
    assert (state.enabled, state.plan_default, state.source) == (False, True, FlagSource.OVERRIDE)
    assert await work.read(acme.ann, list_flags) == [state]


async def test_setting_a_flag_says_why_and_who(work: Work, acme: Acme, globex: Globex) -> None:
    async with recorded(work, acme) as new:
        on = await work.write(acme.support, set_flag, SCIM, enabled=True, reason="  bought Enterprise ")
        off = await work.write(acme.support, set_flag, SCIM, enabled=False, reason="left again")
    assert on.override
    assert (on.enabled, on.override.reason, on.override.set_by) == (True, "bought Enterprise", "command line")
    assert off.override
    assert (off.enabled, off.override.reason) == (False, "left again")
    assert [(event.action, event.target_id, event.reason, event.changes) for event in new] == [
        ("FLAG_SET", SCIM, "bought Enterprise", [{"field": "enabled", "before": "off", "after": "on"}]),
        ("FLAG_SET", SCIM, "left again", [{"field": "enabled", "before": "on", "after": "off"}]),
    ]
    (elsewhere,) = await work.read(globex.charlie, list_flags)
    assert elsewhere.source is FlagSource.PLAN


async def test_setting_what_is_set_already_is_no_change(work: Work, acme: Acme) -> None:
    first = await work.write(acme.support, set_flag, SCIM, enabled=True, reason="bought Enterprise")
    async with nothing_changes(work):
        assert await work.write(acme.support, set_flag, SCIM, enabled=True, reason="once more") == first


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00", "\udc80"])
async def test_a_flag_is_not_set_without_a_reason(work: Work, acme: Acme, reason: str) -> None:
    async with nothing_changes(work):
        refused = await refusal(work.write(acme.support, set_flag, SCIM, enabled=True, reason=reason))
    assert isinstance(refused, Invalid)
    assert refused.field == "reason"


async def test_only_support_sets_flags_and_members_do_not_see_them(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        for actor in (acme.alice, acme.ann, acme.bob, acme.directory):
            refused = work.write(actor, set_flag, SCIM, enabled=True, reason="please")
            assert await refusal(refused) == Forbidden("flags:write")
        assert await refusal(work.read(acme.bob, list_flags)) == Forbidden("flags:read")


async def test_a_key_s_holder_learns_at_once_that_provisioning_is_on_or_off(work: Work, acme: Acme) -> None:
    async def is_on_now() -> bool:
        holder = await recognise_key(work, acme.key, caller())
        assert holder.scopes == (ApiKeyScope.SCIM,)
        return holder.provisioning_is_on

    assert not await is_on_now()
    await work.write(acme.support, set_flag, SCIM, enabled=True, reason="on")
    assert await is_on_now()
    await work.write(acme.support, set_flag, SCIM, enabled=False, reason="off")
    assert not await is_on_now()


async def test_what_has_ended_is_tidied_up_and_said(work: Work, acme: Acme) -> None:
    day = now() + timedelta(days=1)
    async with recorded(work, acme) as new:
        state = await work.write(acme.support, set_flag, SCIM, enabled=True, reason="a trial", expires_at=day)
        assert state.override
        assert await work.write(system(acme.id), end_flag_overrides) == 0
        await time_passes(work, acme, FlagOverride, SCIM.value, expires_at=now() - timedelta(seconds=1))
        (ended,) = await work.read(acme.ann, list_flags)
        assert (ended.enabled, ended.override, ended.source) == (False, None, FlagSource.PLAN)
        assert await work.write(system(acme.id), end_flag_overrides) == 1
        assert await work.write(system(acme.id), end_flag_overrides) == 0
    set_, gone = new
    assert [each["field"] for each in set_.changes or ()] == ["enabled", "expires_at"]
    assert (gone.actor_kind, gone.reason) == ("SYSTEM", "its end date has come")


async def test_a_flag_that_has_ended_and_was_not_tidied_up_can_be_set_again(work: Work, acme: Acme) -> None:
    soon = now() + timedelta(days=1)
    await work.write(acme.support, set_flag, SCIM, enabled=True, reason="a trial", expires_at=soon)
    await time_passes(work, acme, FlagOverride, SCIM.value, expires_at=now() - timedelta(seconds=1))
    async with recorded(work, acme) as new:
        again = await work.write(acme.support, set_flag, SCIM, enabled=True, reason="bought it")
    assert (again.enabled, again.override and again.override.expires_at) == (True, None)
    assert new[0].changes == [{"field": "enabled", "before": "off", "after": "on"}]


async def test_a_plan_switches_what_comes_with_it_and_says_so(work: Work, acme: Acme, globex: Globex) -> None:
    await work.write(acme.support, set_flag, SCIM, enabled=True, reason="bought it")
    async with recorded(work, acme) as new:
        await work.write(acme.support, set_plan, Plan.ESSENTIAL, reason="saves money")
        await work.write(acme.support, set_plan, Plan.ESSENTIAL, reason="once more")  # no change
    (event,) = new
    assert (event.action, event.reason) == ("PLAN_SET", "saves money")
    assert [(each["field"], each["before"], each["after"]) for each in event.changes or ()] == [
        ("plan", "ENTERPRISE", "ESSENTIAL"),
        ("scim_provisioning", "on", "off"),
    ]
    assert not (await recognise_key(work, acme.key, caller())).provisioning_is_on
    assert isinstance(
        await refusal(work.write(acme.support, set_flag, SCIM, enabled=True, reason="please", expires_at=None)), Invalid
    )
    (elsewhere,) = await work.read(globex.charlie, list_flags)
    assert elsewhere.is_available


async def test_staff_act_in_a_customer_s_workspace_with_a_recent_password_and_few_permissions(
    work: Work, acme: Acme
) -> None:
    fresh = supporting(replace(acme.bob, name="Sam", session_id="ses_sam", confirmed_at=now()), acme.id)
    assert (await work.write(fresh, set_flag, SCIM, enabled=True, reason="a ticket")).enabled
    stale = replace(fresh, confirmed_at=now() - timedelta(minutes=16))
    for act in (
        work.write(stale, set_flag, SCIM, enabled=False, reason="a ticket"),
        work.write(stale, set_plan, Plan.PREMIUM, reason="a ticket"),
        work.write(stale, set_seats, 5, reason="a ticket"),
    ):
        assert isinstance(await refusal(act), ReauthenticationRequired)
    assert isinstance(await refusal(work.read(fresh, all_users)), Forbidden)
