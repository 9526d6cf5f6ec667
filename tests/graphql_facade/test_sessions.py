"""Sessions as the settings pages list and end them, and the password that is shown again."""

from datetime import timedelta

from service.clock import now
from service.sessions import Session
from service.store.columns import table_of
from service.unit_of_work import CONFIRMED_FOR
from tests.graphql_facade.browser import Browser, nothing_happens, signed_in
from tests.scim_facade.crowds import owners_engine
from tests.stage import PASSWORD, Server, Tenant

OWN = "{ viewer { sessions(first: 10) { totalCount nodes { id label ip isCurrent } } } }"
OF = """query ($id: ID!) { viewer { workspace {
    sessions(userId: $id, first: 10) { totalCount nodes { id isCurrent } }
} } }"""
ENDED = "... on SessionsRevokePayload { ended }"


def sessions(browser: Browser) -> list[str]:
    """The ids of one's own sessions, the newest first."""
    found = browser.ask(OWN)["viewer"]["sessions"]
    assert found["totalCount"] == len(found["nodes"])
    assert [each["isCurrent"] for each in found["nodes"]].count(True) == 1
    return [each["id"] for each in found["nodes"]]


def current(browser: Browser) -> str:
    """The id of the session that asks."""
    return str(browser.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"])


def test_people_see_where_they_are_signed_in_and_end_what_they_do_not_know(acme: Tenant, alice: Browser) -> None:
    lou = acme.add("Lou", "member")
    first, second, third = (signed_in(acme, "lou@acme.example") for _ in range(3))
    ids = [current(each) for each in (third, second, first)]
    assert sessions(first) == ids
    assert first.do("sessionRevoke", {"id": ids[0]}, ENDED)["ended"] == 1
    assert third.error("{ viewer { permissions } }")["extensions"]["code"] == "UNAUTHENTICATED"
    assert first.do("userSessionsRevoke", {"id": lou}, ENDED)["ended"] == 1
    assert second.error("{ viewer { permissions } }")["extensions"]["code"] == "UNAUTHENTICATED"
    assert sessions(first) == [ids[2]]
    actions = [event["action"] for event in alice.events(targetId=lou)]
    assert actions[:2] == ["SESSIONS_REVOKED", "SESSIONS_REVOKED"]


def test_admins_end_the_sessions_of_members_and_only_owners_those_of_owners(
    acme: Tenant, alice: Browser, ann: Browser, bob: Browser
) -> None:
    moe = acme.add("Moe", "member")
    his = signed_in(acme, "moe@acme.example")
    seen = ann.ask(OF, id=moe)["viewer"]["workspace"]["sessions"]
    assert (seen["totalCount"], seen["nodes"][0]["isCurrent"]) == (1, False)
    with nothing_happens(alice):
        assert bob.do("sessionRevoke", {"id": current(his)})["code"] == "NOT_FOUND"
        assert bob.do("userSessionsRevoke", {"id": moe})["code"] == "FORBIDDEN"
        assert ann.do("sessionRevoke", {"id": current(alice)})["code"] == "OWNER_PROTECTED"
    assert ann.do("userSessionsRevoke", {"id": moe}, ENDED)["ended"] == 1
    assert his.error("{ viewer { permissions } }")["extensions"]["code"] == "UNAUTHENTICATED"


def test_what_is_dangerous_asks_for_the_password_again_after_a_while(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    session, own = table_of(Session), current(alice)
    with owners_engine(server).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE session NO FORCE ROW LEVEL SECURITY")
        then = now() - CONFIRMED_FOR - timedelta(minutes=1)
        change = session.update().where(session.c.id == own).values(confirmed_at=then)
        assert connection.execute(change).rowcount == 1
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE session FORCE ROW LEVEL SECURITY")
    ada = alice.new_person()["id"]
    dangerous = {
        "apiKeyCreate": {"name": "Okta", "scopes": ["SCIM"]},
        "personalKeyCreate": {"name": "A script", "scopes": ["USERS_READ"]},
        "userUpdate": {"id": ada, "role": "OWNER"},
        "provisioningPause": {"managedPeople": "KEEP"},
    }
    with nothing_happens(alice):
        for mutation, said in dangerous.items():
            assert alice.do(mutation, said)["__typename"] == "ReauthenticationRequired", mutation
        assert alice.do("reauthenticate", {"password": "wrong"})["code"] == "INVALID_CREDENTIALS"
        assert alice.do("reauthenticate", {"password": PASSWORD})["__typename"] == "ReauthenticatePayload"
    for mutation, said in dangerous.items():
        assert alice.do(mutation, said)["__typename"].endswith("Payload"), mutation


def test_too_many_guesses_are_told_when_to_come_back(server: Server) -> None:
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    guesses = [alice.sign_in(tenant.owner_email, "not the password at all")["__typename"] for _ in range(11)]
    assert guesses == ["InvalidCredentials"] * 10 + ["LimitReached"]
    assert alice.ask(OWN)["viewer"]["sessions"]["totalCount"] == 1
    slowed = [event for event in alice.events() if event["action"] == "SIGN_IN_SLOWED_DOWN"]
    assert len(slowed) == 1
