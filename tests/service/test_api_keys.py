"""API keys: what they open, who may make them, and what ends them."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api_keys import (
    ApiKey,
    ApiKeyScope,
    ApiKeyStatus,
    create_api_key,
    get_api_key,
    list_api_keys,
    note_use,
    revoke_api_key,
    status_of,
)
from service.authentication import BAD_KEY, recognise_key
from service.clock import now
from service.refusals import Forbidden, Invalid, NotFound, Unauthenticated
from service.tokens import Seal, TokenKind, is_well_formed, new_token
from service.unit_of_work import STAMPED_EVERY
from service.users.commands import delete_user
from service.work import Work
from tests.service.cast import (
    SECRET_KEY,
    Acme,
    Globex,
    caller,
    everything,
    nothing_changes,
    recorded,
    refusal,
    time_passes,
)
from tests.service.databases import CountingStore

pytestmark = pytest.mark.anyio

SCIM = [ApiKeyScope.SCIM]


async def test_a_key_opens_its_workspace_with_the_permissions_of_its_scope(work: Work, acme: Acme) -> None:
    holder = await recognise_key(work, acme.key, caller("acme"))
    assert (holder.actor.id, holder.actor.name, holder.actor.workspace_id) == (acme.key_id, "Okta", acme.id)
    assert holder.actor.permissions == ApiKeyScope.SCIM.permissions
    assert holder.actor.is_directory
    assert (holder.actor.ip, holder.actor.request_id) == ("192.0.2.1", "request-1")
    assert holder.scopes == (ApiKeyScope.SCIM,)
    assert not holder.provisioning_is_on


async def test_on_a_host_that_names_no_workspace_the_key_decides(work: Work, acme: Acme, globex: Globex) -> None:
    assert (await recognise_key(work, acme.key, caller(None))).actor.workspace_id == acme.id
    assert (await recognise_key(work, globex.key, caller(None))).actor.workspace_id == globex.id


async def test_the_secret_is_answered_once_and_kept_nowhere(work: Work, acme: Acme) -> None:
    async with recorded(work, acme) as new:
        key, secret = await work.write(acme.alice, create_api_key, name="  Entra  ", scopes=SCIM)
    assert is_well_formed(secret, TokenKind.SCIM_KEY)
    assert (key.name, key.scopes, key.created_by_id, key.created_by_name) == ("Entra", ["SCIM"], acme.alice.id, "Alice")
    assert key.hint == f"hc_scim_…{secret[-4:]}"
    assert secret not in repr(await everything(work))
    assert secret[8:-6] not in repr(await everything(work))
    (event,) = new
    assert (event.action, event.target_kind, event.target_id) == ("API_KEY_CREATED", "ApiKey", key.id)
    assert (await recognise_key(work, secret, caller())).actor.id == key.id


async def test_keys_are_listed_the_newest_first_whatever_became_of_them(work: Work, acme: Acme) -> None:
    first, _ = await work.write(acme.ann, create_api_key, name="first", scopes=SCIM)
    second, _ = await work.write(acme.ann, create_api_key, name="second", scopes=SCIM)
    await work.write(acme.ann, revoke_api_key, first.id)
    listed = await work.read(acme.ann, list_api_keys)
    assert [key.id for key in listed] == [second.id, first.id, acme.key_id]
    assert [status_of(key) for key in listed] == [ApiKeyStatus.ACTIVE, ApiKeyStatus.REVOKED, ApiKeyStatus.ACTIVE]
    assert await work.read(acme.ann, get_api_key, second.id) == second


@pytest.mark.parametrize(
    ("name", "scopes", "expires_in", "field"),
    [
        ("", SCIM, None, "name"),
        ("   ", SCIM, None, "name"),
        ("x" * 101, SCIM, None, "name"),
        ("a\x00b", SCIM, None, "name"),
        ("a\udc80", SCIM, None, "name"),
        ("Okta", [], None, "scopes"),
        ("Okta", SCIM, timedelta(0), "expires_at"),
        ("Okta", SCIM, timedelta(days=-1), "expires_at"),
    ],
)
async def test_a_key_that_cannot_be_is_refused(
    work: Work, acme: Acme, name: str, scopes: list[ApiKeyScope], expires_in: timedelta | None, field: str
) -> None:
    expires_at = now() + expires_in if expires_in is not None else None
    async with nothing_changes(work):
        refused = work.write(acme.alice, create_api_key, name=name, scopes=scopes, expires_at=expires_at)
        reason = await refusal(refused)
    assert isinstance(reason, Invalid)
    assert reason.field == field


async def test_members_neither_see_nor_make_keys(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        assert await refusal(work.read(acme.bob, list_api_keys)) == Forbidden("api_keys:read")
        assert await refusal(work.read(acme.bob, get_api_key, acme.key_id)) == Forbidden("api_keys:read")
        write = Forbidden("api_keys:write")
        assert await refusal(work.write(acme.bob, create_api_key, name="mine", scopes=SCIM)) == write
        assert await refusal(work.write(acme.bob, revoke_api_key, acme.key_id)) == write
        assert await refusal(work.write(acme.directory, create_api_key, name="mine", scopes=SCIM)) == write


async def test_a_revoked_key_is_refused_from_the_moment_it_is_acknowledged(work: Work, acme: Acme) -> None:
    async with recorded(work, acme) as new:
        revoked = await work.write(acme.ann, revoke_api_key, acme.key_id)
        assert await refusal(recognise_key(work, acme.key, caller())) == Unauthenticated(BAD_KEY)
    assert (revoked.revoked_by_name, status_of(revoked)) == ("Ann", ApiKeyStatus.REVOKED)
    assert [event.action for event in new] == ["API_KEY_REVOKED"]
    async with nothing_changes(work):
        assert await work.write(acme.alice, revoke_api_key, acme.key_id) == revoked


async def test_a_key_that_is_not_there_cannot_be_revoked(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        assert await refusal(work.write(acme.ann, revoke_api_key, "key_0")) == NotFound("ApiKey", "key_0")


async def test_an_expired_key_is_refused(work: Work, acme: Acme) -> None:
    await time_passes(work, acme, ApiKey, acme.key_id, expires_at=now() + timedelta(hours=1))
    assert (await recognise_key(work, acme.key, caller())).actor.id == acme.key_id
    await time_passes(work, acme, ApiKey, acme.key_id, expires_at=now())
    assert await refusal(recognise_key(work, acme.key, caller())) == Unauthenticated(BAD_KEY)
    assert status_of(await work.read(acme.ann, get_api_key, acme.key_id)) == ApiKeyStatus.EXPIRED


async def test_unknown_foreign_revoked_expired_and_mistyped_keys_get_one_answer(
    work: Work, acme: Acme, globex: Globex
) -> None:
    _, good = await work.write(acme.ann, create_api_key, name="Entra", scopes=SCIM)
    await work.write(globex.charlie, revoke_api_key, globex.key_id)
    await time_passes(work, acme, ApiKey, acme.key_id, expires_at=now() - timedelta(days=1))
    answers = {
        await refusal(recognise_key(work, token, caller(subdomain)))
        for token, subdomain in [
            (new_token(TokenKind.SCIM_KEY), "acme"),
            (new_token(TokenKind.SCIM_KEY), None),
            (good, "globex"),
            (good, "nowhere"),
            (good, ""),
            (acme.key, "acme"),
            (globex.key, "globex"),
            (acme.key[:-1], "acme"),
            ("", None),
            ("hunter2", None),
        ]
    }
    assert answers == {Unauthenticated(BAD_KEY)}
    assert (await recognise_key(work, good, caller("acme"))).actor.workspace_id == acme.id


async def test_a_typo_costs_no_query(work: Work, acme: Acme, store: CountingStore) -> None:
    wrong = "0" if acme.key[20] != "0" else "1"
    mistyped = [acme.key[:20] + wrong + acme.key[21:], acme.key + "0", acme.key[:-1], acme.key.upper(), "é" + acme.key]
    with store.counting() as statements:
        for token in (*mistyped, "", "hc_scim_", "x" * 100_000):
            assert isinstance(await refusal(recognise_key(work, token, caller())), Unauthenticated)
    assert statements == []


async def test_an_unknown_key_costs_one_query(work: Work, store: CountingStore) -> None:
    with store.counting() as statements:
        await refusal(recognise_key(work, new_token(TokenKind.SCIM_KEY), caller()))
    assert len(statements) == 1


async def test_another_secret_key_makes_every_key_unknown(store: CountingStore, acme: Acme) -> None:
    elsewhere = Work(store, Seal(SECRET_KEY + "!"))
    assert await refusal(recognise_key(elsewhere, acme.key, caller())) == Unauthenticated(BAD_KEY)


async def test_a_key_outlives_the_person_who_made_it(work: Work, acme: Acme) -> None:
    key, secret = await work.write(acme.ann, create_api_key, name="Entra", scopes=SCIM)
    await work.write(acme.alice, delete_user, acme.people["Ann"])
    assert (await recognise_key(work, secret, caller())).actor.id == key.id
    assert (await work.read(acme.alice, get_api_key, key.id)).created_by_name == "Ann"


async def test_the_last_use_is_noted_at_most_once_a_minute(work: Work, acme: Acme, store: CountingStore) -> None:
    async def used(times: int) -> int:
        with store.counting() as statements:
            asking = caller("acme", ip="198.51.100.7", client="Okta SCIM Client 1.0.0")
            await asyncio.gather(*(recognise_key(work, acme.key, asking) for _ in range(times)))
            await asyncio.gather(*work._soon.values())  # whatever is to be noted
        return sum(statement.startswith("UPDATE api_key") for statement in statements)

    async with recorded(work, acme) as new:
        assert await used(20) == 1
        assert await used(20) == 0
        key = await work.read(acme.ann, get_api_key, acme.key_id)
        assert (key.last_used_ip, key.last_used_client) == ("198.51.100.7", "Okta SCIM Client 1.0.0")
        assert key.last_used_at is not None
        assert now() - key.last_used_at < timedelta(minutes=1)
        await time_passes(work, acme, ApiKey, acme.key_id, last_used_at=now() - STAMPED_EVERY)
        assert await used(20) == 1
    assert new == []  # bookkeeping is nothing that anybody did


async def test_noting_a_use_takes_a_key(work: Work, acme: Acme) -> None:
    assert await refusal(work.write(acme.bob, note_use, client=None)) == Forbidden("api_keys:use")


@given(st.sampled_from(TokenKind))
def test_a_token_tells_its_kind_and_is_no_other(kind: TokenKind) -> None:
    token = new_token(kind)
    assert [each for each in TokenKind if is_well_formed(token, each)] == [kind]
    assert token != new_token(kind)


@given(st.sampled_from(TokenKind), st.data())
def test_one_wrong_character_is_always_noticed(kind: TokenKind, data: st.DataObject) -> None:
    token = new_token(kind)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda character: character != token[at]))
    assert not is_well_formed(token[:at] + other + token[at + 1 :], kind)
    if at and token[at - 1] != token[at]:
        assert not is_well_formed(token[: at - 1] + token[at] + token[at - 1] + token[at + 1 :], kind)


def test_a_token_carries_at_least_160_random_bits() -> None:
    assert 62 ** len(new_token(TokenKind.SCIM_KEY)[len(TokenKind.SCIM_KEY) : -6]) >= 2**160


def test_kinds_are_hashed_under_keys_of_their_own(seal: Seal) -> None:
    token = new_token(TokenKind.SCIM_KEY)
    assert len(
        {seal.of(token, kind) for kind in TokenKind} | {Seal("another").of(token, TokenKind.SCIM_KEY)}
    ) == 1 + len(TokenKind)
    assert seal.of(token, TokenKind.SCIM_KEY) == seal.of(token, TokenKind.SCIM_KEY)
    assert token not in seal.of(token, TokenKind.SCIM_KEY)
