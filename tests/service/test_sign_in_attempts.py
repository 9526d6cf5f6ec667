"""Guessing passwords: how often, and what it does not do to whoever's account it is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service import passwords
from service.actor import system
from service.api_keys import ApiKeyScope, create_api_key
from service.authentication import BAD_SIGN_IN, reauthenticate, recognise_session, sign_in
from service.clock import now
from service.passwords import PasswordHasher
from service.refusals import Busy, LimitReached, ReauthenticationRequired, Refused, Unauthenticated
from service.retention import forget_old_attempts
from service.sessions import Session
from service.sign_in_attempts import FROM_AN_ADDRESS, OF_AN_ACCOUNT, WINDOW, SignInAttempts, count_attempt
from service.unit_of_work import CONFIRMED_FOR
from service.work import Work
from tests.service.cast import Acme, caller, everything, recorded, refusal, signed_in, time_passes
from tests.service.test_sessions import BOB, Watched
from tests.stage import PASSWORD

pytestmark = pytest.mark.anyio


WRONG = "not the password at all"


async def guess(work: Work, hasher: PasswordHasher, name: str = BOB, password: str = WRONG, **where: Any) -> Any:
    """Why a sign-in fails."""
    asked = sign_in(work, hasher, caller("acme", **where), subdomain="acme", identifier=name, password=password)
    return await refusal(asked)


async def window_passes(work: Work, acme: Acme) -> None:
    """Everything that is counted was counted a window ago."""
    for row in (await everything(work, acme.id))["sign_in_attempts"]:
        await time_passes(work, acme, SignInAttempts, row[1], since=now() - WINDOW - timedelta(seconds=1))


@pytest.mark.parametrize("name", [BOB, "nobody@acme.example"])
async def test_however_many_guess_at_once_few_passwords_are_looked_at(work: Work, acme: Acme, name: str) -> None:
    hasher = Watched()
    _, token = await signed_in(work, hasher, BOB)
    hasher.verified = 0
    try:
        async with recorded(work, acme) as new:
            reasons = await asyncio.gather(
                *(guess(work, hasher, name if at % 2 else name.upper(), ip=f"192.0.2.{at % 50}") for at in range(100))
            )
        assert hasher.verified == OF_AN_ACCOUNT
        assert reasons.count(Unauthenticated(BAD_SIGN_IN)) == OF_AN_ACCOUNT
        slowed = [reason for reason in reasons if isinstance(reason, LimitReached)]
        assert len(slowed) == 100 - OF_AN_ACCOUNT
        assert all(0 < (each.retry_after or 0) <= WINDOW.total_seconds() for each in slowed)
        assert {event.action for event in new} == {"SIGN_IN_SLOWED_DOWN"}
        # The right password waits as well, and whoever is signed in stays so.
        if name == BOB:
            assert isinstance(await guess(work, hasher, BOB, PASSWORD), LimitReached)
        assert (await recognise_session(work, token, caller("acme"))).actor.id == acme.people["Bob"]
        await window_passes(work, acme)
        await signed_in(work, hasher, BOB)
    finally:
        hasher.close()


async def test_one_address_guesses_at_many_accounts_for_a_while(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    for number in range(FROM_AN_ADDRESS):
        await work.write(acme.nobody_from("192.0.2.9"), count_attempt, f"person {number}")
    assert isinstance(await guess(work, hasher, ip="192.0.2.9"), LimitReached)
    assert await guess(work, hasher, ip="192.0.2.10") == Unauthenticated(BAD_SIGN_IN)


async def test_who_succeeds_begins_anew(work: Work, acme: Acme, hasher: PasswordHasher) -> None:
    for _ in range(3):
        for _ in range(OF_AN_ACCOUNT - 1):
            assert await guess(work, hasher) == Unauthenticated(BAD_SIGN_IN)
        await signed_in(work, hasher, BOB)


async def test_what_was_typed_for_a_name_is_kept_nowhere_and_its_count_goes(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    await guess(work, hasher, "my password instead")
    assert "my password instead" not in repr(await everything(work))
    assert await work.write(system(acme.id), forget_old_attempts) == 0
    await window_passes(work, acme)
    assert await work.write(system(acme.id), forget_old_attempts) >= 1


async def test_what_is_dangerous_takes_a_password_that_was_shown_lately(
    work: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    who, token = await signed_in(work, hasher, "ann@acme.example")
    await work.write(who.actor, create_api_key, name="Okta", scopes=[ApiKeyScope.SCIM])
    then = now() - CONFIRMED_FOR - timedelta(seconds=1)
    await time_passes(work, acme, Session, who.session_id, confirmed_at=then)
    actor = (await recognise_session(work, token, caller())).actor
    made = work.write(actor, create_api_key, name="Okta", scopes=[ApiKeyScope.SCIM])
    assert await refusal(made) == ReauthenticationRequired()
    assert await refusal(reauthenticate(work, hasher, actor, WRONG)) == Unauthenticated(BAD_SIGN_IN)
    await reauthenticate(work, hasher, actor, PASSWORD)
    actor = (await recognise_session(work, token, caller())).actor
    await work.write(actor, create_api_key, name="Okta", scopes=[ApiKeyScope.SCIM])
    for _ in range(OF_AN_ACCOUNT):
        assert await refusal(reauthenticate(work, hasher, actor, WRONG)) == Unauthenticated(BAD_SIGN_IN)
    with pytest.raises(Refused) as caught:
        await reauthenticate(work, hasher, actor, PASSWORD)
    assert isinstance(caught.value.reason, LimitReached)


async def test_an_attempt_that_nobody_has_the_time_to_look_at_does_not_count(
    work: Work, acme: Acme, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crowd:
        crowd.setattr(passwords, "_WAITING", 0)
        for _ in range(OF_AN_ACCOUNT + 3):
            assert isinstance(await guess(work, hasher, password=PASSWORD), Busy)
    assert {row[2] for row in (await everything(work, acme.id))["sign_in_attempts"]} == {0}
    for _ in range(OF_AN_ACCOUNT):
        assert isinstance(await guess(work, hasher), Unauthenticated)
    assert isinstance(await guess(work, hasher), LimitReached)
