"""Keys of people's own, keys that replace others, and requests for a key that are repeated."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.actor import ActorKind, Channel, Permission, Role
from service.api_keys import (
    ApiKey,
    ApiKeyScope,
    ApiKeyStatus,
    RotationOverlap,
    count_personal_keys,
    create_api_key,
    create_personal_key,
    get_api_key,
    page_personal_keys,
    revoke_api_key,
    revoke_personal_key,
    rotate_api_key,
    rotate_personal_key,
    status_of,
)
from service.authentication import BAD_KEY, KeyHolder, recognise_key
from service.clock import now
from service.pages import PageRequest
from service.refusals import Forbidden, Invalid, NotFound, Taken, Unauthenticated
from service.tokens import TokenKind, is_well_formed
from service.users.commands import create_user, deactivate_user, delete_user, reactivate_user, set_role
from service.users.queries import get_user
from service.work import Work
from tests.service.cast import Acme, Globex, caller, nothing_changes, person, recorded, refusal, time_passes

pytestmark = pytest.mark.anyio

SCIM, READ, WRITE = ApiKeyScope.SCIM, ApiKeyScope.USERS_READ, ApiKeyScope.USERS_WRITE


async def shown(work: Work, secret: str, channel: Channel = Channel.API) -> KeyHolder:
    """What a key opens at a door."""
    return await recognise_key(work, secret, caller("acme"), channel)


async def own(work: Work, acme: Acme, *scopes: ApiKeyScope, name: str = "Bob") -> tuple[ApiKey, str]:
    """A key that somebody has made for themselves."""
    role = {"Bob": Role.MEMBER, "Ann": Role.ADMIN, "Alice": Role.OWNER}[name]
    actor = acme.acting(name, role)
    return await work.write(actor, create_personal_key, name="A script", scopes=list(scopes or (READ,)))


@pytest.mark.parametrize(
    ("scopes", "scim", "api"),
    [
        ([SCIM], True, set()),
        ([READ], False, {Permission.WORKSPACE_READ, Permission.USERS_READ, Permission.GROUPS_READ}),
        ([SCIM, WRITE], True, {Permission.USERS_READ, Permission.USERS_WRITE}),
    ],
)
async def test_each_scope_opens_one_door(
    work: Work, acme: Acme, scopes: list[ApiKeyScope], scim: bool, api: set[Permission]
) -> None:
    key, secret = await work.write(acme.ann, create_api_key, name="Both", scopes=scopes)
    assert is_well_formed(secret, TokenKind.SCIM_KEY if SCIM in scopes else TokenKind.API_KEY)
    directory = (await shown(work, secret, Channel.SCIM)).actor
    assert directory.permissions == (SCIM.permissions if scim else set())
    actor = (await shown(work, secret)).actor
    assert (actor.kind, actor.id, actor.role, actor.channel) == (ActorKind.API_KEY, key.id, None, Channel.API)
    assert actor.permissions >= api
    assert bool(actor.permissions) == bool(api)
    assert not actor.is_directory
    assert Permission.GROUPS_WRITE not in actor.permissions


async def test_a_key_of_one_s_own_acts_as_who_made_it(work: Work, acme: Acme) -> None:
    key, secret = await own(work, acme, WRITE, name="Ann")
    actor = (await shown(work, secret)).actor
    assert (actor.kind, actor.id, actor.name, actor.role) == (ActorKind.USER, acme.people["Ann"], "Ann", Role.ADMIN)
    assert (actor.personal_key_id, actor.session_id) == (key.id, None)
    async with recorded(work, acme) as new:
        made = await work.write(actor, create_user, person("made by a script"))
    assert [(event.actor_id, event.channel) for event in new] == [(acme.people["Ann"], "API")]
    await work.write(acme.alice, set_role, acme.people["Ann"], Role.MEMBER)
    assert isinstance(await refusal(work.write(actor, create_user, person("x"))), Unauthenticated)
    lowered = (await shown(work, secret)).actor
    assert (await work.read(lowered, get_user, made.id)).id == made.id
    assert await refusal(work.write(lowered, create_user, person("x"))) == Forbidden("users:write")


async def test_nobody_makes_a_key_that_may_more_than_they(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        for scopes, why in (([WRITE], Forbidden("users:write")), ([READ, WRITE], Forbidden("users:write"))):
            made = work.write(acme.bob, create_personal_key, name="x", scopes=scopes)
            assert await refusal(made) == why
        reason = await refusal(work.write(acme.alice, create_personal_key, name="x", scopes=[SCIM]))
        assert isinstance(reason, Invalid)
        assert reason.field == "scopes"
        for actor in (acme.support, acme.directory):
            made = work.write(actor, create_personal_key, name="x", scopes=[READ])
            assert await refusal(made) == Forbidden("personal_keys:write")


async def test_a_key_makes_no_keys(work: Work, acme: Acme) -> None:
    _, secret = await own(work, acme, WRITE, name="Alice")
    actor = (await shown(work, secret)).actor
    async with recorded(work, acme) as new:
        assert await refusal(work.write(actor, create_api_key, name="x", scopes=[READ])) == Forbidden("api_keys:write")
        made = work.write(actor, create_personal_key, name="x", scopes=[READ])
        assert await refusal(made) == Forbidden("personal_keys:write")
    assert new == []


async def test_keys_of_one_s_own_end_with_one_s_access_and_the_log_says_how_many(work: Work, acme: Acme) -> None:
    secrets = [(await own(work, acme))[1] for _ in range(2)]
    revoked, _ = await own(work, acme)
    await work.write(acme.bob, revoke_personal_key, revoked.id)
    bob = acme.people["Bob"]
    async with recorded(work, acme) as new:
        await work.write(acme.directory, deactivate_user, bob)
    (event,) = new
    assert {"field": "personal_keys", "before": "2", "after": "0"} in (event.changes or [])
    for secret in secrets:
        assert await refusal(shown(work, secret)) == Unauthenticated(BAD_KEY)
    await work.write(acme.directory, reactivate_user, bob)
    for secret in secrets:
        assert await refusal(shown(work, secret)) == Unauthenticated(BAD_KEY)
    _, secret = await own(work, acme)
    await work.write(acme.alice, delete_user, bob)
    assert await refusal(shown(work, secret)) == Unauthenticated(BAD_KEY)


async def test_everybody_sees_and_ends_their_own_keys_and_admins_everybody_s(work: Work, acme: Acme) -> None:
    key, secret = await own(work, acme)
    other, _ = await own(work, acme, name="Ann")
    page = await work.read(acme.bob, page_personal_keys, PageRequest(first=10))
    assert [each.id for each in page.rows] == [key.id]
    assert await work.read(acme.bob, count_personal_keys) == 1
    async with nothing_changes(work):
        for id_ in (other.id, acme.key_id, "key_0"):
            assert await refusal(work.write(acme.bob, revoke_personal_key, id_)) == NotFound("ApiKey", id_)
            rotated = work.write(acme.bob, rotate_personal_key, id_, RotationOverlap.DAY)
            assert await refusal(rotated) == NotFound("ApiKey", id_)
        # Whoever rotated somebody's key would act as them.
        rotated = work.write(acme.alice, rotate_api_key, key.id, RotationOverlap.DAY)
        assert await refusal(rotated) == NotFound("ApiKey", key.id)
    assert (await work.write(acme.ann, revoke_api_key, key.id)).revoked_by_name == "Ann"
    assert await refusal(shown(work, secret)) == Unauthenticated(BAD_KEY)


async def test_a_replaced_key_is_good_for_the_overlap_and_no_longer(work: Work, acme: Acme) -> None:
    ends = now() + timedelta(days=90)
    old, first = await work.write(acme.ann, create_api_key, name="Okta", scopes=[SCIM, READ], expires_at=ends)
    async with recorded(work, acme) as events:
        new, second = await work.write(acme.alice, rotate_api_key, old.id, RotationOverlap.DAY)
    assert [event.action for event in events] == ["API_KEY_CREATED", "API_KEY_ROTATED"]
    assert (new.name, new.scopes, new.owner_id) == ("Okta", ["SCIM", "USERS_READ"], None)
    assert new.expires_at is not None
    assert abs(new.expires_at - ends) < timedelta(minutes=1)
    replaced = await work.read(acme.ann, get_api_key, old.id)
    assert (status_of(replaced), replaced.rotated_to_id) == (ApiKeyStatus.ROTATING, new.id)
    assert replaced.expires_at is not None
    assert abs(replaced.expires_at - (now() + timedelta(days=1))) < timedelta(minutes=1)
    for secret in (first, second):
        assert (await shown(work, secret, Channel.SCIM)).actor.permissions
    again = await refusal(work.write(acme.alice, rotate_api_key, old.id, RotationOverlap.WEEK))
    assert isinstance(again, Invalid)
    assert "rotating" in again.why
    await time_passes(work, acme, ApiKey, old.id, expires_at=now())
    assert await refusal(shown(work, first, Channel.SCIM)) == Unauthenticated(BAD_KEY)
    assert (await shown(work, second, Channel.SCIM)).actor.id == new.id


async def test_a_key_that_is_replaced_at_once_opens_nothing_more(work: Work, acme: Acme) -> None:
    old, first = await own(work, acme)
    new, second = await work.write(acme.bob, rotate_personal_key, old.id, RotationOverlap.NONE)
    assert (new.owner_id, new.expires_at) == (acme.people["Bob"], None)
    assert await refusal(shown(work, first)) == Unauthenticated(BAD_KEY)
    assert (await shown(work, second)).actor.personal_key_id == new.id
    reason = await refusal(work.write(acme.bob, rotate_personal_key, old.id, RotationOverlap.NONE))
    assert isinstance(reason, Invalid)
    assert "revoked" in reason.why


async def test_an_overlap_makes_no_key_last_longer(work: Work, acme: Acme) -> None:
    ends = now() + timedelta(hours=1)
    old, _ = await work.write(acme.ann, create_api_key, name="Okta", scopes=[SCIM], expires_at=ends)
    await work.write(acme.ann, rotate_api_key, old.id, RotationOverlap.WEEK)
    assert (await work.read(acme.ann, get_api_key, old.id)).expires_at == ends


async def test_a_repeated_request_makes_one_key_and_shows_its_secret_once(
    work: Work, acme: Acme, globex: Globex
) -> None:
    said: dict[str, Any] = {"name": "Okta", "scopes": [SCIM], "idempotency_key": "a form sent twice"}
    answers = await asyncio.gather(*(work.write(acme.ann, create_api_key, **said) for _ in range(10)))
    assert len({key.id for key, _ in answers}) == 1
    assert sorted(bool(secret) for _, secret in answers) == [False] * 9 + [True]
    async with nothing_changes(work):
        for more in ({"name": "Entra"}, {"scopes": [READ]}, {"expires_at": now() + timedelta(days=1)}):
            assert isinstance(await refusal(work.write(acme.ann, create_api_key, **{**said, **more})), Taken)
        for bad in ("", "x" * 101, "\x00"):
            reason = await refusal(work.write(acme.ann, create_api_key, **{**said, "idempotency_key": bad}))
            assert isinstance(reason, Invalid)
            assert reason.field == "idempotency_key"
    for actor in (acme.alice, globex.charlie):
        assert (await work.write(actor, create_api_key, **said))[1]


async def test_whoever_acts_with_a_key_of_their_own_is_not_the_directory(work: Work, acme: Acme) -> None:
    _, secret = await own(work, acme, WRITE, name="Ann")
    managed = await work.write(acme.directory, create_user, person("carol@acme.example"))
    for actor in ((await shown(work, secret)).actor, replace(acme.directory, channel=Channel.API)):
        await work.write(actor, deactivate_user, managed.id)
        assert (await work.write(actor, reactivate_user, managed.id)).active
        await work.write(acme.directory, deactivate_user, managed.id)
        reason = await refusal(work.write(actor, reactivate_user, managed.id))
        assert type(reason).__name__ == "DirectoryManaged"
        await work.write(acme.directory, reactivate_user, managed.id)
