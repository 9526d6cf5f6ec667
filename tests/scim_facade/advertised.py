"""What the discovery endpoints say there is, as attributes that a test can write, read and ask about."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

Document = dict[str, Any]

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Attribute:
    """An attribute as /Schemas defines it. `above`: the attribute that it is a part of."""

    definition: Document
    extension: str | None
    above: "Attribute | None" = None

    def __getitem__(self, characteristic: str) -> Any:
        return self.definition[characteristic]

    @property
    def path(self) -> str:
        """How a filter or a PATCH names it."""
        if self.above:
            return f"{self.above.path}.{self['name']}"
        return f"{self.extension}:{self['name']}" if self.extension else str(self["name"])

    @property
    def is_written(self) -> bool:
        """Whether a client may say what it is."""
        return self["mutability"] != "readOnly" and (self.above is None or self.above.is_written)

    @property
    def is_unique(self) -> bool:
        """Whether no two resources have the same value of it."""
        return bool(self.definition.get("uniqueness", "none") != "none")

    @property
    def has_one_value(self) -> bool:
        """Whether there is one value of it in a resource."""
        return not self["multiValued"] and (self.above is None or self.above.has_one_value)

    def of(self, document: Document) -> Any:
        """Its value in a resource, or None; of a part of a multi-valued attribute, a list of its values."""
        if self.above is None:
            inside = document.get(self.extension, {}) if self.extension else document
            return inside.get(self["name"])
        above = self.above.of(document)
        if isinstance(above, list):
            return [each[self["name"]] for each in above if self["name"] in each] or None
        return (above or {}).get(self["name"])

    def put(self, document: Document, value: Any) -> Document:
        """The resource with another value of it, which has one value."""
        if self.above is not None:
            return self.above.put(document, {**(self.above.of(document) or {}), self["name"]: value})
        if self.extension:
            return {**document, self.extension: {**document.get(self.extension, {}), self["name"]: value}}
        return {**document, self["name"]: value}


@dataclass(frozen=True)
class Kind:
    """A resource type: its endpoint and its attributes, with those that every resource has."""

    name: str
    endpoint: str
    attributes: tuple[Attribute, ...]

    @property
    def all(self) -> Iterator[Attribute]:
        """The attributes and their parts."""
        for each in self.attributes:
            yield each
            yield from parts(each)


def parts(attribute: Attribute) -> tuple[Attribute, ...]:
    """The sub-attributes of a complex attribute."""
    return tuple(
        Attribute(each, attribute.extension, attribute) for each in attribute.definition.get("subAttributes", ())
    )


def kinds(scim: httpx2.Client) -> list[Kind]:
    """Every resource type that is advertised."""
    schemas = {each["id"]: each["attributes"] for each in scim.get("/Schemas").json()["Resources"]}
    found = []
    for each in scim.get("/ResourceTypes").json()["Resources"]:
        core = [Attribute(one, None) for one in (*_COMMON, *schemas[each["schema"]])]
        extended = [
            Attribute(one, extension["schema"])
            for extension in each.get("schemaExtensions", ())
            for one in schemas[extension["schema"]]
        ]
        found.append(Kind(each["name"], each["endpoint"], (*core, *extended)))
    return found


def _common(name: str, mutability: str, uniqueness: str, returned: str) -> Document:
    characteristics = {"type": "string", "multiValued": False, "required": False, "caseExact": True}
    return {"name": name, "mutability": mutability, "uniqueness": uniqueness, "returned": returned, **characteristics}


# What every resource has and no schema lists (RFC 7643, 3.1).
_COMMON = (
    _common("id", "readOnly", "server", "always"),
    _common("externalId", "readWrite", "none", "default"),
    _common("meta", "readOnly", "none", "default") | {"type": "complex", "subAttributes": []},
)


class Author:
    """Writes values that no other resource has. `known` are an id and a location of each type, to refer to."""

    def __init__(self, known: dict[str, tuple[str, str]]) -> None:
        self._known = known

    def value(self, attribute: Attribute) -> Any:
        """A new value, of the attribute's type."""
        if attribute["type"] == "complex":
            value = {each["name"]: self.value(each) for each in parts(attribute) if each["mutability"] != "readOnly"}
            return [value] if attribute["multiValued"] else value
        number = next(_NUMBERS)
        if attribute["type"] == "boolean":
            return True
        if attribute.definition.get("canonicalValues"):
            return attribute["canonicalValues"][0]
        if (referred := self._referred(attribute)) is not None:
            return referred
        if attribute["type"] == "reference":
            return f"https://example.com/Path/{number}"
        return f"{attribute['name']}Text{number}"  # letters of both cases, and base 64 as well

    def _referred(self, attribute: Attribute) -> str | None:
        """What `value` and `$ref` are where `$ref` says which type of resource they refer to."""
        beside = parts(attribute.above) if attribute.above else ()
        reference = next((each for each in beside if each["name"] == "$ref"), None)
        known = [self._known[each] for each in reference["referenceTypes"] if each in self._known] if reference else []
        if not known or attribute["name"] not in ("value", "$ref"):
            return None
        return known[0][attribute["name"] == "$ref"]

    def resource(self, kind: Kind, *, whole: bool) -> Document:
        """A new resource, with all that may be written or only with what must be."""
        document: Document = {}
        for each in kind.attributes:
            if each.is_written and (whole or each["required"]):
                document = each.put(document, self.value(each))
        return document
