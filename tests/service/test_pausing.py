"""Provisioning is paused and resumed, and what becomes of the people whom the directory manages."""

import pytest

from service.actor import Role, system
from service.authentication import recognise_session
from service.passwords import PasswordHasher
from service.provisioning import pausing
from service.provisioning.pausing import (
    ManagedPeople,
    Sweep,
    pause_provisioning,
    resume_provisioning,
    sweep_all,
    sweep_managed_people,
)
from service.refusals import Forbidden, Unauthenticated
from service.sessions import get_session, store_password
from service.users.commands import create_user, deactivate_user, edit_user, reactivate_user, set_role, update_user
from service.users.fields import User
from service.users.queries import get_user
from service.users.seats import set_seats
from service.work import Work
from service.workspaces import get_workspace
from tests.scim_facade.crowds import add_crowd
from tests.service.cast import Acme, caller, changed, events, nothing_changes, person, refusal, signed_in
from tests.stage import PASSWORD

pytestmark = pytest.mark.anyio


async def crowd(work: Work, acme: Acme, ids: list[str]) -> list[User]:
    return [await work.read(acme.alice, get_user, each) for each in ids]


async def test_keeping_people_changes_nobody(work: Work, acme: Acme) -> None:
    ids = await work.write(acme.directory, add_crowd, range(3))
    before = await crowd(work, acme, ids)
    paused = await work.write(acme.alice, pause_provisioning, ManagedPeople.KEEP)
    assert paused.provisioning_paused_at is not None
    await sweep_all(work, acme.id)
    assert await crowd(work, acme, ids) == before
    async with nothing_changes(work):  # a pause that has begun stays what it was decided to be
        await work.write(acme.alice, pause_provisioning, ManagedPeople.DEACTIVATE)
    assert (await work.write(acme.alice, resume_provisioning)).provisioning_paused_at is None
    await sweep_all(work, acme.id)
    assert await crowd(work, acme, ids) == before
    async with nothing_changes(work):
        await work.write(acme.alice, resume_provisioning)


async def test_whom_the_workspace_takes_over_it_may_change_until_the_directory_links_them_anew(
    work: Work, acme: Acme
) -> None:
    ids = await work.write(acme.directory, add_crowd, range(3))
    await work.write(acme.alice, pause_provisioning, ManagedPeople.CONVERT)
    await sweep_all(work, acme.id)
    assert {user.managed_by for user in await crowd(work, acme, ids)} == {"WORKSPACE"}
    assert (await work.write(acme.alice, edit_user, ids[0], {"title": "Cook"}, None)).title == "Cook"
    await work.write(acme.alice, resume_provisioning)
    await sweep_all(work, acme.id)
    linked = await work.write(acme.directory, update_user, ids[0], changed(title="Chef"))
    assert (linked.managed_by, linked.title) == ("DIRECTORY", "Chef")


async def test_resuming_gives_back_what_the_pause_took_and_nothing_else(
    work: Work, acme: Acme, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing, "BATCH", 3)  # so that a small crowd takes several
    ids = await work.write(acme.directory, add_crowd, range(8))
    by_directory, by_admin, owner, working = ids[:4]
    await work.write(acme.directory, update_user, by_directory, changed(active=False))
    await work.write(acme.alice, deactivate_user, by_admin)
    await work.write(acme.alice, set_role, owner, Role.OWNER)
    carol = await work.write(acme.directory, create_user, person("carol@acme.example", title="Cook"))
    stored = {"user_id": carol.id, "user_name": "carol", "password_hash": await hasher.hash(PASSWORD)}
    await work.write(acme.support, store_password, **stored)
    session, token = await signed_in(work, hasher, "carol@acme.example")
    assert (await work.read(session.actor, get_session, session.session_id)).user_id == carol.id

    await work.write(acme.alice, pause_provisioning, ManagedPeople.DEACTIVATE)
    await sweep_all(work, acme.id)
    assert isinstance(await refusal(recognise_session(work, token, caller())), Unauthenticated)
    assert {user.id for user in await crowd(work, acme, ids) if user.active} == {owner}
    assert (await work.read(acme.alice, get_user, acme.people["Bob"])).active  # whom no directory manages
    assert (await work.write(acme.alice, reactivate_user, working)).deactivated_by is None  # an admin may at once

    await work.write(acme.alice, resume_provisioning)
    await sweep_all(work, acme.id)
    after = {user.id: user for user in await crowd(work, acme, ids)}
    assert {user.id for user in after.values() if not user.active} == {by_directory, by_admin}
    assert (after[by_directory].deactivated_by, after[by_admin].deactivated_by) == ("DIRECTORY", "ADMIN")
    back = await work.read(acme.alice, get_user, carol.id)
    assert (back.active, back.title, back.managed_by) == (True, "Cook", "DIRECTORY")
    assert (await work.read(acme.alice, get_workspace)).provisioning_sweep is None
    actions = [event.action for event in await events(work, acme) if event.target_id == carol.id]
    assert actions[-2:] == ["USER_DEACTIVATED", "USER_REACTIVATED"]


async def test_whom_no_seat_is_left_for_the_directory_may_bring_back_later(work: Work, acme: Acme) -> None:
    ids = await work.write(acme.directory, add_crowd, range(3))
    await work.write(acme.alice, pause_provisioning, ManagedPeople.DEACTIVATE)
    await sweep_all(work, acme.id)
    await work.write(acme.support, set_seats, 4)  # Alice, Ann, Bob, and one more
    await work.write(acme.alice, resume_provisioning)
    await sweep_all(work, acme.id)
    people = await crowd(work, acme, ids)
    assert sum(user.active for user in people) == 1
    left_out = next(user for user in people if not user.active)
    assert left_out.deactivated_by == "DIRECTORY"
    await work.write(acme.support, set_seats, None)
    assert (await work.write(acme.directory, update_user, left_out.id, changed(active=True))).active


async def test_a_sweep_that_was_broken_off_goes_on_where_it_stopped(
    work: Work, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing, "BATCH", 2)
    ids = await work.write(acme.directory, add_crowd, range(5))
    await work.write(acme.alice, pause_provisioning, ManagedPeople.DEACTIVATE)
    assert await work.write(system(acme.id), sweep_managed_people) == 2
    assert (await work.read(acme.alice, get_workspace)).provisioning_sweep == Sweep.DEACTIVATE
    await sweep_all(work, acme.id)
    assert not any(user.active for user in await crowd(work, acme, ids))


async def test_only_admins_pause(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        for act in (
            work.write(acme.bob, pause_provisioning, ManagedPeople.KEEP),
            work.write(acme.bob, resume_provisioning),
            work.write(acme.directory, pause_provisioning, ManagedPeople.KEEP),
            work.write(acme.alice, sweep_managed_people),
        ):
            assert isinstance(await refusal(act), Forbidden)
