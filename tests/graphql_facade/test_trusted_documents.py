"""Trusted documents and points: in production browsers have only the pages' own operations run, and nobody too many."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from graphql_facade.requests import Rejected
from graphql_facade.trusted_documents import TrustedDocuments
from tests.graphql_facade.browser import SIGN_IN, Browser, Data
from tests.stage import PASSWORD, Tenant, running

WHO = "query Who { viewer { permissions } }"
FOREIGN = "query Who { viewer { permissions }  }"
POINTS = 1_000


def id_of(document: str) -> str:
    """A document's hash."""
    return hashlib.sha256(document.encode()).hexdigest()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """Acme on a server in production, with two documents that it trusts and few points for each caller."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "documents.json").write_text(json.dumps({id_of(each): each for each in (WHO, SIGN_IN)}))
    settings = {
        "HEADCOUNT_ENVIRONMENT": "production",
        "HEADCOUNT_BASE_DOMAIN": "headcount.example",
        "HEADCOUNT_SECRET_KEY": secrets.token_urlsafe(48),
        "HEADCOUNT_TRUSTED_DOCUMENTS": "documents.json",
        "HEADCOUNT_GRAPHQL_POINTS_PER_MINUTE": str(POINTS),
    }
    with running(folder, **settings) as server:
        yield server.found("acme", "Alice")


@pytest.fixture
def outside(guarded: Tenant) -> Browser:
    """A browser there."""
    return Browser(guarded.server.client("acme.headcount.example"))


def posted(browser: Browser, **body: object) -> httpx2.Response:
    """The answer to a body."""
    return browser.client.post("/graphql", json=body)


def code(answer: httpx2.Response) -> str:
    """Why it was refused."""
    error: Data = answer.json()["errors"][0]
    found: str = error["extensions"]["code"]
    return found


def test_a_trusted_document_is_run_by_its_text_or_by_its_hash(outside: Browser) -> None:
    for body in ({"query": WHO}, {"documentId": id_of(WHO)}, {"documentId": f"sha256:{id_of(WHO)}"}):
        assert code(posted(outside, **body)) == "UNAUTHENTICATED"  # it was run
    assert outside.sign_in("alice@acme.example")["__typename"] == "SignInPayload"


def test_any_other_document_is_refused_with_a_session_and_without(outside: Browser) -> None:
    answer = posted(outside, query=FOREIGN)
    assert (answer.status_code, code(answer)) == (403, "UNTRUSTED_DOCUMENT")
    signed = posted(outside, query=SIGN_IN, variables={"email": "alice@acme.example", "password": PASSWORD})
    cookie = signed.headers["set-cookie"].partition(";")[0]
    again = outside.client.post("/graphql", json={"query": FOREIGN}, headers={"Cookie": cookie})
    assert (again.status_code, code(again)) == (403, "UNTRUSTED_DOCUMENT")
    assert outside.client.post("/graphql", json={"query": WHO}, headers={"Cookie": cookie}).json()["data"]


@pytest.mark.parametrize("id", [id_of(FOREIGN), "sha1:abc", "sha256:", "../documents.json"])
def test_a_hash_that_nobody_knows_is_refused(outside: Browser, id: str) -> None:
    answer = posted(outside, documentId=id)
    assert (answer.status_code, code(answer)) == (400, "UNKNOWN_DOCUMENT")


def test_a_key_s_holder_writes_documents_and_has_so_many_points(guarded: Tenant) -> None:
    key = guarded.server.said(
        *("api-key", "create", "acme", "--name", "A script", "--scope", "users:read"),
    ).stdout.strip()
    script = Browser(guarded.server.client("acme.headcount.example", Authorization=f"Bearer {key}"))
    costly = "{ viewer { workspace { users(first: 100) { nodes { groups { id } } } } } rateLimit { cost remaining } }"
    first = script.ask(costly)["rateLimit"]
    assert first == {"cost": 204, "remaining": POINTS - 204}
    answers = [script.post(costly) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused  # how many, depends on how long they take: points come back
    assert {code(answer) for answer in refused} == {"RATE_LIMITED"}
    assert refused[0].json()["errors"][0]["extensions"]["limit"] == POINTS
    assert 1 <= int(refused[0].headers["retry-after"]) <= 13
    assert script.post("{ __typename }").status_code == 200  # what costs nothing is not refused


def test_in_development_there_are_no_ids_and_any_document_is_run(alice: Browser) -> None:
    answer = posted(alice, documentId=id_of(WHO))
    assert (answer.status_code, code(answer)) == (400, "UNKNOWN_DOCUMENT")
    assert posted(alice, query=FOREIGN).status_code == 200


@pytest.mark.parametrize("body", [{"documentId": 7, "query": WHO}, {"documentId": ""}, {"documentId": None}, {}])
def test_a_body_without_a_document_is_none(alice: Browser, body: Data) -> None:
    answer = posted(alice, **body)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


def test_a_server_does_not_start_with_a_file_that_it_cannot_read(guarded: Tenant) -> None:
    done = guarded.server.cli("serve", check=False, HEADCOUNT_TRUSTED_DOCUMENTS="nothing.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("headcount: the trusted documents in nothing.json cannot be read")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "{"])
def test_a_file_that_is_none_of_documents_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "documents.json"
    with pytest.raises(ValueError, match="cannot be read"):
        TrustedDocuments.read(file)
    file.write_text(content)
    with pytest.raises(ValueError, match=r"documents\.json"):
        TrustedDocuments.read(file)
    file.write_text(json.dumps({id_of(WHO): WHO}))
    trusted = TrustedDocuments.read(file)
    assert trusted.text(id_of(WHO)) == WHO
    with pytest.raises(Rejected):
        trusted.refuse_unless_known(FOREIGN)
