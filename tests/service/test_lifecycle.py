"""Managed people: who decides about them, how they are linked, come back, and are not all lost at once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.actor import Role
from service.clock import now
from service.pages import PageRequest
from service.provisioning.breaker import ProvisioningBreaker, approve_mass_deactivation, breaker_state
from service.provisioning.conflicts import ProvisioningConflict, decide_conflict, page_conflicts
from service.provisioning.settings import set_provisioning_settings
from service.refusals import DirectoryManaged, LimitReached, NotFound, OwnerProtected, Refused, Taken, WorkspaceDecides
from service.users.commands import (
    create_user,
    deactivate_user,
    delete_user,
    edit_user,
    reactivate_user,
    set_role,
    unlink_user,
    update_user,
)
from service.users.deciding import locked_fields
from service.users.fields import FIELD_NAMES, User
from service.users.queries import get_user
from service.users.seats import set_seats
from service.work import Work
from tests.scim_facade.crowds import add_crowd
from tests.service.cast import (
    Acme,
    changed,
    events,
    nothing_changes,
    person,
    refusal,
    time_passes,
)

pytestmark = pytest.mark.anyio


async def managed(work: Work, acme: Acme, name: str = "carol", **more: Any) -> User:
    """Somebody whom the directory has created."""
    return await work.write(acme.directory, create_user, person(f"{name}@acme.example", **more))


async def conflicts(work: Work, acme: Acme) -> list[ProvisioningConflict]:
    return (await work.read(acme.alice, page_conflicts, None, PageRequest(first=50))).rows


# Who decides


async def test_what_the_directory_says_only_the_directory_changes(work: Work, acme: Acme) -> None:
    carol = await managed(work, acme)
    assert set(locked_fields(carol)) == set(FIELD_NAMES)
    async with nothing_changes(work):
        changes: dict[str, Any]
        for changes in ({"title": "Cook"}, {"user_name": "c"}, {"email": "c@acme.example"}, {"display_name": "C"}):
            reason = await refusal(work.write(acme.alice, edit_user, carol.id, changes, None))
            assert isinstance(reason, DirectoryManaged), changes
            assert "identity provider" in reason.why
    await work.write(acme.alice, set_role, carol.id, Role.ADMIN)  # the role is the workspace's


async def test_who_is_taken_out_of_the_directory_s_management_is_changed_by_hand(work: Work, acme: Acme) -> None:
    carol = await managed(work, acme)
    free = await work.write(acme.ann, unlink_user, carol.id)
    assert (free.managed_by, locked_fields(free)) == ("WORKSPACE", ())
    assert (await events(work, acme))[-1].action == "USER_UNLINKED"
    assert (await work.write(acme.ann, edit_user, carol.id, {"title": "Cook"}, None)).title == "Cook"
    async with nothing_changes(work):
        await work.write(acme.ann, unlink_user, carol.id)


async def test_an_admin_ends_anybody_s_access_and_a_directory_does_not_give_it_back(work: Work, acme: Acme) -> None:
    carol = await managed(work, acme)
    await work.write(acme.ann, deactivate_user, carol.id)
    async with nothing_changes(work):
        for change in (changed(active=True), changed(active=True, title="Cook")):
            reason = await refusal(work.write(acme.directory, update_user, carol.id, change))
            assert isinstance(reason, WorkspaceDecides)
    assert (await work.write(acme.directory, update_user, carol.id, changed(title="Cook"))).active is False
    assert (await work.write(acme.ann, reactivate_user, carol.id)).active is True


async def test_what_the_directory_took_the_directory_gives_back_as_it_was(work: Work, acme: Acme) -> None:
    carol = await managed(work, acme, title="Cook")
    await work.write(acme.ann, set_role, carol.id, Role.ADMIN)
    await work.write(acme.directory, update_user, carol.id, changed(active=False))
    async with nothing_changes(work):
        reason = await refusal(work.write(acme.ann, reactivate_user, carol.id))
        assert isinstance(reason, DirectoryManaged)
        assert reason.field == "active"
    back = await work.write(acme.directory, update_user, carol.id, changed(active=True))
    assert (back.active, back.role, back.title, back.deactivated_by) == (True, "ADMIN", "Cook", None)


# Linking


async def test_whoever_was_there_first_is_linked_by_an_admin_where_the_workspace_asks(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    await work.write(acme.alice, set_provisioning_settings, {"link_existing_users": "ASK"})
    for number in (1, 2):
        refused = await refusal(work.write(acme.directory, update_user, bob, changed(title="Cook", external_id="00u")))
        assert isinstance(refused, WorkspaceDecides)
        assert "Conflicts" in refused.why
        (conflict,) = await conflicts(work, acme)
        assert (conflict.user_id, conflict.state, conflict.times) == (bob, "OPEN", number)
        assert (conflict.external_id, conflict.api_key_name) == ("00u", "Okta")
    assert isinstance(await refusal(work.write(acme.directory, delete_user, bob)), WorkspaceDecides)
    dismissed = await work.write(acme.ann, decide_conflict, conflict.id, link=False)
    assert (dismissed.state, dismissed.decided_by) == ("DISMISSED", "Ann")
    assert isinstance(
        await refusal(work.write(acme.directory, update_user, bob, changed(title="Cook"))), WorkspaceDecides
    )
    await work.write(acme.ann, decide_conflict, conflict.id, link=True)
    assert (await work.write(acme.directory, update_user, bob, changed(title="Cook"))).title == "Cook"
    assert [event.action for event in await events(work, acme)][-4:] == [
        "CONFLICT_DECIDED",
        "USER_LINKED",
        "CONFLICT_DECIDED",
        "USER_UPDATED",
    ]


async def test_a_directory_that_creates_whom_the_workspace_has_is_refused_and_an_admin_sees_it(
    work: Work, acme: Acme
) -> None:
    again = person("BOB@acme.example", external_id="00u")
    assert isinstance(await refusal(work.write(acme.directory, create_user, again)), Taken)
    (conflict,) = await conflicts(work, acme)
    assert (conflict.user_id, conflict.user_name, conflict.external_id) == (
        acme.people["Bob"],
        "bob@acme.example",
        "00u",
    )
    await work.write(acme.alice, decide_conflict, conflict.id, link=True)
    assert (await work.read(acme.alice, get_user, acme.people["Bob"])).managed_by == "DIRECTORY"


async def test_no_conflict_is_about_an_owner_or_about_whom_the_directory_made(work: Work, acme: Acme) -> None:
    await managed(work, acme)
    for name in ("alice", "carol"):
        assert isinstance(await refusal(work.write(acme.directory, create_user, person(f"{name}@acme.example"))), Taken)
    assert await conflicts(work, acme) == []


async def test_who_became_an_owner_meanwhile_is_not_linked(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    assert isinstance(await refusal(work.write(acme.directory, create_user, person("bob@acme.example"))), Taken)
    (conflict,) = await conflicts(work, acme)
    await work.write(acme.alice, set_role, bob, Role.OWNER)
    async with nothing_changes(work):
        refused = work.write(acme.alice, decide_conflict, conflict.id, link=True)
        assert isinstance(await refusal(refused), OwnerProtected)


# Coming back


async def test_who_comes_back_with_their_external_id_is_who_they_were(work: Work, acme: Acme) -> None:
    carol = await managed(work, acme, external_id="00u1")
    await work.write(acme.directory, delete_user, carol.id)
    assert isinstance(await refusal(work.read(acme.alice, get_user, carol.id)), NotFound)
    stranger = await managed(work, acme, "dan", external_id="00u2")
    assert stranger.id != carol.id
    back = await managed(work, acme, "carol.new", external_id="00u1")
    assert back.id == carol.id
    assert back.version > carol.version
    again = await managed(work, acme, "carol.twin", external_id="00u1")
    assert again.id != carol.id


# Mass deactivation


async def test_a_mass_deactivation_stops_until_an_admin_approves(work: Work, acme: Acme) -> None:
    ids = await work.write(acme.directory, add_crowd, range(97))  # a hundred with Alice, Ann and Bob
    for each in ids[:24]:
        await work.write(acme.directory, update_user, each, changed(active=False))
    for too_many in (
        work.write(acme.directory, update_user, ids[24], changed(active=False)),
        work.write(acme.directory, delete_user, ids[24]),
    ):
        reason = await refusal(too_many)
        assert isinstance(reason, LimitReached)
        assert 0 < (reason.retry_after or 0) <= 600
    state = await work.read(acme.alice, breaker_state)
    assert (state.ended, state.active_before, state.stopped_at is not None) == (24, 100, True)
    stops = [event for event in await events(work, acme) if event.action == "MASS_DEACTIVATION_STOPPED"]
    assert len(stops) == 1
    assert (await work.read(acme.alice, get_user, ids[24])).active is True
    await work.write(acme.directory, update_user, ids[0], changed(title="x"))  # other work goes on
    await work.write(acme.ann, deactivate_user, ids[30])  # so do admins
    await work.write(acme.ann, approve_mass_deactivation)
    for each in ids[24:30]:
        await work.write(acme.directory, update_user, each, changed(active=False))
    assert (await work.read(acme.alice, breaker_state)).stopped_at is None
    assert "MASS_DEACTIVATION_APPROVED" in [event.action for event in await events(work, acme)]


async def test_a_new_window_counts_anew(work: Work, acme: Acme) -> None:
    await work.write(acme.alice, set_provisioning_settings, {"breaker_minimum": 2})
    ids = await work.write(acme.directory, add_crowd, range(5))
    await work.write(acme.directory, update_user, ids[0], changed(active=False))
    assert isinstance(await refusal(work.write(acme.directory, delete_user, ids[1])), LimitReached)
    earlier = now() - timedelta(minutes=11)
    await time_passes(work, acme, ProvisioningBreaker, "deactivations", began_at=earlier)
    await work.write(acme.directory, delete_user, ids[1])


async def test_of_many_at_once_no_more_end_than_may(work: Work, acme: Acme) -> None:
    await work.write(acme.alice, set_provisioning_settings, {"breaker_minimum": 6})
    ids = await work.write(acme.directory, add_crowd, range(20))
    ends = (work.write(acme.directory, update_user, each, changed(active=False)) for each in ids)
    results = await asyncio.gather(*ends, return_exceptions=True)
    assert sum(isinstance(each, Refused) for each in results) == 15
    assert sum(isinstance(each, tuple) for each in results) == 5


async def test_what_changes_nothing_does_not_count(work: Work, acme: Acme) -> None:
    await work.write(acme.alice, set_provisioning_settings, {"breaker_minimum": 2})
    (somebody,) = await work.write(acme.directory, add_crowd, range(1))
    for active in (False, False, True, True):
        await work.write(acme.directory, update_user, somebody, changed(active=active))
    assert (await work.read(acme.alice, breaker_state)).ended == 1


async def test_taking_back_what_was_just_created_is_no_mass_deactivation(work: Work, acme: Acme) -> None:
    await work.write(acme.alice, set_provisioning_settings, {"breaker_minimum": 1, "breaker_percent": 1})
    for number in range(5):
        carol = await managed(work, acme, f"carol{number}")
        await work.write(acme.directory, delete_user, carol.id)


# Seats and roles


async def test_nobody_gets_access_beyond_the_seats(work: Work, acme: Acme) -> None:
    await work.write(acme.support, set_seats, 4)
    carol = await managed(work, acme)
    for actor in (acme.directory, acme.alice):
        reason = await refusal(work.write(actor, create_user, person("dan@acme.example")))
        assert isinstance(reason, LimitReached)
        assert "4 seats" in reason.why
    dan = await managed(work, acme, "dan", active=False)
    assert isinstance(
        await refusal(work.write(acme.directory, update_user, dan.id, changed(active=True))), LimitReached
    )
    await work.write(acme.directory, update_user, carol.id, changed(active=False))
    await work.write(acme.directory, update_user, dan.id, changed(active=True))
    await work.write(acme.support, set_seats, None)
    await work.write(acme.directory, update_user, carol.id, changed(active=True))


async def test_two_at_once_do_not_take_one_seat(work: Work, acme: Acme) -> None:
    await work.write(acme.support, set_seats, 5)
    makes = (managed(work, acme, f"p{number}") for number in range(8))
    results = await asyncio.gather(*makes, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in results) == 2


async def test_whom_the_directory_creates_has_the_default_role(work: Work, acme: Acme) -> None:
    assert (await managed(work, acme)).role == "MEMBER"
    await work.write(acme.alice, set_provisioning_settings, {"default_role": Role.ADMIN})
    assert (await managed(work, acme, "dan")).role == "ADMIN"
    assert (await work.write(acme.alice, create_user, person("eve@acme.example"))).role == "MEMBER"
