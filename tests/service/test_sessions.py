"""Signing in and out, passwords, and what ends a session."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from service import passwords
from service.authentication import (
    BAD_SIGN_IN,
    NOT_SIGNED_IN,
    Caller,
    recognise_key,
    recognise_session,
    sign_in,
)
from service.clock import now
from service.passwords import MAX_LENGTH, MIN_LENGTH, PasswordHasher
from service.refusals import Busy, Forbidden, Invalid, NotFound, Refused, Unauthenticated
from service.sessions import LIFETIME, Session, end_session, open_session, store_password
from service.tokens import TokenKind, is_well_formed, new_token
from service.unit_of_work import STAMPED_EVERY
from service.users.commands import create_user, deactivate_user, delete_user, reactivate_user, set_role, update_user
from service.work import Work
from tests.service.cast import (
    Acme,
    Globex,
    caller,
    changed,
    everything,
    nothing_changes,
    person,
    recorded,
    refusal,
    signed_in,
    time_passes,
)
from tests.service.databases import CountingStore
from tests.stage import PASSWORD

pytestmark = pytest.mark.anyio

BOB = "bob@acme.example"


async def test_signing_in_opens_a_session_with_the_permissions_of_the_role(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    async with recorded(work, acme) as new:
        who, token = await signed_in(work, hasher, BOB)
    assert who.actor == replace(acme.bob, session_id=who.session_id, confirmed_at=who.actor.confirmed_at)
    assert is_well_formed(token, TokenKind.SESSION)
    assert await recognise_session(work, token, caller("acme")) == who
    assert [(event.action, event.target_id, event.actor_kind) for event in new] == [
        ("SIGNED_IN", acme.people["Bob"], "NOBODY")
    ]
    rows = (await everything(work))["session"]
    assert token not in repr(rows)
    assert "a browser" in repr(rows)


@pytest.mark.parametrize("identifier", ["BOB@acme.example", "b\u200bob@acme.example", "robert@home.example"])
async def test_people_sign_in_with_their_user_name_or_an_address_of_theirs(
    work: Work, acme: Acme, hasher: PasswordHasher, identifier: str
) -> None:
    emails = [{"value": "Robert@Home.example"}, {"value": BOB}]
    await work.write(acme.alice, update_user, acme.people["Bob"], changed(emails=emails))
    who, _ = await signed_in(work, hasher, identifier)
    assert who.actor.id == acme.people["Bob"]


class Watched(PasswordHasher):
    """The real hasher, which counts what it verifies."""

    verified = 0

    async def verify(self, password: str, known_hash: str | None) -> bool:
        self.verified += 1
        return await super().verify(password, known_hash)


async def test_whatever_is_wrong_with_a_sign_in_the_answer_and_the_work_are_one(
    work: Work, acme: Acme, globex: Globex
) -> None:
    await work.write(acme.alice, create_user, person("carol@acme.example"))
    await work.write(acme.alice, deactivate_user, acme.people["Bob"])
    shared = [{"value": "reception@acme.example"}]
    for name in ("Alice", "Ann"):
        await work.write(acme.alice, update_user, acme.people[name], changed(emails=shared))
    wrongs = [
        ("acme", "alice@acme.example", "not the password at all"),
        ("acme", "nobody@acme.example", PASSWORD),
        ("acme", "reception@acme.example", PASSWORD),  # two people have it, and this password too
        ("acme", "carol@acme.example", PASSWORD),  # has no password
        ("acme", BOB, PASSWORD),  # is deactivated
        ("acme", "charlie@globex.example", PASSWORD),
        ("globex", "alice@acme.example", PASSWORD),
        ("nowhere", "alice@acme.example", PASSWORD),
        ("acme", "", PASSWORD),
        ("acme", "alice@acme.example\x00", PASSWORD),
        ("acme", "\ud800", PASSWORD),
        ("acme", "alice@acme.example", ""),
    ]
    hasher = Watched()
    try:
        async with recorded(work, acme) as new:
            for subdomain, identifier, password in wrongs:
                act = sign_in(work, hasher, caller(), subdomain=subdomain, identifier=identifier, password=password)
                assert await refusal(act) == Unauthenticated(BAD_SIGN_IN)
    finally:
        hasher.close()
    assert hasher.verified == len(wrongs)
    assert new == []


async def test_a_shared_address_is_enough_while_one_of_those_who_share_it_is_active(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    shared = [{"value": "reception@acme.example"}]
    await work.write(acme.alice, update_user, acme.people["Bob"], changed(emails=shared))
    await work.write(acme.alice, update_user, acme.people["Ann"], changed(emails=shared, active=False))
    who, _ = await signed_in(work, hasher, "reception@acme.example")
    assert who.actor.id == acme.people["Bob"]


async def test_a_user_name_goes_before_the_same_address_of_another(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    await work.write(acme.alice, update_user, acme.people["Ann"], changed(emails=[{"value": BOB}]))
    who, _ = await signed_in(work, hasher, BOB)
    assert who.actor.id == acme.people["Bob"]


async def test_who_is_deactivated_while_the_password_is_checked_is_not_let_in(work: Work, acme: Acme) -> None:
    class Slow(PasswordHasher):
        async def verify(self, password: str, known_hash: str | None) -> bool:
            right = await super().verify(password, known_hash)
            await work.write(acme.alice, deactivate_user, acme.people["Bob"])
            return right

    hasher = Slow()
    try:
        assert await refusal(signed_in(work, hasher, BOB)) == Unauthenticated(BAD_SIGN_IN)
    finally:
        hasher.close()
    assert (await everything(work))["session"] == []


async def test_a_sign_in_on_another_workspace_s_host_opens_nothing(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    async with nothing_changes(work):
        act = sign_in(work, hasher, caller("globex"), subdomain="acme", identifier=BOB, password=PASSWORD)
        assert await refusal(act) == Unauthenticated(BAD_SIGN_IN)


async def test_a_session_is_good_in_its_own_workspace_only(
    work: Work, acme: Acme, globex: Globex, hasher: PasswordHasher
) -> None:
    _, token = await signed_in(work, hasher, BOB)
    assert (await recognise_session(work, token, caller(None))).actor.workspace_id == acme.id
    assert await refusal(recognise_session(work, token, caller("globex"))) == Unauthenticated(NOT_SIGNED_IN)


async def test_signing_out_ends_one_session_and_says_so(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    here, token = await signed_in(work, hasher, BOB)
    _, other = await signed_in(work, hasher, BOB)
    async with recorded(work, acme) as new:
        await work.write(acme.bob, end_session, here.session_id)
    assert await refusal(recognise_session(work, token, caller())) == Unauthenticated(NOT_SIGNED_IN)
    assert (await recognise_session(work, other, caller())).actor.id == acme.bob.id
    assert [event.action for event in new] == ["SIGNED_OUT"]
    async with nothing_changes(work):
        gone = NotFound("Session", here.session_id)
        assert await refusal(work.write(acme.bob, end_session, here.session_id)) == gone


async def test_nobody_ends_the_session_of_another(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    session, _ = await signed_in(work, hasher, BOB)
    async with nothing_changes(work):
        for actor in (acme.alice, acme.ann):
            refused = work.write(actor, end_session, session.session_id)
            assert await refusal(refused) == NotFound("Session", session.session_id)


async def test_deactivation_ends_every_session_and_the_audit_log_says_how_many(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    tokens = [(await signed_in(work, hasher, BOB))[1] for _ in range(2)]
    _, alices = await signed_in(work, hasher, "alice@acme.example")
    async with recorded(work, acme) as new:
        await work.write(acme.directory, update_user, acme.people["Bob"], changed(active=False))
        for token in tokens:
            assert await refusal(recognise_session(work, token, caller())) == Unauthenticated(NOT_SIGNED_IN)
    assert (await recognise_session(work, alices, caller())).actor.id == acme.alice.id
    (event,) = new
    assert event.action == "USER_DEACTIVATED"
    assert {"field": "sessions", "before": "2", "after": "0"} in (event.changes or [])
    await work.write(acme.directory, reactivate_user, acme.people["Bob"])
    for token in tokens:
        assert await refusal(recognise_session(work, token, caller())) == Unauthenticated(NOT_SIGNED_IN)
    who, _ = await signed_in(work, hasher, BOB)  # the password is still the same
    assert who.actor == replace(acme.bob, session_id=who.session_id, confirmed_at=who.actor.confirmed_at)


async def test_a_session_of_somebody_deactivated_is_no_good_however_it_came_about(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    await work.write(acme.alice, deactivate_user, bob)
    _, token = await work.write(acme.nobody, open_session, user_id=bob, user_name="Bob", client="a browser")
    assert await refusal(recognise_session(work, token, caller())) == Unauthenticated(NOT_SIGNED_IN)


async def test_deleting_ends_every_session_and_forgets_the_password(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    _, token = await signed_in(work, hasher, BOB)
    await work.write(acme.alice, delete_user, acme.people["Bob"])
    assert await refusal(recognise_session(work, token, caller())) == Unauthenticated(NOT_SIGNED_IN)
    again = await work.write(acme.alice, create_user, person(BOB))
    assert await refusal(signed_in(work, hasher, BOB)) == Unauthenticated(BAD_SIGN_IN)
    assert all(again.id not in row and acme.people["Bob"] not in row for row in (await everything(work))["credential"])


async def test_a_change_of_role_counts_from_the_next_request(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    _, token = await signed_in(work, hasher, "ann@acme.example")
    await work.write(acme.alice, set_role, acme.people["Ann"], acme.bob.role)  # type: ignore[arg-type]
    who = await recognise_session(work, token, caller())
    assert await refusal(work.write(who.actor, create_user, person("carol"))) == Forbidden("users:write")


async def test_a_session_lasts_two_weeks(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    who, token = await signed_in(work, hasher, BOB)
    assert timedelta(days=14) == LIFETIME
    await time_passes(work, acme, Session, who.session_id, expires_at=now())
    assert await refusal(recognise_session(work, token, caller())) == Unauthenticated(NOT_SIGNED_IN)


async def test_the_last_use_of_a_session_is_noted_at_most_once_a_minute(
    work: Work, acme: Acme, hasher: PasswordHasher, store: CountingStore
) -> None:
    who, token = await signed_in(work, hasher, BOB)

    async def used() -> int:
        with store.counting() as statements:
            await asyncio.gather(*(recognise_session(work, token, caller()) for _ in range(20)))
            await work.write(acme.support, lambda uow: None)
        return sum(statement.startswith("UPDATE session") for statement in statements)

    assert await used() == 0
    await time_passes(work, acme, Session, who.session_id, last_active_at=now() - STAMPED_EVERY)
    assert 1 <= await used() < 5  # who had looked before it was noted may try again, to no effect
    assert await used() == 0


async def test_a_session_s_token_opens_no_scim_and_a_key_is_no_session(
    work: Work, acme: Acme, hasher: PasswordHasher, store: CountingStore
) -> None:
    _, token = await signed_in(work, hasher, BOB)
    with store.counting() as statements:
        assert isinstance(await refusal(recognise_key(work, token, caller())), Unauthenticated)
        assert await refusal(recognise_session(work, acme.key, caller())) == Unauthenticated(NOT_SIGNED_IN)
        assert await refusal(recognise_session(work, token[:-1] + "?", caller())) == Unauthenticated(NOT_SIGNED_IN)
    assert statements == []
    unknown = new_token(TokenKind.SESSION)
    assert await refusal(recognise_session(work, unknown, caller())) == Unauthenticated(NOT_SIGNED_IN)


async def test_a_session_or_a_password_needs_somebody_to_belong_to(work: Work, acme: Acme, globex: Globex) -> None:
    for stranger in ("usr_0", globex.people["Charlie"]):
        async with nothing_changes(work):
            opened = work.write(acme.nobody, open_session, user_id=stranger, user_name="?", client="?")
            assert await refusal(opened) == NotFound("User", stranger)
            stored = work.write(acme.support, store_password, user_id=stranger, user_name="?", password_hash="?")
            assert await refusal(stored) == NotFound("User", stranger)


async def test_who_has_not_signed_in_may_do_nothing_else(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        assert isinstance(await refusal(work.write(acme.nobody, create_user, person("x"))), Forbidden)
        assert isinstance(await refusal(work.write(acme.nobody, end_session, "ses_0")), Forbidden)
        named = {"user_id": acme.people["Bob"], "user_name": "Bob"}
        assert isinstance(await refusal(work.write(acme.bob, open_session, **named, client="?")), Forbidden)
        for actor in (acme.alice, acme.directory, acme.nobody):
            refused = work.write(actor, store_password, **named, password_hash="?")
            assert await refusal(refused) == Forbidden("passwords:write")


async def test_a_new_password_takes_the_place_of_the_old(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    bob = acme.people["Bob"]
    new = "another horse, another staple"
    async with recorded(work, acme) as log:
        stored = {"user_id": bob, "user_name": "Bob", "password_hash": await hasher.hash(new)}
        await work.write(acme.support, store_password, **stored)
    assert [(event.action, event.changes) for event in log] == [("PASSWORD_SET", None)]
    assert await refusal(signed_in(work, hasher, BOB)) == Unauthenticated(BAD_SIGN_IN)
    asking = Caller(subdomain="acme", ip=None, client=None, request_id=None)
    who, _ = await sign_in(work, hasher, asking, subdomain="acme", identifier=BOB, password=new)
    assert who.actor.id == bob
    assert new not in repr(await everything(work))


async def test_passwords_are_kept_as_argon2id(hasher: PasswordHasher) -> None:
    one, other = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert await hasher.verify(PASSWORD, one)
    assert not await hasher.verify(PASSWORD + " ", one)
    assert not await hasher.verify(PASSWORD, None)


async def test_a_password_is_the_same_however_its_accents_are_typed(hasher: PasswordHasher) -> None:
    known = await hasher.hash("cre\u0300me bru\u0302le\u0301e, twice")
    assert await hasher.verify("cr\u00e8me br\u00fbl\u00e9e, twice", known)


@pytest.mark.parametrize("password", ["", "x" * (MIN_LENGTH - 1), "x" * (MAX_LENGTH + 1), "\ud800" * MIN_LENGTH])
async def test_a_password_that_is_too_short_or_too_long_is_refused(hasher: PasswordHasher, password: str) -> None:
    reason = await refusal(hasher.hash(password))
    assert isinstance(reason, Invalid)
    assert reason.field == "password"


async def test_a_flood_of_sign_ins_is_answered_and_not_piled_up(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_WAITING", 2)
    answers = await asyncio.gather(*(hasher.verify("x", None) for _ in range(5)), return_exceptions=True)
    reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert len(reasons) == 3
    assert all(isinstance(reason, Busy) and reason.retry_after > 0 for reason in reasons)
    assert await hasher.verify("x", None) is False
