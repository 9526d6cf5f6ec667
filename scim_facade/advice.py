"""What to do about a refusal, in the words of the provider's own pages; who asks is known by what it sends."""

from enum import Enum
from urllib.parse import parse_qs


class Provider(Enum):
    """Identity providers whose pages are known here."""

    OKTA = "Okta"
    ENTRA = "Entra"


class Step(Enum):
    """What its admin has to do."""

    CREDENTIALS = "enter the API key again"
    MAPPING = "change a value or where it comes from"
    RETRY = "have the same done again, once somebody has made it possible"


ADVICE: dict[Provider, dict[Step, str]] = {
    Provider.OKTA: {
        Step.CREDENTIALS: (
            "In Okta: open the application, then Provisioning, Integration, Edit; paste the API key, and choose "
            "Test API Credentials."
        ),
        Step.MAPPING: (
            "In Okta: change the person's profile, or the application's Provisioning, To App, Attribute Mappings; then "
            "choose Retry Selected under Dashboard, Tasks."
        ),
        Step.RETRY: "In Okta: choose Retry Selected under Dashboard, Tasks, once that is done.",
    },
    Provider.ENTRA: {
        Step.CREDENTIALS: (
            "In Entra: open the enterprise application, then Provisioning, Admin Credentials; paste the API key as "
            "Secret Token, and choose Test Connection."
        ),
        Step.MAPPING: (
            "In Entra: change the person's properties, or the enterprise application's Provisioning, Mappings; then "
            "choose Provision on demand, or wait for the next cycle."
        ),
        Step.RETRY: "In Entra: choose Provision on demand once that is done, or wait for the next cycle.",
    },
}
"""Okta's and Microsoft's own guides name their pages and buttons so."""

_BY_CLIENT = {"okta": Provider.OKTA, "azure": Provider.ENTRA, "entra": Provider.ENTRA, "microsoft": Provider.ENTRA}
_ENTRA_S_FLAG = "aadoptscim062020"  # the flag that Microsoft has admins end the tenant URL with


def provider_of(client: str | None, query: str) -> Provider | None:
    """By the User-Agent (Okta's names it; Entra may send none) or the query; None where that says nothing."""
    named = next((each for name, each in _BY_CLIENT.items() if name in (client or "").lower()), None)
    if named is None and any(name.lower() == _ENTRA_S_FLAG for name in parse_qs(query, keep_blank_values=True)):
        return Provider.ENTRA
    return named
