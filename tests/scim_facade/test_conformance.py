"""The conformance checker scim2-tester against a running server: it finds nothing that is not named here."""

from typing import Any

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.stage import Server

# What the checker would have otherwise: the check, the resource type and what it is about, and why it is so here.
DEVIATIONS: dict[tuple[str, str, str], str] = {
    **dict.fromkeys(
        (("check_add_attribute", "Group", "members"), ("check_replace_attribute", "Group", "members")),
        "The checker sends each member a made-up `display`, which is readOnly: what comes back is the user's own name.",
    ),
    ("check_remove_attribute", "User", "active"): (
        "Removing `active` is refused (400, mutability). Without a value it would get its default, true: a way to give "
        "access to somebody who was put out. A 2xx that changes nothing would be worse (RFC 7644, 3.5.2.2)."
    ),
}


@pytest.fixture(scope="module")
def results(server: Server) -> list[CheckResult]:
    """Every check, in a workspace of its own, which the checker discovers by itself."""
    with server.found_another().scim() as http:
        return check_server(SyncSCIMClient(http))


def named(result: CheckResult) -> tuple[str, str, str]:
    """A result as the table names it."""
    about: Any = result.data if isinstance(result.data, dict) else {}
    return result.title or "", result.resource_type or "", str(about.get("urn", ""))


def test_everything_was_checked(results: list[CheckResult]) -> None:
    assert len(results) > 100
    assert {each.resource_type for each in results} >= {"User", "Group"}
    assert {"crud", "discovery", "misc"} <= {tag.partition(":")[0] for each in results for tag in each.tags}


def test_nothing_fails_that_is_not_named_and_what_is_named_still_does(results: list[CheckResult]) -> None:
    good = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)
    others = {named(each): f"{each.status.name}: {each.reason}" for each in results if each.status not in good}
    assert others.keys() == DEVIATIONS.keys(), others
