"""Signing in and out."""

import pytest

from tests.graphql_facade.browser import SIGN_OUT, WHO, Browser, browser, signed_in
from tests.stage import PASSWORD, Server, Tenant

COOKIE = "headcount_session"


def test_a_person_signs_in_with_a_password_and_is_known_by_a_cookie(acme: Tenant) -> None:
    alice = browser(acme)
    result = alice.sign_in(acme.owner_email)
    assert result == {"__typename": "SignInPayload", "viewer": {"user": {"userName": acme.owner_email}}}
    ((name, token),) = alice.cookies
    assert name == COOKIE
    assert token.startswith("hc_session_")
    assert alice.ask(WHO) == {"viewer": {"user": {"userName": acme.owner_email}}}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_no_body_has_the_token(acme: Tenant) -> None:
    alice = browser(acme)
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }"
    answer = alice.post(document, {"input": {"email": acme.owner_email, "password": PASSWORD}})
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert {each.lower() for each in attributes} == {"httponly", "path=/", "samesite=lax", "max-age=1209600"}
    assert value.removeprefix(f"{COOKIE}=") not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_in_production_the_cookie_is_for_https_and_this_host_alone(production: Server) -> None:
    alice = Browser(production.client("acme.headcount.example"))
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }"
    answer = alice.post(document, {"input": {"email": "alice@acme.example", "password": PASSWORD}})
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert value.startswith("__Host-headcount_session=hc_session_")
    expected = {"httponly", "path=/", "samesite=lax", "max-age=1209600", "secure"}
    assert {each.lower() for each in attributes} == expected
    assert alice.post(WHO, Cookie=value).json()["data"]["viewer"]["user"]["userName"] == "alice@acme.example"
    unprefixed = value.removeprefix("__Host-")
    assert alice.post(WHO, Cookie=unprefixed).json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_whatever_is_wrong_the_answer_is_the_same(acme: Tenant, globex: Tenant, alice: Browser) -> None:
    gone = acme.add("Gone", "member")
    assert alice.do("userDeactivate", {"id": gone})["__typename"] == "UserUpdatePayload"
    without_password = alice.new_person()["userName"]
    somebody = browser(acme)
    wrong = [
        ("nobody@acme.example", PASSWORD),
        (acme.owner_email, "not the password at all"),
        (acme.owner_email, ""),
        ("gone@acme.example", PASSWORD),
        (without_password, PASSWORD),
        (globex.owner_email, PASSWORD),
        ("\x00", PASSWORD),
        ("", ""),
    ]
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { __typename ... on Error { code message } } }"
    answers = [somebody.post(document, {"input": {"email": email, "password": password}}) for email, password in wrong]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["data"]["signIn"]["__typename"] == "InvalidCredentials"
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(answers[0].headers))}


def test_a_password_that_is_far_too_long_is_refused_before_it_is_hashed(acme: Tenant) -> None:
    result = browser(acme).sign_in(acme.owner_email, "x" * 500_000)
    assert result["code"] == "INVALID_INPUT"
    assert result["issues"][0]["path"] == ["password"]
    assert "xxx" not in str(result)


def test_two_ways_to_write_one_password_are_one(server: Server) -> None:
    tenant = server.found_another()
    email = f"zoe@{tenant.subdomain}.example"
    words = ("user", "create", tenant.subdomain, "--email", email, "--role", "member", "--name", "Zoë Ångström")
    server.cli(*words, HEADCOUNT_USER_PASSWORD="crème brûlée à la carte")
    for spelling in ("crème brûlée à la carte", "cre\u0300me bru\u0302le\u0301e a\u0300 la carte"):
        assert browser(tenant).sign_in(email, spelling)["__typename"] == "SignInPayload"


def test_where_the_host_names_no_workspace_the_input_must(server: Server, acme: Tenant, globex: Tenant) -> None:
    anywhere = Browser(server.client())
    missing = anywhere.sign_in(acme.owner_email)
    assert missing["code"] == "INVALID_INPUT"
    assert missing["issues"][0]["path"] == ["workspace"]
    assert anywhere.sign_in(acme.owner_email, workspace="globex")["code"] == "INVALID_CREDENTIALS"
    assert anywhere.sign_in(acme.owner_email, workspace="no-such")["code"] == "INVALID_CREDENTIALS"
    assert anywhere.sign_in(acme.owner_email, workspace="a\x00b")["code"] == "INVALID_INPUT"
    assert anywhere.sign_in(acme.owner_email, workspace=" Acme ")["__typename"] == "SignInPayload"
    assert anywhere.ask(WHO)["viewer"]["user"]["userName"] == acme.owner_email


def test_where_the_host_names_a_workspace_the_input_may_not_name_another(acme: Tenant, globex: Tenant) -> None:
    here = browser(acme)
    assert here.sign_in(globex.owner_email, workspace="globex")["issues"][0]["path"] == ["workspace"]
    assert here.sign_in(acme.owner_email, workspace="acme")["__typename"] == "SignInPayload"


def test_a_session_is_good_in_its_own_workspace_only(acme: Tenant, globex: Tenant, server: Server) -> None:
    alice = signed_in(acme, acme.owner_email)
    token = alice.cookies[0][1]
    elsewhere = browser(globex).post(WHO, Cookie=f"{COOKIE}={token}").json()
    assert elsewhere["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    anywhere = Browser(server.client()).post(WHO, Cookie=f"{COOKIE}={token}").json()
    assert anywhere["data"]["viewer"]["user"]["userName"] == acme.owner_email


def test_signing_in_replaces_whatever_cookie_came_and_ends_its_session(acme: Tenant) -> None:
    chosen = "hc_session_chosen_by_an_attacker"
    alice = browser(acme)
    alice.client.cookies.set(COOKIE, chosen, domain="127.0.0.1", path="/")
    alice.sign_in(acme.owner_email)
    first = next(value for _, value in alice.cookies if value != chosen)
    alice = browser(acme)
    alice.client.cookies.set(COOKIE, first, domain="127.0.0.1", path="/")
    alice.sign_in(acme.owner_email)
    assert browser(acme).post(WHO, Cookie=f"{COOKIE}={first}").json()["data"] is None


def test_a_failed_sign_in_leaves_the_session_as_it_is(acme: Tenant) -> None:
    alice = signed_in(acme, acme.owner_email)
    kept = alice.cookies
    assert alice.sign_in(acme.owner_email, "not the password at all")["code"] == "INVALID_CREDENTIALS"
    assert alice.cookies == kept
    assert alice.ask(WHO)["viewer"]["user"]["userName"] == acme.owner_email


def test_signing_out_ends_the_session_and_clears_the_cookie(acme: Tenant) -> None:
    alice = signed_in(acme, acme.owner_email)
    token = alice.cookies[0][1]
    assert alice.ask(SIGN_OUT) == {"signOut": {"__typename": "SignOutPayload"}}
    assert alice.cookies == []
    again = browser(acme)
    assert again.post(WHO, Cookie=f"{COOKIE}={token}").json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    stale = again.post(SIGN_OUT, Cookie=f"{COOKIE}={token}")
    assert stale.json()["data"]["signOut"]["code"] == "UNAUTHENTICATED"
    assert 'headcount_session=""' in stale.headers["set-cookie"]


@pytest.mark.parametrize("token", ["", "x", "hc_session_", "é", "a" * 5_000, "../..", '"'])
def test_a_cookie_that_is_no_session_is_nobody(acme: Tenant, token: str) -> None:
    answer = browser(acme).client.post(
        "/graphql", json={"query": WHO}, headers={b"Cookie": f"{COOKIE}={token}".encode()}
    )
    assert answer.status_code == 200
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


def test_an_api_key_is_refused_whatever_session_comes_with_it(acme: Tenant, alice: Browser) -> None:
    session = alice.cookies[0][1]
    for shown in (f"Bearer {acme.key}", acme.key, "Bearer hc_scim_nonsense", f"Bearer {session}", "Basic eDp5"):
        answer = alice.post(WHO, Authorization=shown)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "data" not in answer.json()
    assert browser(acme).post(WHO, Cookie=f"{COOKIE}={acme.key}").json()["data"] is None


def test_a_session_opens_no_other_door(acme: Tenant, alice: Browser) -> None:
    token = alice.cookies[0][1]
    scim = acme.scim()
    assert scim.get("/Users", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    del scim.headers["Authorization"]
    assert scim.get("/Users", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401


def test_a_deactivated_person_s_session_fails_at_once_and_comes_back_with_a_new_sign_in(
    acme: Tenant, alice: Browser
) -> None:
    dora = acme.add("Dora", "admin")
    hers = signed_in(acme, "dora@acme.example")
    assert alice.do("userDeactivate", {"id": dora})["__typename"] == "UserUpdatePayload"
    assert hers.error(WHO)["extensions"]["code"] == "UNAUTHENTICATED"
    assert hers.do("userCreate", {"email": "x@acme.example"})["code"] == "UNAUTHENTICATED"
    assert alice.do("userReactivate", {"id": dora})["__typename"] == "UserUpdatePayload"
    assert hers.error(WHO)["extensions"]["code"] == "UNAUTHENTICATED"
    assert hers.sign_in("dora@acme.example")["__typename"] == "SignInPayload"


def test_who_ends_their_own_access_can_do_no_more_in_the_same_request(acme: Tenant) -> None:
    ed = acme.add("Ed", "admin")
    his = signed_in(acme, "ed@acme.example")
    document = """mutation ($id: ID!) {
        userDeactivate(input: {id: $id}) { __typename }
        apiKeyCreate(input: {name: "Back door", scopes: [SCIM]}) { __typename }
    }"""
    assert his.ask(document, id=ed) == {
        "userDeactivate": {"__typename": "UserUpdatePayload"},
        "apiKeyCreate": {"__typename": "Unauthenticated"},
    }
