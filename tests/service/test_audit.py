"""The audit log: what happened is said in the transaction that did it, once, and keeps no secret."""

from datetime import timedelta

import pytest

from service.accounts import ask_for_new_password, invite_user, redeem_link
from service.actor import Actor, ActorKind, Channel, Permission, Role, system
from service.api_keys import ApiKeyScope, RotationOverlap, create_api_key, revoke_api_key, rotate_api_key
from service.audit import Action, Change, Event, row_of
from service.audit_log import AuditFilter, note_audit_export
from service.clock import now
from service.flags import Flag, set_flag
from service.founding import found_workspace
from service.groups.commands import create_group, delete_group, update_group
from service.groups.fields import MemberAct, MemberChange, group_fields
from service.groups.roles import set_group_role
from service.links import Purpose
from service.mail.outbox import take_out
from service.pages import PageRequest
from service.passwords import PasswordHasher
from service.plans import set_plan
from service.provisioning.breaker import approve_mass_deactivation
from service.provisioning.conflicts import decide_conflict, page_conflicts
from service.provisioning.pausing import ManagedPeople, pause_provisioning, resume_provisioning
from service.provisioning.settings import set_provisioning_settings
from service.refusals import Invalid, LimitReached, Refused, Taken
from service.sessions import end_session, revoke_sessions, store_password
from service.sign_in_attempts import OF_AN_ACCOUNT, count_attempt
from service.unit_of_work import UnitOfWork
from service.users.commands import (
    create_user,
    deactivate_user,
    delete_user,
    reactivate_user,
    set_role,
    unlink_user,
    update_user,
)
from service.users.fields import User
from service.users.seats import set_seats
from service.work import Work
from service.workspaces import Plan
from tests.service.cast import (
    Acme,
    Globex,
    changed,
    events,
    everything,
    nothing_changes,
    person,
    recorded,
    refusal,
    signed_in,
    time_passes,
)
from tests.stage import PASSWORD

pytestmark = pytest.mark.anyio


async def test_a_day_in_the_life_of_a_workspace_is_told_once_each_and_in_order(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    async with recorded(work, acme) as new:
        carol = await work.write(acme.alice, create_user, person("carol@acme.example"))
        await work.write(acme.ann, update_user, carol.id, changed(title="Baker"))
        await work.write(acme.alice, set_role, carol.id, Role.ADMIN)
        await work.write(acme.directory, update_user, carol.id, changed())
        await work.write(acme.directory, deactivate_user, carol.id)
        await work.write(acme.directory, reactivate_user, carol.id)
        await work.write(acme.alice, unlink_user, carol.id)
        assert isinstance(await refusal(work.write(acme.directory, create_user, person(carol.user_name))), Taken)
        (conflict,) = (await work.read(acme.alice, page_conflicts, None, PageRequest(first=1))).rows
        await work.write(acme.alice, decide_conflict, conflict.id, link=False)
        group = await work.write(acme.directory, create_group, group_fields({"display_name": "Bakers"}))
        joins = [MemberChange(MemberAct.ADD, (carol.id,))]
        renamed = group_fields({"display_name": "Cooks"})
        await work.write(acme.directory, update_group, group.id, lambda _: renamed, joins)
        await work.write(acme.alice, set_group_role, group.id, Role.ADMIN)
        await work.write(acme.directory, delete_group, group.id)
        await work.write(acme.alice, set_provisioning_settings, {"breaker_minimum": 1, "breaker_percent": 1})
        await time_passes(work, acme, User, acme.people["Bob"], created_at=now() - timedelta(hours=1))
        await work.write(acme.directory, deactivate_user, acme.people["Bob"])
        await work.write(acme.directory, reactivate_user, acme.people["Bob"])
        stopped = work.write(acme.directory, deactivate_user, acme.people["Bob"])
        assert isinstance(await refusal(stopped), LimitReached)
        await work.write(acme.alice, approve_mass_deactivation)
        await work.write(acme.alice, pause_provisioning, ManagedPeople.KEEP)
        await work.write(acme.alice, resume_provisioning)
        await work.write(acme.support, set_seats, 100)
        stored = {"user_id": carol.id, "user_name": "carol", "password_hash": await hasher.hash(PASSWORD)}
        await work.write(acme.support, store_password, **stored)
        session, token = await signed_in(work, hasher, "carol@acme.example")
        await work.write(session.actor, end_session, session.session_id)
        await signed_in(work, hasher, "carol@acme.example")
        await work.write(acme.alice, revoke_sessions, carol.id)
        for _ in range(OF_AN_ACCOUNT):
            await work.write(acme.nobody, count_attempt, "carol@acme.example")
        assert isinstance(await refusal(work.write(acme.nobody, count_attempt, "Carol@acme.example")), LimitReached)
        dave = person("dave@acme.example", emails=[{"value": "dave@acme.example"}])
        await work.write(acme.ann, invite_user, dave, Role.MEMBER, str)
        (invitation,) = await work.write(system(acme.id), take_out)
        link = invitation.body.partition("#")[2].split()[0]
        redeemed = (link, Purpose.INVITATION, await hasher.hash(PASSWORD), "a browser")
        await work.write(acme.nobody, redeem_link, *redeemed)
        await work.write(acme.nobody, ask_for_new_password, "dave@acme.example", str)
        key, secret = await work.write(acme.ann, create_api_key, name="Entra", scopes=[ApiKeyScope.SCIM])
        await work.write(acme.ann, rotate_api_key, key.id, RotationOverlap.DAY)
        await work.write(acme.ann, revoke_api_key, key.id)
        await work.write(acme.support, set_flag, Flag.SCIM_PROVISIONING, enabled=True, reason="bought it")
        await work.write(acme.support, set_plan, Plan.PREMIUM, reason="saves money")
        await work.write(acme.ann, note_audit_export, AuditFilter())
        await work.write(acme.alice, delete_user, carol.id)
    assert [event.action for event in new] == [
        "USER_CREATED",
        "USER_UPDATED",
        "USER_UPDATED",
        "USER_LINKED",
        "USER_DEACTIVATED",
        "USER_REACTIVATED",
        "USER_UNLINKED",
        "CONFLICT_DECIDED",
        "GROUP_CREATED",
        "GROUP_MEMBERS_CHANGED",
        "GROUP_UPDATED",
        "GROUP_ROLE_SET",
        "GROUP_DELETED",
        "USER_UPDATED",
        "PROVISIONING_SETTINGS_CHANGED",
        "USER_DEACTIVATED",
        "USER_REACTIVATED",
        "MASS_DEACTIVATION_STOPPED",
        "MASS_DEACTIVATION_APPROVED",
        "PROVISIONING_PAUSED",
        "PROVISIONING_RESUMED",
        "SEATS_SET",
        "PASSWORD_SET",
        "SIGNED_IN",
        "SIGNED_OUT",
        "SIGNED_IN",
        "SESSIONS_REVOKED",
        "SIGN_IN_SLOWED_DOWN",
        "USER_CREATED",
        "USER_INVITED",
        "PASSWORD_SET",
        "INVITATION_ACCEPTED",
        "SIGNED_IN",
        "NEW_PASSWORD_ASKED_FOR",
        "API_KEY_CREATED",
        "API_KEY_CREATED",
        "API_KEY_ROTATED",
        "API_KEY_REVOKED",
        "FLAG_SET",
        "PLAN_SET",
        "AUDIT_LOG_EXPORTED",
        "USER_DELETED",
    ]
    # Whatever the catalogue promises does happen; founding happened before, and a day is too short for old entries.
    assert {event.action for event in new} | {"WORKSPACE_CREATED", "AUDIT_LOG_TRIMMED"} == set(Action)
    assert [event.id for event in new] == sorted(event.id for event in new)
    assert [event.at for event in new] == sorted(event.at for event in new)
    assert {event.workspace_id for event in new} == {acme.id}
    told = repr(await everything(work))
    for kept_secret in (PASSWORD, token, secret):
        assert kept_secret not in told


async def test_founding_tells_of_the_workspace_the_owner_and_the_password(work: Work, acme: Acme) -> None:
    first = (await events(work, acme))[:3]
    assert [(event.action, event.target_kind, event.target_name) for event in first] == [
        ("WORKSPACE_CREATED", "Workspace", "Acme"),
        ("USER_CREATED", "User", "Alice Archer"),
        ("PASSWORD_SET", "User", "Alice Archer"),
    ]
    assert {(event.actor_kind, event.actor_name, event.channel) for event in first} == {
        ("SUPPORT", "command line", "SUPPORT")
    }


async def test_an_event_says_who_did_it_from_where_and_through_which_door(work: Work, acme: Acme) -> None:
    actor = Actor(
        kind=ActorKind.API_KEY,
        id=acme.key_id,
        name="Okta",
        workspace_id=acme.id,
        permissions=frozenset({Permission.USERS_READ, Permission.USERS_WRITE}),
        channel=Channel.SCIM,
        ip="198.51.100.7",
        request_id="request-7",
    )
    async with recorded(work, acme) as new:
        made = await work.write(actor, create_user, person("carol@acme.example", display_name="Carol"))
    (event,) = new
    assert (event.actor_kind, event.actor_id, event.actor_name, event.channel) == (
        "API_KEY",
        acme.key_id,
        "Okta",
        "SCIM",
    )
    assert (event.ip, event.request_id) == ("198.51.100.7", "request-7")
    assert (event.target_kind, event.target_id, event.target_name) == ("User", made.id, "Carol")
    assert (now() - event.at).total_seconds() < 30


async def test_what_is_undone_was_never_said(work: Work, acme: Acme) -> None:
    def undone(uow: UnitOfWork) -> None:
        create_user(uow, person("carol@acme.example"))
        raise Refused(Invalid("x", "is not wanted after all"))

    async with nothing_changes(work):
        assert isinstance(await refusal(work.write(acme.alice, undone)), Invalid)


async def test_a_verb_made_of_two_says_both_or_neither(work: Work, acme: Acme) -> None:
    def both(uow: UnitOfWork, second: str) -> None:
        create_user(uow, person("carol@acme.example"))
        create_user(uow, person(second))

    async with nothing_changes(work):
        await refusal(work.write(acme.alice, both, "CAROL@acme.example"))
    async with recorded(work, acme) as new:
        await work.write(acme.alice, both, "dave@acme.example")
    assert [event.target_name for event in new] == ["carol@acme.example", "dave@acme.example"]


async def test_a_failed_founding_leaves_nothing(work: Work, globex: Globex, hasher: PasswordHasher) -> None:
    async def found(**other: str) -> None:
        said = {"subdomain": "initech", "name": "Initech", "owner_email": "o@initech.example", "password": PASSWORD}
        await found_workspace(work, hasher, plan=Plan.STANDARD, owner_name=None, **{**said, **other})

    async with nothing_changes(work):
        for bad in ({"subdomain": globex.subdomain}, {"owner_email": "\u200b"}, {"name": " "}, {"password": "short"}):
            await refusal(found(**bad))
    await found()


def test_a_row_has_the_change_before_and_after(acme: Acme) -> None:
    event = Event(Action.USER_UPDATED, "User", "usr_1", "Bob", (Change("title", None, "Baker"),), "a reason")
    row = row_of(event, acme.alice)
    assert row["changes"] == [{"field": "title", "before": None, "after": "Baker"}]
    assert row["reason"] == "a reason"
    assert row_of(Event(Action.SIGNED_IN, "User", "usr_1", "Bob"), acme.alice)["changes"] is None
