"""A server that dies while it sends: every mail that was acknowledged arrives all the same, and none twice."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import kept_in
from tests.graphql_facade.browser import signed_in
from tests.mailbox import Mailbox, link_in, mailbox
from tests.postgres import PostgresServer
from tests.scim_facade.crowds import owners_engine
from tests.stage import Server, running

ROUNDS = int(os.environ.get("HEADCOUNT_TEST_KILLS", "2"))
INVITED = 5


@pytest.fixture
def box() -> Iterator[tuple[Mailbox, str]]:
    """The SMTP server, which outlives the servers that bring mail."""
    with mailbox() as opened:
        yield opened


def test_no_mail_is_lost_and_none_comes_twice_when_the_server_is_killed_while_it_sends(
    engine: str, postgres: PostgresServer, box: tuple[Mailbox, str], tmp_path: Path
) -> None:
    mails, address = box
    settings = {
        "HEADCOUNT_SECRET_KEY": secrets.token_urlsafe(48),
        "HEADCOUNT_SMTP_URL": address,
        **kept_in(engine, postgres),
    }
    invited: list[str] = []
    with running(tmp_path, **settings) as first:
        tenant = first.found("acme", "Alice")
    for round_ in range(ROUNDS):
        with ExitStack() as stack:
            server = stack.enter_context(running(tmp_path, **settings))
            alice = signed_in(tenant.at(server), tenant.owner_email)
            mails.is_held = True
            people = [{"email": f"p{round_}.{number}@acme.example"} for number in range(INVITED)]
            assert alice.do("userInvite", {"people": people})["__typename"] == "UserInvitePayload"
            invited += [person["email"] for person in people]
            deadline = time.monotonic() + 20
            while not mails.held:
                assert time.monotonic() < deadline, "nobody brought any mail"
                time.sleep(0.01)
            server.kill()
            mails.is_held, mails.held = False, 0
            _minutes_pass(server)
    with running(tmp_path, **settings):
        for email in invited:
            link_in(mails.next_to(email))
        time.sleep(2.5)  # the background work has looked again
    assert {email: len(mails.to(email)) for email in invited} == dict.fromkeys(invited, 1)


def _minutes_pass(server: Server) -> None:
    """What is to be tried again is due."""
    with owners_engine(server).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE mail NO FORCE ROW LEVEL SECURITY")
        late = connection.execute(text("UPDATE mail SET next_at = posted_at WHERE next_at IS NOT NULL"))
        assert late.rowcount >= INVITED
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE mail FORCE ROW LEVEL SECURITY")
