"""Whoever can replace an API key is told before it expires."""

from datetime import timedelta

import pytest

from service.actor import system
from service.api_keys import ApiKey, ApiKeyScope, RotationOverlap, create_api_key, create_personal_key, rotate_api_key
from service.clock import now
from service.expiry import warn_of_expiry
from service.mail.outbox import take_out
from service.work import Work
from tests.service.cast import Acme, time_passes

pytestmark = pytest.mark.anyio

SCIM, READ = [ApiKeyScope.SCIM], [ApiKeyScope.USERS_READ]
LONG_AGO = now() - timedelta(days=80)
ADMINS = {"alice@acme.example", "ann@acme.example"}


async def warned(work: Work, acme: Acme) -> dict[str, set[str]]:
    """Who is told of what."""
    await work.write(system(acme.id), warn_of_expiry)
    told: dict[str, set[str]] = {}
    for mail in await work.write(system(acme.id), take_out):
        told.setdefault(mail.subject.split('"')[1], set()).add(mail.recipient)
    return told


async def test_admins_are_told_of_the_workspace_s_keys_twenty_and_three_days_ahead(work: Work, acme: Acme) -> None:
    ends = now() + timedelta(days=90)
    key, _ = await work.write(acme.ann, create_api_key, name="Okta", scopes=SCIM, expires_at=ends)
    await work.write(acme.ann, create_api_key, name="For ever", scopes=SCIM)
    assert await warned(work, acme) == {}
    for days, is_told in ((21, False), (19, True), (4, False), (2, True), (1, False)):
        await time_passes(work, acme, ApiKey, key.id, created_at=LONG_AGO, expires_at=now() + timedelta(days=days))
        assert await warned(work, acme) == ({"Okta": ADMINS} if is_told else {}), days
        assert await warned(work, acme) == {}


async def test_a_person_is_told_of_their_own_key(work: Work, acme: Acme) -> None:
    ends = now() + timedelta(days=90)
    key, _ = await work.write(acme.bob, create_personal_key, name="Script", scopes=READ, expires_at=ends)
    await time_passes(work, acme, ApiKey, key.id, created_at=LONG_AGO, expires_at=now() + timedelta(days=2))
    assert await warned(work, acme) == {"Script": {"bob@acme.example"}}
    assert await warned(work, acme) == {}


async def test_nobody_is_told_of_what_was_short_from_the_beginning_or_is_being_replaced(work: Work, acme: Acme) -> None:
    await work.write(acme.ann, create_api_key, name="Short", scopes=SCIM, expires_at=now() + timedelta(days=2))
    ends = now() + timedelta(days=90)
    key, _ = await work.write(acme.ann, create_api_key, name="Old", scopes=SCIM, expires_at=ends)
    await work.write(acme.ann, rotate_api_key, key.id, RotationOverlap.WEEK)
    assert await warned(work, acme) == {}
