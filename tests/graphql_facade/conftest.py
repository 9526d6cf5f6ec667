"""The cast at their browsers: Alice owns Acme, Ann is an admin there and Bob a member; Charlie owns Globex."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.graphql_facade.browser import Browser, browser, signed_in
from tests.service.conftest import database_url, databases, founded, hasher, seal, store, work
from tests.stage import Server, Tenant, running

__all__ = ["database_url", "databases", "founded", "hasher", "seal", "store", "work"]


@dataclass(frozen=True)
class Cast:
    """Everybody, signed in, and the ids of Acme's people."""

    alice: Browser
    ann: Browser
    bob: Browser
    charlie: Browser
    nobody: Browser
    ids: dict[str, str]


@pytest.fixture(scope="session")
def cast(acme: Tenant, globex: Tenant) -> Cast:
    """The cast. Tests leave these people as they are and change others."""
    alice, charlie = signed_in(acme, acme.owner_email), signed_in(globex, globex.owner_email)
    ids = {"Ann": acme.add("Ann", "admin"), "Bob": acme.add("Bob", "member")}
    ids["Alice"] = alice.ask("{ viewer { user { id } } }")["viewer"]["user"]["id"]
    return Cast(
        alice=alice,
        ann=signed_in(acme, "ann@acme.example"),
        bob=signed_in(acme, "bob@acme.example"),
        charlie=charlie,
        nobody=browser(acme),
        ids=ids,
    )


@pytest.fixture(scope="session")
def alice(cast: Cast) -> Browser:
    """Acme's owner."""
    return cast.alice


@pytest.fixture(scope="session")
def ann(cast: Cast) -> Browser:
    """Acme's admin."""
    return cast.ann


@pytest.fixture(scope="session")
def bob(cast: Cast) -> Browser:
    """Acme's member."""
    return cast.bob


@pytest.fixture(scope="session")
def charlie(cast: Cast) -> Browser:
    """The owner of another workspace."""
    return cast.charlie


@pytest.fixture(scope="session")
def nobody(cast: Cast) -> Browser:
    """Somebody at Acme's host who has not signed in."""
    return cast.nobody


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as it is run in production, behind a proxy that ends TLS."""
    settings = {
        "HEADCOUNT_ENVIRONMENT": "production",
        "HEADCOUNT_BASE_DOMAIN": "headcount.example",
        "HEADCOUNT_SECRET_KEY": secrets.token_urlsafe(48),
    }
    with running(tmp_path_factory.mktemp("production"), **settings) as started:
        started.found("acme", "Alice", provisioning=False)
        yield started
