"""SCIM's filter language (RFC 7644, 3.4.2.2): text to a tree, in linear time and bounded depth; a tree against JSON.

test   = attrPath "pr" | attrPath op value
filter = test | attrPath "[" filter "]" [ "." test ] | "not" "(" filter ")" | "(" filter ")"
       | filter "and" filter | filter "or" filter
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scim_facade.messages import Rejected

MAX_LENGTH = 10_000  # characters
MAX_DEPTH = 20  # of brackets within brackets

_TOKEN = re.compile(r"""\s*(?:(?P<mark>[()\[\]])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()\[\]"]+))""", re.DOTALL)
_ATTRIBUTE = re.compile(r"(?:urn:[\w.:-]+:)?[A-Za-z$][\w$-]*(?:\.[A-Za-z$][\w$-]*)*")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Compare:
    """`path op value`."""

    path: str
    operator: str
    value: Scalar


@dataclass(frozen=True)
class Present:
    """`path pr`."""

    path: str


@dataclass(frozen=True)
class Not:
    """`not (inner)`."""

    inner: "Filter"


@dataclass(frozen=True)
class Junction:
    """Some filters joined by one word: `and` or `or`."""

    word: str
    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Within:
    """`path[inner]`: one and the same value of a multi-valued attribute meets `inner`."""

    path: str
    inner: "Filter"


Filter = Compare | Present | Not | Junction | Within


def parse_filter(text: str) -> Filter:
    """The tree of a filter, or Rejected (400 invalidFilter) naming what cannot be read."""
    reader = Reader(text)
    parsed = reader.either(0)
    if not reader.at_end:
        raise invalid(f"did not expect {reader.next!r}")
    return parsed


def invalid(why: str) -> Rejected:
    """A refusal of a filter."""
    return Rejected(400, f"The filter cannot be used: {why}.", "invalidFilter")


class Reader:
    """The tokens of a filter, or of a PATCH path, from left to right."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise invalid(f"it has more than {MAX_LENGTH:,} characters")
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether every token has been taken."""
        return self._at == len(self._tokens)

    @property
    def next(self) -> str:
        """The token at hand, or the empty string at the end."""
        return "" if self.at_end else self._tokens[self._at]

    def take(self, expected: str = "") -> str:
        """Go past the token at hand, which must be the expected one where one is named."""
        token = self.next
        if not token or (expected and token != expected):
            raise invalid(f"expected {expected or 'more'!r} but found {token or 'its end'!r}")
        self._at += 1
        return token

    def either(self, depth: int) -> Filter:
        """Filters joined by `or`, which binds least."""
        return self._joined("or", self._both, depth)

    def _both(self, depth: int) -> Filter:
        return self._joined("and", self._one, depth)

    def _joined(self, word: str, part: Callable[[int], Filter], depth: int) -> Filter:
        parts = [part(depth)]
        while self.next.lower() == word:
            self.take()
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _one(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise invalid(f"it nests more than {MAX_DEPTH} deep")
        if self.next == "(":
            return self.grouped("(", ")", depth)
        if self.next.lower() == "not":
            self.take()
            return Not(self.grouped("(", ")", depth))
        path = self.attribute()
        if self.next == "[":
            inner = self.grouped("[", "]", depth)
            if self.next.startswith("."):  # Entra: emails[type eq "work"].value eq "…"
                inner = Junction("and", (inner, self._test(self.take()[1:])))
            return Within(path, inner)
        return self._test(path)

    def _test(self, path: str) -> Filter:
        operator = self.take().lower()
        if operator == "pr":
            return Present(path)
        if operator not in OPERATORS:
            raise invalid(f"{operator!r} is no operator; there are {', '.join(sorted(OPERATORS))} and pr")
        return Compare(path, operator, self._value())

    def grouped(self, opening: str, closing: str, depth: int) -> Filter:
        """A filter in brackets."""
        self.take(opening)
        inner = self.either(depth + 1)
        self.take(closing)
        return inner

    def attribute(self) -> str:
        """The name of an attribute, as the client spells it."""
        name = self.take()
        if not _ATTRIBUTE.fullmatch(name):
            raise invalid(f"{name!r} is no name of an attribute")
        return name

    def _value(self) -> Scalar:
        token = self.take()
        if token.startswith('"'):
            return _string(token)
        if token.lower() in _LITERALS:
            return _LITERALS[token.lower()]
        if _NUMBER.fullmatch(token):
            return float(token) if "." in token else int(token)
        raise invalid(f"the value {token!r} must be in double quotes, or a number, true, false or null")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:
            raise invalid(f'the quotation that begins with {text[at : at + 20]!r} has no end (")')
        tokens.append(match[match.lastgroup or 0])
        at = match.end()
    return tokens


def _string(token: str) -> str:
    try:
        value = orjson.loads(token)
    except orjson.JSONDecodeError:
        raise invalid(f"{token[:50]} is no JSON string") from None
    if "\x00" in value:
        raise invalid("a value must not contain the character U+0000")
    return str(value)


def matches(tree: Filter, value: Mapping[str, Any], fold: Callable[[str, str], str]) -> bool:
    """Whether one value of a multi-valued attribute meets a filter; `fold(name, text)` is how its parts compare."""
    match tree:
        case Junction(word, parts):
            judged = (matches(part, value, fold) for part in parts)
            return all(judged) if word == "and" else any(judged)
        case Not(inner):
            return not matches(inner, value, fold)
        case Present(path):
            return _found(value, path) is not None
        case Compare(path, operator, wanted):
            return _compares(operator, _folded(_found(value, path), path, fold), _folded(wanted, path, fold))
        case Within():
            raise invalid("brackets within brackets have no meaning in a path")


def names_in(tree: Filter) -> list[str]:
    """The attributes that a filter speaks of, as the client spells them."""
    match tree:
        case Compare(path) | Present(path) | Within(path):
            return [path]
        case Not(inner):
            return names_in(inner)
        case Junction(_, parts):
            return [name for part in parts for name in names_in(part)]


def _found(value: Mapping[str, Any], path: str) -> Any:
    return next((part for name, part in value.items() if name.lower() == path.lower()), None)


def _folded(value: Any, path: str, fold: Callable[[str, str], str]) -> Any:
    return fold(path, value) if isinstance(value, str) else value


def _compares(operator: str, have: Any, wanted: Any) -> bool:
    if operator in ("eq", "ne"):
        return (have == wanted) is (operator == "eq")
    if not isinstance(have, str) or not isinstance(wanted, str):
        return False
    return _TEXT_OPERATORS[operator](have, wanted)


_TEXT_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "co": lambda have, wanted: wanted in have,
    "sw": lambda have, wanted: have.startswith(wanted),
    "ew": lambda have, wanted: have.endswith(wanted),
    "gt": lambda have, wanted: have > wanted,
    "ge": lambda have, wanted: have >= wanted,
    "lt": lambda have, wanted: have < wanted,
    "le": lambda have, wanted: have <= wanted,
}
