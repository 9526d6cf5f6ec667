"""Accounts, with a real SMTP server: invitations, forgotten passwords, other passwords."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import kept_in
from tests.graphql_facade.browser import Browser, browser, nothing_happens, signed_in
from tests.mailbox import Mailbox, link_in, mailbox
from tests.postgres import PostgresServer
from tests.stage import PASSWORD, Server, Tenant, running

NEW = "a crowd of quiet otters"
INVITED = """... on UserInvitePayload { outcomes {
    email user { id userName status statusReason role } error { code message }
} }"""
SET = "... on PasswordSetPayload { viewer { user { userName status } } }"


@pytest.fixture(scope="module")
def post(
    engine: str, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Mailbox]]:
    """A server that hands its mail to a real SMTP server."""
    with mailbox() as (box, url):
        mail = {"HEADCOUNT_SMTP_URL": url, "HEADCOUNT_MAIL_FROM": "Acme <accounts@acme.example>"}
        with running(tmp_path_factory.mktemp("post"), **kept_in(engine, postgres), **mail) as server:
            yield server, box


@pytest.fixture(scope="module")
def tenant(post: tuple[Server, Mailbox]) -> Tenant:
    """Alice's workspace there."""
    return post[0].found("acme", "Alice")


@pytest.fixture(scope="module")
def box(post: tuple[Server, Mailbox]) -> Mailbox:
    """Where the mail comes to."""
    return post[1]


@pytest.fixture(scope="module")
def alice(tenant: Tenant) -> Browser:
    """The owner, at a browser."""
    return signed_in(tenant, tenant.owner_email)


def test_people_are_invited_by_mail_and_come_in_with_a_password_of_their_own(
    tenant: Tenant, box: Mailbox, alice: Browser
) -> None:
    people = [
        {"email": "dora@acme.example", "name": "Dora Dahl"},
        {"email": tenant.owner_email},
        {"email": "ed@acme.example", "role": "ADMIN"},
    ]
    dora, taken, ed = alice.do("userInvite", {"people": people}, INVITED)["outcomes"]
    assert (taken["user"], taken["error"]["code"]) == (None, "CONFLICT")
    assert [each["user"]["status"] for each in (dora, ed)] == ["INVITED", "INVITED"]
    assert ed["user"]["role"] == "ADMIN"
    mail = box.next_to("dora@acme.example")
    assert mail["From"] == "Acme <accounts@acme.example>"
    assert mail["Subject"] == "Alice Archer invites you to Acme"
    assert "Hello Dora Dahl" in mail.get_content()
    page, token = link_in(mail)
    assert page == f"http://acme.localhost:{tenant.server.port}/accept-invitation"
    hers = browser(tenant)
    assert hers.sign_in("dora@acme.example", NEW)["code"] == "INVALID_CREDENTIALS"
    with nothing_happens(alice):
        short = hers.do("invitationAccept", {"token": token, "password": "too short"}, SET)
        assert short["issues"][0]["path"] == ["password"]
        for bad in ("passwordpassword", "password12345678", "dora@acme.example", "aaaaaaaaaaaaaaaa"):
            assert "guessed first" in hers.do("invitationAccept", {"token": token, "password": bad}, SET)["message"]
        assert hers.do("passwordSet", {"token": token, "password": NEW}, SET)["issues"][0]["path"] == ["token"]
    came_in = hers.do("invitationAccept", {"token": token, "password": NEW}, SET)
    assert came_in["viewer"]["user"] == {"userName": "dora@acme.example", "status": "ACTIVE"}
    assert hers.ask("{ viewer { permissions } }")
    again = browser(tenant).do("invitationAccept", {"token": token, "password": PASSWORD}, SET)
    assert again["issues"][0]["path"] == ["token"]
    assert signed_in_with(tenant, "dora@acme.example", NEW)
    actions = [event["action"] for event in alice.events(targetId=dora["user"]["id"])]
    assert set(actions) == {"USER_CREATED", "USER_INVITED", "INVITATION_ACCEPTED", "PASSWORD_SET", "SIGNED_IN"}
    assert token not in str(alice.events())


def signed_in_with(tenant: Tenant, email: str, password: str) -> bool:
    """Whether somebody signs in so."""
    return bool(browser(tenant).sign_in(email, password)["__typename"] == "SignInPayload")


def test_an_invitation_is_sent_again_and_the_first_is_good_no_more(
    tenant: Tenant, box: Mailbox, alice: Browser
) -> None:
    (fay,) = alice.do("userInvite", {"people": [{"email": "fay@acme.example"}]}, INVITED)["outcomes"]
    _, first = link_in(box.next_to("fay@acme.example"))
    id_ = fay["user"]["id"]
    resent = alice.do("invitationResend", {"id": id_}, "... on InvitationResendPayload { user { status } }")
    assert resent["user"]["status"] == "INVITED"
    _, second = link_in(box.next_to("fay@acme.example", 2))
    assert first != second
    there = browser(tenant)
    assert there.do("invitationAccept", {"token": first, "password": NEW}, SET)["code"] == "INVALID_INPUT"
    assert alice.person(id_)["status"] == "INVITED"
    assert there.do("invitationAccept", {"token": second, "password": NEW}, SET)["viewer"]
    with nothing_happens(alice):
        assert alice.do("invitationResend", {"id": id_})["issues"][0]["path"] == ["id"]
        for people in ([], [{"email": f"p{at}@acme.example"} for at in range(101)]):
            assert alice.do("userInvite", {"people": people})["issues"][0]["path"] == ["people"]
    listed = "query ($f: UserFilter) { viewer { workspace { users(first: 100, filter: $f) { nodes { userName } } } } }"

    def names(*statuses: str) -> set[str]:
        found = alice.ask(listed, f={"status": list(statuses)})["viewer"]["workspace"]["users"]["nodes"]
        return {each["userName"] for each in found}

    assert "ed@acme.example" in names("INVITED") - names("ACTIVE", "INACTIVE")
    assert "fay@acme.example" in names("ACTIVE") - names("INVITED")


def test_a_forgotten_password_is_replaced_by_a_link_and_all_sessions_end(
    tenant: Tenant, box: Mailbox, alice: Browser
) -> None:
    tenant.add("Gus", "member")
    email = "gus@acme.example"
    his, anywhere = signed_in(tenant, email), browser(tenant)
    answers = {
        anywhere.post(
            "mutation ($e: String!) { passwordForgotten(input: {email: $e}) { __typename } }", {"e": each}
        ).content
        for each in (email, "stranger@acme.example", "\x00")
    }
    assert len(answers) == 1
    page, token = link_in(box.next_to(email))
    assert page.endswith("/new-password")
    assert not box.to("stranger@acme.example")
    assert his.ask("{ viewer { permissions } }")  # whoever asks in somebody's name ends nothing
    assert anywhere.do("passwordSet", {"token": token, "password": NEW}, SET)["viewer"]["user"]["userName"] == email
    assert his.error("{ viewer { permissions } }")["extensions"]["code"] == "UNAUTHENTICATED"
    assert not signed_in_with(tenant, email, PASSWORD)
    assert signed_in_with(tenant, email, NEW)
    assert "was changed" in box.next_to(email, 2)["Subject"]
    assert browser(tenant).do("passwordSet", {"token": token, "password": NEW}, SET)["code"] == "INVALID_INPUT"


def test_a_link_opens_nothing_for_whose_access_has_ended_and_in_no_other_workspace(
    post: tuple[Server, Mailbox], tenant: Tenant, box: Mailbox, alice: Browser
) -> None:
    hal = tenant.add("Hal", "member")
    there = browser(tenant)
    there.do("passwordForgotten", {"email": "hal@acme.example"})
    _, token = link_in(box.next_to("hal@acme.example"))
    elsewhere = browser(post[0].found("globex", "Charlie"))
    assert elsewhere.do("passwordSet", {"token": token, "password": NEW}, SET)["code"] == "INVALID_INPUT"
    alice.do("userDeactivate", {"id": hal})
    assert there.do("passwordSet", {"token": token, "password": NEW}, SET)["code"] == "INVALID_INPUT"
    there.do("passwordForgotten", {"email": "hal@acme.example"})
    assert len(box.to("hal@acme.example")) == 1


def test_whoever_is_signed_in_changes_the_password_and_stays_signed_in(
    tenant: Tenant, box: Mailbox, alice: Browser
) -> None:
    tenant.add("Ida", "member")
    email = "ida@acme.example"
    here, elsewhere = signed_in(tenant, email), signed_in(tenant, email)
    with nothing_happens(alice):
        wrong = here.do("passwordChange", {"currentPassword": "wrong", "newPassword": NEW})
        assert wrong["code"] == "INVALID_CREDENTIALS"
        weak = here.do("passwordChange", {"currentPassword": PASSWORD, "newPassword": "passwordpassword"})
        assert weak["issues"][0]["path"] == ["password"]
    changed = here.do("passwordChange", {"currentPassword": PASSWORD, "newPassword": NEW})
    assert changed["__typename"] == "PasswordChangePayload"
    assert here.ask("{ viewer { permissions } }")
    assert elsewhere.error("{ viewer { permissions } }")["extensions"]["code"] == "UNAUTHENTICATED"
    assert signed_in_with(tenant, email, NEW)
    assert "was changed" in box.next_to(email)["Subject"]


def test_links_are_asked_for_so_often_and_no_more(tenant: Tenant, box: Mailbox) -> None:
    tenant.add("Jo", "member")
    there = browser(tenant)
    asked = [there.do("passwordForgotten", {"email": "jo@acme.example"})["__typename"] for _ in range(11)]
    assert asked == ["PasswordForgottenPayload"] * 10 + ["LimitReached"]
    assert signed_in_with(tenant, "jo@acme.example", PASSWORD)


def test_without_an_smtp_server_mail_lands_in_a_folder(server: Server) -> None:
    tenant = server.found_another()
    there = browser(tenant)
    there.do("passwordForgotten", {"email": tenant.owner_email})
    outbox = Path(server.folder) / "var" / "outbox"
    mine: list[str] = []
    deadline = time.monotonic() + 10
    while not mine:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        mails = [file.read_text() for file in outbox.glob("*.eml")]
        mine = [mail for mail in mails if f"To: {tenant.owner_email}" in mail]
    assert len(mine) == 1
    assert "/new-password#hc_link_" in mine[0]
    assert all(file.stat().st_mode & 0o077 == 0 for file in outbox.glob("*.eml"))
