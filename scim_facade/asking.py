"""What a client asks a list for: a GET's parameters, or a SearchRequest's members (RFC 7644, 3.4.2 and 3.4.3)."""

from typing import Any, Protocol

from scim_facade.messages import Document, Rejected

_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_TEXTS = frozenset({"filter", "sortBy", "sortOrder", "cursor"})
_LISTS = frozenset({"attributes", "excludedAttributes"})
_NUMBERS = frozenset({"startIndex", "count"})
_MEMBERS = _TEXTS | _LISTS | _NUMBERS


class Asking(Protocol):
    """A question for a list; names are RFC 7644's. Methods raise Rejected (400) for what cannot be read."""

    def has(self, name: str) -> bool:
        """Whether the parameter was given, if only as an empty text."""
        ...

    def text(self, name: str) -> str | None:
        """A parameter, or None where it is absent or empty. A list of names is joined by commas."""
        ...

    def number(self, name: str, default: int) -> int:
        """A parameter that must be an integer."""
        ...


class SearchRequest:
    """The body of a POST to an address that ends in `.search`."""

    def __init__(self, document: Document) -> None:
        spelled = {name.lower(): name for name in _MEMBERS | {"schemas"}}
        self._values: dict[str, Any] = {}
        for name, value in document.items():
            known = spelled.get(name.lower())
            if known is None:
                why = f"{name!r} is no part of a SearchRequest; there are {', '.join(sorted(_MEMBERS))}."
                raise Rejected(400, why, "invalidSyntax")
            if value is not None:
                self._values[known] = value
        if _SCHEMA not in self._values.get("schemas", [_SCHEMA]):
            raise Rejected(400, f"The schemas of a SearchRequest are [{_SCHEMA!r}].", "invalidSyntax")

    def has(self, name: str) -> bool:
        """See `Asking`."""
        return name in self._values

    def text(self, name: str) -> str | None:
        """See `Asking`."""
        value = self._values.get(name)
        if name in _LISTS and isinstance(value, list) and all(isinstance(each, str) for each in value):
            value = ",".join(value)
        if not isinstance(value, str | None):
            what = "a list of names" if name in _LISTS else "a text"
            raise Rejected(400, f"{name} must be {what}.", "invalidValue")
        return value or None

    def number(self, name: str, default: int) -> int:
        """See `Asking`."""
        value = self._values.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 10**9:
            raise Rejected(400, f"{name} must be an integer of at most 9 digits.", "invalidValue")
        return value
