"""`attributes` and `excludedAttributes` (RFC 7644, 3.9): which parts of a resource a client wants."""

from dataclasses import dataclass
from typing import Any, Self

from scim_facade.asking import Asking
from scim_facade.attributes import AttributeTable, Chain
from scim_facade.messages import Document, Rejected

_ALWAYS = ("schemas", "id")


@dataclass(frozen=True)
class Projection:
    """The attributes that are wanted (None: the default set), and those that are not."""

    wanted: tuple[Chain, ...] | None
    unwanted: tuple[Chain, ...]

    @classmethod
    def of(cls, asking: Asking, table: AttributeTable[Any]) -> Self:
        """What the request asks for. Names that no such resource has are passed over: they are in no answer anyhow."""
        wanted, unwanted = asking.text("attributes"), asking.text("excludedAttributes")
        if wanted and unwanted:
            raise Rejected(400, "attributes and excludedAttributes exclude each other: send one.", "invalidValue")
        return cls(_chains(wanted, table) if wanted else None, _chains(unwanted or "", table))

    def wants(self, attribute: str) -> bool:
        """Whether anything of an attribute of the default set is asked for."""
        if self.wanted is not None:
            return any(chain[0].name == attribute for chain in self.wanted)
        return all(chain[0].name != attribute or len(chain) > 1 for chain in self.unwanted)

    @property
    def is_default(self) -> bool:
        """Whether nothing in particular is asked for."""
        return self.wanted is None and not self.unwanted

    def applied(self, document: Document) -> Document:
        """The document with what is wanted; `id` and `schemas` always are."""
        if self.wanted is not None:
            kept = {name: document[name] for name in _ALWAYS}
            for chain in self.wanted:
                _copy(document, kept, [part.name for part in chain])
            return kept
        for chain in self.unwanted:
            _drop(document, [part.name for part in chain])
        return document


def _chains(names: str, table: AttributeTable[Any]) -> tuple[Chain, ...]:
    found = (table.find(name.strip()) for name in names.split(","))
    return tuple(chain for chain in found if chain is not None)


def _copy(source: Document, target: Document, names: list[str]) -> None:
    name, *rest = names
    if name not in source:
        return
    value = source[name]
    if not rest:
        target[name] = value
    elif isinstance(value, list):
        values = target.setdefault(name, [{} for _ in value])
        for part, kept in zip(value, values, strict=True):
            _copy(part, kept, rest)
    else:
        _copy(value, target.setdefault(name, {}), rest)


def _drop(source: Document, names: list[str]) -> None:
    name, *rest = names
    if name not in source or name in _ALWAYS:
        return
    if not rest:
        del source[name]
        return
    value = source[name]
    for part in value if isinstance(value, list) else [value]:
        _drop(part, rest)
