"""Owners: who may make, change and remove one, and that one stays."""

import pytest

from service.actor import Actor, Role
from service.refusals import Forbidden, OwnerProtected
from service.users.commands import create_user, deactivate_user, delete_user, reactivate_user, set_role, update_user
from service.work import Work
from tests.service.cast import Acme, changed, nothing_changes, person, recorded, refusal

pytestmark = pytest.mark.anyio


async def second_owner(work: Work, acme: Acme) -> str:
    """Dora, who owns Acme too."""
    made = await work.write(acme.alice, create_user, person("dora@acme.example"), role=Role.OWNER)
    return made.id


async def test_the_last_active_owner_stays(work: Work, acme: Acme) -> None:
    alice = acme.people["Alice"]
    async with nothing_changes(work):
        for act in (
            work.write(acme.alice, deactivate_user, alice),
            work.write(acme.alice, delete_user, alice),
            work.write(acme.alice, set_role, alice, Role.ADMIN),
            work.write(acme.alice, set_role, alice, Role.MEMBER),
            work.write(acme.support, deactivate_user, alice),
            work.write(acme.support, delete_user, alice),
        ):
            reason = await refusal(act)
            assert isinstance(reason, OwnerProtected)
            assert "last active owner" in reason.why


async def test_an_owner_who_is_not_the_last_may_go(work: Work, acme: Acme) -> None:
    dora, alice = await second_owner(work, acme), acme.people["Alice"]
    assert (await work.write(acme.alice, set_role, alice, Role.MEMBER)).role == "MEMBER"
    assert isinstance(await refusal(work.write(acme.support, deactivate_user, dora)), OwnerProtected)


async def test_a_deactivated_owner_counts_for_nothing(work: Work, acme: Acme) -> None:
    dora = await second_owner(work, acme)
    await work.write(acme.alice, deactivate_user, dora)
    alice = acme.people["Alice"]
    assert isinstance(await refusal(work.write(acme.alice, deactivate_user, alice)), OwnerProtected)
    await work.write(acme.alice, delete_user, dora)


async def test_an_owner_who_gives_up_ownership_cannot_take_it_back(work: Work, acme: Acme) -> None:
    await second_owner(work, acme)
    alice = acme.people["Alice"]
    await work.write(acme.alice, set_role, alice, Role.ADMIN)
    as_admin = acme.acting("Alice", Role.ADMIN)
    assert isinstance(await refusal(work.write(as_admin, set_role, alice, Role.OWNER)), OwnerProtected)


async def test_a_directory_cannot_take_an_owner_s_access_or_mail(work: Work, acme: Acme) -> None:
    dora = await second_owner(work, acme)  # not the last one: it is ownership that protects her
    async with nothing_changes(work):
        for act in (
            work.write(acme.directory, deactivate_user, dora),
            work.write(acme.directory, update_user, dora, changed(active=False, title="Gone")),
            work.write(acme.directory, update_user, dora, changed(user_name="mallory@acme.example")),
            work.write(acme.directory, update_user, dora, changed(emails=[{"value": "mallory@acme.example"}])),
            work.write(acme.directory, delete_user, dora),
            work.write(acme.directory, set_role, dora, Role.MEMBER),
        ):
            reason = await refusal(act)
            assert isinstance(reason, OwnerProtected)
            assert "dora@acme.example" in reason.why
            assert reason.why.endswith(".")


async def test_a_directory_may_change_the_rest_of_an_owner_and_does_not_adopt_them(work: Work, acme: Acme) -> None:
    async with recorded(work, acme) as new:
        alice = await work.write(acme.directory, update_user, acme.people["Alice"], changed(title="Founder"))
    assert (alice.title, alice.managed_by, alice.role) == ("Founder", "WORKSPACE", "OWNER")
    assert [event.action for event in new] == ["USER_UPDATED"]


async def test_a_directory_makes_members_only(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        refused = work.write(acme.directory, create_user, person("mallory@acme.example"), role=Role.OWNER)
        assert isinstance(await refusal(refused), OwnerProtected)
        refused = work.write(acme.directory, set_role, acme.people["Bob"], Role.OWNER)
        assert isinstance(await refusal(refused), OwnerProtected)
    assert (await work.write(acme.directory, create_user, person("carol@acme.example"))).role == "MEMBER"


async def test_an_admin_cannot_touch_an_owner(work: Work, acme: Acme) -> None:
    dora = await second_owner(work, acme)
    async with nothing_changes(work):
        for act in (
            work.write(acme.ann, update_user, dora, changed(title="Gone")),
            work.write(acme.ann, deactivate_user, dora),
            work.write(acme.ann, delete_user, dora),
            work.write(acme.ann, set_role, dora, Role.MEMBER),
        ):
            assert isinstance(await refusal(act), OwnerProtected)
    await work.write(acme.alice, deactivate_user, dora)
    async with nothing_changes(work):
        assert isinstance(await refusal(work.write(acme.ann, reactivate_user, dora)), OwnerProtected)


async def test_only_owners_make_owners(work: Work, acme: Acme) -> None:
    bob, ann = acme.people["Bob"], acme.people["Ann"]
    async with nothing_changes(work):
        for act in (
            work.write(acme.ann, create_user, person("mallory@acme.example"), role=Role.OWNER),
            work.write(acme.ann, set_role, bob, Role.OWNER),
            work.write(acme.ann, set_role, ann, Role.OWNER),
        ):
            assert isinstance(await refusal(act), OwnerProtected)
    assert (await work.write(acme.alice, set_role, bob, Role.OWNER)).role == "OWNER"


async def test_an_admin_makes_admins_and_members(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    async with recorded(work, acme) as new:
        assert (await work.write(acme.ann, set_role, bob, Role.ADMIN)).role == "ADMIN"
        assert (await work.write(acme.ann, set_role, bob, Role.MEMBER)).role == "MEMBER"
    said = [(event.action, event.changes) for event in new]
    assert said == [
        ("USER_UPDATED", [{"field": "role", "before": "MEMBER", "after": "ADMIN"}]),
        ("USER_UPDATED", [{"field": "role", "before": "ADMIN", "after": "MEMBER"}]),
    ]


@pytest.mark.parametrize("role", list(Role))
async def test_a_member_changes_nobody_s_role(work: Work, acme: Acme, role: Role) -> None:
    async with nothing_changes(work):
        for name in ("Alice", "Ann", "Bob"):
            assert await refusal(work.write(acme.bob, set_role, acme.people[name], role)) == Forbidden("users:write")


async def test_support_may_do_to_owners_what_owners_may(work: Work, acme: Acme) -> None:
    dora = await second_owner(work, acme)
    support: Actor = acme.support
    assert (await work.write(support, set_role, dora, Role.ADMIN)).role == "ADMIN"
    assert (await work.write(support, set_role, dora, Role.OWNER)).role == "OWNER"
    assert (await work.write(support, deactivate_user, dora)).active is False
