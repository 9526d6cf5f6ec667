"""The outbox: what was undone is not sent, nothing is forgotten, and texts are not kept longer than they must be."""

import asyncio
from datetime import timedelta

import pytest

from service.accounts import ask_for_new_password, invite_user
from service.actor import Role, system
from service.clock import now
from service.mail.carrier import Postman
from service.mail.letters import password_changed
from service.mail.outbox import ATTEMPTS, FIRST_RETRY, Mail, post, remove_old_mail, take_out
from service.unit_of_work import UnitOfWork
from service.work import Work
from tests.service.cast import Acme, everything, person, time_passes

pytestmark = pytest.mark.anyio

ADDRESS = "dora@acme.example"


class Pigeon:
    """A carrier that keeps what it is given, and refuses as often as it is told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.sent: list[Mail] = []
        self.refusals = refusals

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise OSError("the pigeon is tired")
        self.sent.append(mail)


async def invited(work: Work, acme: Acme) -> None:
    fields = person(ADDRESS, emails=[{"value": ADDRESS}])
    await work.write(acme.alice, invite_user, fields, Role.MEMBER, lambda subdomain: f"https://{subdomain}.example")


async def kept(work: Work, acme: Acme) -> list[Mail]:
    columns = list(Mail.model_fields)
    return [Mail(**dict(zip(columns, row, strict=True))) for row in (await everything(work, acme.id))["mail"]]


async def test_what_was_posted_is_sent_once_and_its_text_forgotten(work: Work, acme: Acme) -> None:
    await invited(work, acme)
    pigeon = Pigeon()
    postmen = [Postman(work, pigeon) for _ in range(3)]
    await asyncio.gather(*(postman.carry(acme.id) for postman in postmen))
    (sent,) = pigeon.sent
    assert (sent.recipient, sent.subject) == (ADDRESS, "Alice invites you to Acme")
    assert "https://acme.example#hc_link_" in sent.body
    (mail,) = await kept(work, acme)
    assert (mail.body, mail.next_at, mail.attempts) == ("", None, 1)
    assert mail.sent_at is not None
    assert "hc_link_" not in repr(await everything(work))


async def test_of_what_was_undone_nothing_is_sent(work: Work, acme: Acme) -> None:
    def undone(uow: UnitOfWork) -> None:
        post(uow, password_changed(ADDRESS, name="Dora", workspace="Acme"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work.write(acme.alice, undone)
    assert await kept(work, acme) == []


async def test_what_a_process_took_out_before_it_died_is_sent_later(work: Work, acme: Acme) -> None:
    await invited(work, acme)
    (taken,) = await work.write(system(acme.id), take_out)
    pigeon = Pigeon()
    await Postman(work, pigeon).carry(acme.id)
    assert pigeon.sent == []
    await time_passes(work, acme, Mail, taken.id, next_at=now())
    await Postman(work, pigeon).carry(acme.id)
    assert [mail.id for mail in pigeon.sent] == [taken.id]


async def test_what_cannot_be_sent_is_tried_again_for_a_day_and_then_given_up(work: Work, acme: Acme) -> None:
    await invited(work, acme)
    pigeon = Pigeon(refusals=ATTEMPTS)
    (mail,) = await kept(work, acme)
    for attempt in range(ATTEMPTS):
        await Postman(work, pigeon).carry(acme.id)
        (mail,) = await kept(work, acme)
        assert (mail.attempts, mail.last_error, mail.sent_at) == (attempt + 1, "the pigeon is tired", None)
        if mail.next_at is not None:
            wait = mail.next_at - now()
            assert FIRST_RETRY * 2**attempt - timedelta(minutes=1) < wait <= FIRST_RETRY * 2**attempt
            await time_passes(work, acme, Mail, mail.id, next_at=now())
    assert mail.next_at is None
    await Postman(work, pigeon).carry(acme.id)
    assert pigeon.sent == []
    await time_passes(work, acme, Mail, mail.id, posted_at=now() - timedelta(days=31))
    assert await work.write(system(acme.id), remove_old_mail) == 1


async def test_a_postman_carries_what_comes_while_they_are_on_their_way(work: Work, acme: Acme) -> None:
    pigeon = Pigeon()
    postman = Postman(work, pigeon)
    for number in range(3):
        email = f"p{number}@acme.example"
        fields = person(email, emails=[{"value": email}])
        await work.write(acme.alice, invite_user, fields, Role.MEMBER, str)
        postman.soon(acme.id)
    await postman.close()
    assert len(pigeon.sent) == 3


async def test_only_who_is_there_and_has_an_address_is_written_to(work: Work, acme: Acme) -> None:
    for name, is_written_to in (("bob@acme.example", True), ("nobody@acme.example", False), ("\x00", False)):
        assert await work.write(acme.nobody, ask_for_new_password, name, str) is is_written_to
    (mail,) = await kept(work, acme)
    assert mail.recipient == "bob@acme.example"
