"""Whoever is refused reads what to do on the pages of their own identity provider."""

import httpx2
import pytest

from scim_facade.advice import ADVICE, Provider, Step, provider_of
from scim_facade.messages import Rejected, error_response
from tests.scim_facade.people import created, patch, somebody
from tests.stage import Server, Tenant

OKTA = {"User-Agent": "Okta SCIM Client 1.0.0"}
ENTRA = {"User-Agent": "azure-ad-provisioning"}


@pytest.mark.parametrize(
    ("client", "query", "provider"),
    [
        ("Okta SCIM Client 1.0.0", "", Provider.OKTA),
        ("OKTA SCIM Integration", "startIndex=1", Provider.OKTA),
        (None, "aadOptscim062020", Provider.ENTRA),
        ("", "count=1&aadOptscim062020=", Provider.ENTRA),
        ("Microsoft.Online.Provisioning", "", Provider.ENTRA),
        (None, "", None),
        ("python-httpx/1.0", "filter=userName eq aadOptscim062020", None),
    ],
)
def test_who_asks_is_known_by_what_it_sends(client: str | None, query: str, provider: Provider | None) -> None:
    assert provider_of(client, query) is provider


def test_every_provider_has_advice_for_every_step() -> None:
    assert ADVICE.keys() == set(Provider)
    for advice in ADVICE.values():
        assert advice.keys() == set(Step)
    for step in Step:
        assert len({advice[step] for advice in ADVICE.values()}) == len(Provider)


def refused(scim: httpx2.Client, acme: Tenant) -> dict[str, httpx2.Response]:
    """A refusal of each kind that an admin of the identity provider can do something about."""
    person = created(scim)
    owner = scim.get("/Users", params={"filter": f'userName eq "{acme.owner_email}"'}).json()["Resources"][0]["id"]
    wrong_key = {"Authorization": "Bearer hc_scim_wrong"}
    return {
        "CREDENTIALS: no such key": scim.get("/Users", headers=wrong_key),
        "MAPPING: taken": scim.post("/Users", json=somebody(userName=person["userName"])),
        "MAPPING: no such value": scim.post("/Users", json=somebody(active="banana")),
        "MAPPING: read only": patch(scim, person["id"], {"op": "replace", "path": "id", "value": "x"}),
        "RETRY: an owner": patch(scim, owner, {"op": "replace", "path": "active", "value": False}),
    }


@pytest.mark.parametrize(("provider", "headers"), [(Provider.OKTA, OKTA), (Provider.ENTRA, ENTRA), (None, {})])
def test_a_refusal_ends_with_what_to_do_and_the_request_s_id(
    acme: Tenant, provider: Provider | None, headers: dict[str, str]
) -> None:
    with acme.scim(**headers) as scim:
        for kind, answer in refused(scim, acme).items():
            assert 400 <= answer.status_code < 410, kind
            detail = answer.json()["detail"]
            assert detail.endswith(f" (request {answer.headers['x-request-id']})"), kind
            step = Step[kind.partition(":")[0]]
            for each in Provider:
                assert (ADVICE[each][step] in detail) is (each is provider), (kind, each)


def test_a_paused_workspace_says_how_to_go_on(server: Server) -> None:
    tenant = server.found("paused-and-said", "Alice", provisioning=False)
    with tenant.scim(**OKTA) as scim:
        assert ADVICE[Provider.OKTA][Step.RETRY] in scim.get("/Users").json()["detail"]


def test_what_no_admin_can_change_there_is_said_without_advice() -> None:
    answer = error_response(Rejected(404, "Nothing here."), "req_1", Provider.OKTA)
    assert b'"Nothing here. (request req_1)"' in answer.body
