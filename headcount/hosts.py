"""Which workspace a host names: `acme.example.com` (settings side) or `acme.api.example.com` (SCIM)."""

import re
from dataclasses import dataclass

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Place:
    """What a Host header says. `subdomain` is None where it names no workspace; `is_api` is about the `.api.` part."""

    subdomain: str | None
    is_api: bool


class HostNames:
    """The host names below one base domain."""

    def __init__(self, base_domain: str) -> None:
        self._suffix = "." + base_domain.lower()
        self._api = "api"

    def place(self, host: str) -> Place | None:
        """What a Host header names, or None where it is not a host and port at all."""
        matched = _HOST.fullmatch(host)
        if matched is None:
            return None
        name = matched["name"].lower().rstrip(".")
        if not name.endswith(self._suffix):
            return Place(None, is_api=False)
        labels = name.removesuffix(self._suffix)
        if labels == self._api:
            return Place(None, is_api=True)
        if labels.endswith("." + self._api):
            return Place(labels.removesuffix("." + self._api), is_api=True)
        return Place(labels, is_api=False)
