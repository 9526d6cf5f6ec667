"""Where a rehearsal plays: a checked base URL and a checked token."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import httpx2

from headcount.rehearsal.cases import CannotRehearseError


@dataclass(frozen=True)
class Target:
    """The base URL without a slash at its end, and the bare token, which no text may show."""

    base_url: str
    token: str = field(repr=False)

    @property
    def host(self) -> str:
        """What the Host header says: the URL's host and port."""
        return httpx2.URL(self.base_url).netloc.decode("ascii")

    @property
    def connect_url(self) -> str:
        """The base URL to connect to: names under .localhost are this machine (RFC 6761 §6.3; few resolvers know)."""
        parts = urlsplit(self.base_url)
        if parts.scheme != "http" or not (parts.hostname or "").endswith(".localhost"):
            return self.base_url
        return parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl()


def target(base_url: str, token: str) -> Target:
    """The target of a run. Raises CannotRehearseError when no identity provider could use the URL or the token."""
    return Target(_checked_url(base_url.strip()), _checked_token(token.strip()))


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is what checks it
        httpx2.URL(text)
    except (ValueError, httpx2.InvalidURL) as invalid:
        raise CannotRehearseError(f"The base URL cannot be read ({invalid}); give one such as {_EXAMPLE}.") from invalid
    for fault in _faults(parts):
        raise CannotRehearseError(f"The base URL {fault}.")
    return text.rstrip("/")


def _faults(parts: SplitResult) -> list[str]:
    """What an identity provider would stumble over, each the end of a sentence that says what to do instead."""
    last = parts.path.rstrip("/").rsplit("/", 1)[-1]
    found = {
        f"must begin with https:// (or http:// for a trial on this machine), as in {_EXAMPLE}": (
            parts.scheme not in {"http", "https"} or not parts.hostname
        ),
        "must not hold a user name or password; give the token by itself": "@" in parts.netloc,
        "must not hold a query or a fragment; leave out everything from the ? or # on": bool(
            parts.query or parts.fragment
        ),
        # Okta, "Build your SCIM API service": "A base URL can't contain the underscore _ character."
        "must not contain an underscore, which Okta refuses; serve SCIM under a name without one": (
            "_" in parts.netloc + parts.path
        ),
        f"ends before the endpoint, which is added to it; leave out /{last}": last in {"Users", "Groups"},
    }
    return [text for text, found_it in found.items() if found_it]


def _checked_token(text: str) -> str:
    scheme, _, rest = text.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" and rest else text
    if not token:
        raise CannotRehearseError("The token is empty; give the SCIM API key that the provider is going to use.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise CannotRehearseError("The token holds a space or a character that no header can carry; copy it once more.")
    return token


_EXAMPLE = "https://example.com/scim/v2"
