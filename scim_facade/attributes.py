"""A SCIM attribute as a row of a table, and what a table of such rows can do.

A table renders rows of the store, parses documents of clients, finds attributes by any spelling of their name and
describes itself as a schema. PATCH has no part in it: it edits a rendered document, which is then parsed like a PUT.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, cast

from sqlalchemy import ColumnElement
from sqlmodel import SQLModel

from scim_facade.messages import Document
from scim_facade.tolerances import Tolerance, Tolerances
from scim_facade.values import read_value
from service.clock import text_of
from service.finding import Test
from service.refusals import Invalid, Refused
from service.store.columns import table_of
from service.text import canonical

M = TypeVar("M", bound=SQLModel)

Type = Literal["string", "boolean", "complex", "reference", "binary", "dateTime"]


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One row: RFC 7643's characteristics (section 2.2), and the domain's field where a row has the value.

    A complex attribute has `sub` rows. The value of a multi-valued one is kept as it is: a list of objects. `key` is
    the column that has the canonical form of the value; `holds` is the condition that a value which is kept in a table
    of its own, in that form, passes a test.
    """

    name: str
    field: str | None = None
    type: Type = "string"
    doc: str = ""
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Literal["readWrite", "readOnly", "immutable"] = "readWrite"
    returned: Literal["default", "always"] = "default"
    uniqueness: Literal["none", "server"] = "none"
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub: tuple["Attribute", ...] = ()
    key: str | None = None
    holds: Callable[[Test], ColumnElement[bool]] | None = None

    def named(self, name: str) -> "Attribute | None":
        """The sub-attribute with this name in any case."""
        return self._by_name.get(name.lower())

    @cached_property
    def _by_name(self) -> dict[str, "Attribute"]:
        return {each.name.lower(): each for each in self.sub}

    def fold(self, text: str) -> str:
        """The form in which a value with a key, or in a table of its own, is compared."""
        return text if self.case_exact else canonical(text)

    def plain(self, text: str) -> str:
        """The form in which any other is compared: of the letters that have a case, ASCII's are folded."""
        return text if self.case_exact else text.encode().lower().decode()

    def below(self, path: str, name: str) -> str:
        """How a part is spelled where this attribute is spelled `path`: `name.givenName`, `urn:…:User:department`."""
        return f"{path}:{name}" if self.name.startswith("urn:") else f"{path}.{name}"


Chain = tuple[Attribute, ...]
"""The way to an attribute: (name, givenName), or (urn:…:User, manager, value)."""


def spelled(chain: Chain) -> str:
    """The chain as a client writes it: `name.givenName`, `urn:…:User:manager.value`."""
    names = [attribute.name for attribute in chain]
    if names[0].startswith("urn:") and len(names) > 1:
        return f"{names[0]}:{'.'.join(names[1:])}"
    return ".".join(names)


class AttributeTable(Generic[M]):
    """The attributes of one resource type, whose rows `model` declares: the core schema's, and each extension's below
    its URN."""

    def __init__(
        self,
        model: type[M],
        name: str,
        urn: str,
        attributes: Sequence[Attribute],
        extensions: Sequence[Attribute] = (),
    ) -> None:
        self.model = model
        self.name = name
        self.urn = urn
        self.attributes = tuple(attributes)
        self.extensions = tuple(extensions)
        self.chains = tuple(chain for attribute in (*attributes, *extensions) for chain in _below((attribute,)))
        self._chains = {key: chain for chain in self.chains for key in self._keys(chain)}
        self._spelling = {chain[-1].field: spelled(chain) for chain in self.chains if chain[-1].field}
        columns = [column.key for column in table_of(model).columns]
        self._version = columns.index("version")
        self._rendered = [
            (columns.index(chain[-1].field), tuple(part.name for part in chain[:-1]), chain[-1].name, chain[-1].type)
            for chain in self.chains
            if chain[-1].field
        ]

    def find(self, name: str) -> Chain | None:
        """The attribute that a path or a filter means, whatever its case, with or without its schema's URN."""
        return self._chains.get(name.lower())

    def spelling(self, field: str) -> str:
        """The attribute that keeps a field of the domain (`user_name`): `userName`; other names stay as they are."""
        first, _, rest = field.partition(".")
        return self._spelling.get(first, first) + (f".{rest}" if rest else "")

    def render(self, row: M, location: str) -> Document:
        """A row as SCIM's document; values that there are none of are left out."""
        values = cast(Sequence[Any], row)
        document: Document = {"schemas": [self.urn]}
        for index, parents, name, kind in self._rendered:
            value = values[index]
            if value is None:
                continue
            target = document
            for parent in parents:
                target = target.setdefault(parent, {})
            target[name] = text_of(value) if kind == "dateTime" else value
        document["schemas"] += [extension.name for extension in self.extensions if extension.name in document]
        document["meta"] |= {"resourceType": self.name, "version": etag(values[self._version]), "location": location}
        return document

    def parse(self, document: Document, tolerances: Tolerances) -> dict[str, Any]:
        """The fields that a document sets, by the domain's names. Unknown and read-only attributes are left out.

        Null, an empty string and an empty list mean that there is no value (RFC 7643, 2.5).
        """
        fields: dict[str, Any] = {}
        for name, value in document.items():
            chain = self.find(name)
            if chain is None and name != "schemas":
                tolerances.use(Tolerance.UNKNOWN_ATTRIBUTE, f"{name!r}, which no {self.name} has,")
            elif chain is not None and chain[0].mutability != "readOnly":
                self._parse_into(fields, chain, value, tolerances)
        return fields

    def _parse_into(self, fields: dict[str, Any], chain: Chain, value: object, tolerances: Tolerances) -> None:
        attribute = chain[-1]
        read = read_value(attribute, value, spelled(chain), tolerances)
        if read is None and attribute.required:
            raise Refused(Invalid(spelled(chain), "is required"))
        if read is None and attribute.type == "boolean":
            return  # null counts as unsaid: it must neither give nor take access
        if attribute.field is not None:
            fields[attribute.field] = read
        elif isinstance(read, dict):
            for sub in attribute.sub:
                if sub.name in read:
                    self._parse_into(fields, (*chain, sub), read[sub.name], tolerances)

    def _keys(self, chain: Chain) -> Iterator[str]:
        key = spelled(chain).lower()
        yield key
        if chain[0] not in self.extensions:
            yield f"{self.urn.lower()}:{key}"


def _below(chain: Chain) -> Iterator[Chain]:
    yield chain
    for sub in chain[-1].sub:
        yield from _below((*chain, sub))


def etag(version: int) -> str:
    """A version as a weak entity tag."""
    return f'W/"{version}"'
