"""SCIM filters against documents, in plain Python: what a search must find, written without a look at how it is done.

Attributes are spelled as in a document, extensions' with their URN in front.
"""

import operator as of
from collections.abc import Callable
from datetime import datetime
from typing import Any

from scim_facade.filters import Compare, Filter, Junction, Not, Present, Within

EXACT = {"id", "externalId", "profileUrl", "photos.value", "x509Certificates.value", "manager.value"}
"""Whose text is compared as it is; all others' without regard to the case of ASCII's letters."""
FOLDED = {"userName"}
"""Where that regard goes for all of Unicode."""
ADDRESSES = {"emails", "emails.value"}
"""Where it does in a search, outside of brackets."""
MOMENTS = {"meta.created", "meta.lastModified"}

Document = dict[str, Any]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": of.eq,
    "co": of.contains,
    "sw": lambda have, wanted: bool(have.startswith(wanted)),
    "ew": lambda have, wanted: bool(have.endswith(wanted)),
    "gt": of.gt,
    "ge": of.ge,
    "lt": of.lt,
    "le": of.le,
}


def meets(document: Document, tree: Filter, parent: str = "") -> bool:
    """Whether a filter finds a resource, or what is in brackets a value of the attribute `parent`."""
    match tree:
        case Junction("and", parts):
            return all(meets(document, part, parent) for part in parts)
        case Junction(_, parts):
            return any(meets(document, part, parent) for part in parts)
        case Not(inner):
            return not meets(document, inner, parent)
        case Present(path):
            return bool(values_of(document, path))
        case Within(path, inner):
            return any(meets(value, inner, path) for value in values_of(document, path))
        case Compare(path, "ne", value):
            return not meets(document, Compare(path, "eq", value), parent)
        case Compare(path, _, None):
            return not values_of(document, path)
        case Compare(path, operator, wanted):
            whole = f"{parent}.{path}" if parent else path
            found = values_of(document, path)
            return any(_compares(whole, operator, value, wanted, in_brackets=bool(parent)) for value in found)


def values_of(document: Any, path: str) -> list[Any]:
    """The values at a path; of a list's objects, each."""
    if path.startswith("urn:"):
        urn, _, path = path.rpartition(":")
        document = document.get(urn, {})
    found = [document]
    for name in path.split("."):
        inner = [each[name] for each in found if isinstance(each, dict) and name in each]
        found = [one for each in inner for one in (each if isinstance(each, list) else [each])]
    return found


def _compares(path: str, operator: str, have: Any, wanted: Any, *, in_brackets: bool) -> bool:
    have = have.get("value") if isinstance(have, dict) else have
    if have is None:
        return False
    if path in MOMENTS:
        have, wanted = datetime.fromisoformat(have), datetime.fromisoformat(wanted)
    elif path in ADDRESSES and not in_brackets:
        have, wanted = have.casefold(), wanted.casefold()
    return _OPERATORS[operator](compared(path, have), compared(path, wanted))


def compared(path: str, value: Any) -> Any:
    """A value as it is compared; the names in the tests have no width and no composition that could differ."""
    name = path.rpartition(":")[2]
    if not isinstance(value, str) or name in EXACT:
        return value
    return value.casefold() if name in FOLDED else "".join(c.lower() if c.isascii() else c for c in value)
