"""PATCH (RFC 7644, 3.5.2): a document and some operations give the edited document, or one refusal and no edit.

What identity providers send beyond the standard is tolerated by name (`scim_facade.tolerances`); a `password` is
discarded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scim_facade.attributes import Attribute, AttributeTable, Chain, spelled
from scim_facade.filters import Compare, Filter, Junction, Reader, matches, names_in
from scim_facade.messages import Document, Rejected, member
from scim_facade.tolerances import Tolerance, Tolerances
from scim_facade.values import read_value
from service.text import canonical

MAX_OPERATIONS = 1_000
_DISCARDED = frozenset({"password", "schemas"})
_OPERATIONS = ("add", "replace", "remove")


@dataclass(frozen=True)
class Path:
    """What an operation points at: an attribute, which values of it (None: all), and which part of those."""

    chain: Chain
    condition: Filter | None
    part: Attribute | None

    def __str__(self) -> str:
        return spelled(self.chain) + (f".{self.part.name}" if self.part else "")


def patched(document: Document, message: Document, table: AttributeTable[Any], tolerances: Tolerances) -> Document:
    """The document as the PatchOp message wants it. The given one stays as it is."""
    edited: Document = orjson.loads(orjson.dumps(document))
    for operation in operations_of(message):
        _apply(edited, operation, table, tolerances)
    return edited


def operations_of(message: Document) -> list[Document]:
    """The operations of a PatchOp message, each an object."""
    operations = member(message, "Operations")
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise Rejected(400, "A PATCH must have a list of Operations, each an object.", "invalidSyntax")
    if len(operations) > MAX_OPERATIONS:
        raise Rejected(413, f"A PATCH must not have more than {MAX_OPERATIONS:,} operations: send several.")
    return operations


def _apply(document: Document, operation: Document, table: AttributeTable[Any], tolerances: Tolerances) -> None:
    op = member(operation, "op")
    if isinstance(op, str) and op != op.lower():
        tolerances.use(Tolerance.OPERATION_IN_CAPITALS, f"The op {op!r}")
        op = op.lower()
    if op not in _OPERATIONS:
        raise Rejected(400, f"op must be add, replace or remove, not {op!r}.", "invalidSyntax")
    path, value = member(operation, "path"), member(operation, "value")
    if path is None or path == "":
        _apply_each(document, op, value, table, tolerances)
    elif not isinstance(path, str):
        raise Rejected(400, "path must be a text.", "invalidPath")
    elif path.lower() not in _DISCARDED:
        _edit(document, op, parse_path(path, table), value, tolerances)


def _apply_each(document: Document, op: str, value: object, table: AttributeTable[Any], tolerances: Tolerances) -> None:
    """An operation without a path: its value names the attributes."""
    if op == "remove":
        raise Rejected(400, "A remove operation must have a path that says what to remove.", "noTarget")
    if not isinstance(value, dict):
        raise Rejected(400, "An operation without a path must have an object as its value.", "invalidValue")
    tolerances.use(Tolerance.PATCH_WITHOUT_PATH, "An operation without a path")
    for name, part in value.items():
        if name.lower() in _DISCARDED or _says_what_is(document, name, part, table):
            continue
        path = parse_path(name, table)
        if len(path.chain) > 1 or path.part or path.condition:
            tolerances.use(Tolerance.DOTTED_NAME, f"The key {name!r} of a value")
        _edit(document, op, path, part, tolerances)


def _says_what_is(document: Document, name: str, value: object, table: AttributeTable[Any]) -> bool:
    """Whether a read-only attribute is merely echoed, as Okta does with `id`."""
    chain = table.find(name)
    if chain is None or chain[0].mutability != "readOnly":
        return False
    return chain[0].name == "meta" or document.get(chain[0].name) == value


def parse_path(text: str, table: AttributeTable[Any]) -> Path:
    """A PATCH path (`name.givenName`, `emails[type eq "work"].value`, `urn:…:User:department`), or 400 invalidPath."""
    try:
        reader = Reader(text)
        name = reader.attribute()
        condition = reader.grouped("[", "]", 0) if reader.next == "[" else None
        part = reader.take() if condition and not reader.at_end else ""
        complete = reader.at_end and (not part or part.startswith("."))
    except Rejected as error:
        raise Rejected(400, f"The path {text!r} cannot be read. {error.detail}", "invalidPath") from None
    chain = table.find(name)
    if not complete or chain is None:
        raise _no_attribute(text, table)
    if chain[0].mutability == "readOnly":
        raise Rejected(400, f"{spelled(chain)} is read-only: leave it out.", "mutability")
    return _resolved(text, chain, condition, part[1:], table)


def _resolved(text: str, chain: Chain, condition: Filter | None, part: str, table: AttributeTable[Any]) -> Path:
    attribute = chain[-1]
    if len(chain) > 1 and chain[-2].multi_valued:  # emails.value: that part of every address
        return Path(chain[:-1], None, attribute)
    if condition is not None and not attribute.multi_valued:
        raise Rejected(400, f"{spelled(chain)} has one value: its path takes no filter.", "invalidPath")
    found = attribute.named(part) if part else None
    if part and found is None:
        raise _no_attribute(text, table)
    for name in names_in(condition) if condition else ():
        if attribute.named(name) is None:
            raise _no_attribute(f"{spelled(chain)}.{name}", table)
    return Path(chain, condition, found)


def _edit(document: Document, op: str, path: Path, value: object, tolerances: Tolerances) -> None:
    *parents, attribute = path.chain
    target = document
    for parent in parents:
        target = target.setdefault(parent.name, {})
    if attribute.multi_valued:
        values = _edited_values(target.get(attribute.name, []), op, path, value, tolerances)
        _put(target, attribute.name, values)
    elif op == "remove":
        if attribute.required or attribute.type == "boolean":  # RFC 7644, 3.5.2.2; a user is active or is not
            raise Rejected(400, f"{path} cannot be removed: replace it with another value.", "mutability")
        target.pop(attribute.name, None)
    elif attribute.type == "complex" and isinstance(value, Mapping):
        _merge(target, attribute, value, path, tolerances)
    else:
        _put(target, attribute.name, read_value(attribute, value, str(path), tolerances))


def _merge(
    target: Document, attribute: Attribute, value: Mapping[str, Any], path: Path, tolerances: Tolerances
) -> None:
    """Set the named parts of a complex value and leave the others (RFC 7644, 3.5.2.3)."""
    inner = target.setdefault(attribute.name, {})
    for name, part in value.items():
        sub = attribute.named(name)
        if name.lower() in _DISCARDED:  # scim2-client says of an extension's value which schema it is of
            continue
        if sub is None:
            raise Rejected(400, f"{attribute.below(str(path), name)} is no attribute of this resource.", "invalidPath")
        _edit(inner, "replace", Path((sub,), None, None), part, tolerances)


def _edited_values(
    values: list[Document], op: str, path: Path, value: object, tolerances: Tolerances
) -> list[Document]:
    attribute = path.chain[-1]
    if path.condition is None and path.part is None:
        return _edited_whole(attribute, values, op, value, str(path), tolerances)
    chosen = [each for each in values if _meets(each, path)]
    if op == "remove":
        return _removed(values, chosen, path)
    wanted = _wanted(path, value, tolerances)
    if not chosen:
        tolerances.use(Tolerance.VALUE_WITHOUT_MATCH, "A path whose filter finds nothing", "noTarget")
        chosen = [_said_by(path)]
        values = [*values, chosen[0]]
    for each in chosen:
        each.update(wanted)
    return _one_primary(values, chosen[-1])


def _edited_whole(
    attribute: Attribute, values: list[Document], op: str, value: object, path: str, tolerances: Tolerances
) -> list[Document]:
    """All values at once: add to them, replace them, remove them (those that the value lists, where it lists some)."""
    given: list[Document] = read_value(attribute, value, path, tolerances) or []
    if op == "replace":
        return given
    if op == "remove":
        listed = [each.get("value") for each in given]
        return [each for each in values if given and each.get("value") not in listed]
    for each in given:
        if each not in values:
            values = _one_primary([*values, each], each)
    return values


def _removed(values: list[Document], chosen: list[Document], path: Path) -> list[Document]:
    if path.part is None:
        return [each for each in values if each not in chosen]
    for each in chosen:
        each.pop(path.part.name, None)
    return [each for each in values if each]


def _wanted(path: Path, value: object, tolerances: Tolerances) -> Document:
    """The parts to set of each chosen value."""
    if path.part is not None:
        return {path.part.name: read_value(path.part, value, str(path), tolerances)}
    given = read_value(path.chain[-1], value, str(path), tolerances)
    if not given:
        raise Rejected(400, f"{path} must be given a value.", "invalidValue")
    parts: Document = given[0]
    return parts


def _said_by(path: Path) -> Document:
    """The new value that a filter without a match describes: Entra sets a work address that there is none of so."""
    said = {}
    for term in path.condition.parts if isinstance(path.condition, Junction) else [path.condition]:
        if isinstance(term, Compare) and term.operator == "eq":
            sub = path.chain[-1].named(term.path)
            said[sub.name if sub else term.path] = term.value
        elif term is not None:
            raise Rejected(400, f"No value of {spelled(path.chain)} meets the filter in the path.", "noTarget")
    if isinstance(path.condition, Junction) and path.condition.word == "or":
        raise Rejected(400, f"No value of {spelled(path.chain)} meets the filter in the path.", "noTarget")
    return said


def _one_primary(values: list[Document], newest: Document) -> list[Document]:
    """A new primary value takes that mark from the one before (RFC 7644, 3.5.2)."""
    if newest.get("primary"):
        for each in values:
            if each is not newest and each.get("primary"):
                each["primary"] = False
    return values


def _meets(value: Document, path: Path) -> bool:
    attribute = path.chain[-1]

    def fold(name: str, text: str) -> str:
        sub = attribute.named(name)
        return text if sub and sub.case_exact else canonical(text)

    return path.condition is None or matches(path.condition, value, fold)


def _put(target: Document, name: str, value: Any) -> None:
    if value is None or value == []:
        target.pop(name, None)
    else:
        target[name] = value


def _no_attribute(text: str, table: AttributeTable[Any]) -> Rejected:
    return Rejected(400, f"{text!r} is no attribute of a {table.name}: check the mapping.", "invalidPath")
