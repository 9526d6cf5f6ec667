"""The audit log as a file: everything that the filter finds, safe to open, and a trace of who took it."""

import csv
import io
from typing import Any

import pytest

from tests.graphql_facade.browser import Browser, signed_in
from tests.scim_facade.people import created
from tests.stage import Server, Tenant

PATH = "/audit-events.csv"


@pytest.fixture(scope="module")
def tenant(server: Server) -> Tenant:
    """A workspace in which each door has done something."""
    tenant = server.found_another()
    alice = signed_in(tenant, tenant.owner_email)
    person = alice.new_person(displayName='=HYPERLINK("http://evil.example")')
    alice.do("userUpdate", {"id": person["id"], "title": 'Zoë, the "first"\nof two lines'})
    with tenant.scim() as scim:
        created(scim, displayName="Cleo")
    tenant.add("Bob", "member")
    return tenant


@pytest.fixture(scope="module")
def alice(tenant: Tenant) -> Browser:
    """Its owner."""
    return signed_in(tenant, tenant.owner_email)


def exported(browser: Browser, **filter: Any) -> list[dict[str, str]]:
    """The rows of the file."""
    answer = browser.client.get(PATH, params=filter)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit-events-20')
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_the_file_has_every_event_that_the_log_shows_the_newest_first(alice: Browser) -> None:
    rows, events = exported(alice), alice.events()
    assert [row["event id"] for row in rows] == [event["id"] for event in events]
    for row, event in zip(rows, events, strict=True):
        assert (row["time"], row["action"], row["channel"]) == (event["at"], event["action"], event["channel"])
        assert (row["actor"], row["target id"]) == (event["actor"]["displayName"], event["target"]["id"])
    (made,) = (row for row in rows if row["action"] == "USER_UPDATED")
    assert made["changes"] == 'title: - → Zoë, the "first"\nof two lines'


def test_nothing_in_the_file_is_a_formula(alice: Browser) -> None:
    rows = exported(alice, action="USER_UPDATED")
    assert rows[0]["target"] == """'=HYPERLINK("http://evil.example")"""
    takers = {event["actor"]["displayName"] for event in alice.events(action=["AUDIT_LOG_EXPORTED"])}
    assert takers <= {"Alice Archer"}
