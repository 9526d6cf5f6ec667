"""Reading the JSON that a client sends as the value of one attribute.

Whatever is neither right nor tolerated (`scim_facade.tolerances`) is refused by name.
"""

from typing import TYPE_CHECKING, Any

from scim_facade.tolerances import Tolerance, Tolerances
from service.refusals import Invalid, Refused

if TYPE_CHECKING:
    from scim_facade.attributes import Attribute

BOOLEANS = {"true": True, "false": False}


def read_value(attribute: "Attribute", value: object, path: str, tolerances: Tolerances) -> Any:
    """The value in its one right form, or None where there is none; Invalid names `path` and says what is wrong."""
    if value is None or value == "" or value == []:
        return None
    if attribute.multi_valued:
        return _read_values(attribute, value, path, tolerances)
    if isinstance(value, list) and len(value) == 1:
        tolerances.use(Tolerance.LIST_FOR_ONE_VALUE, f"A list as {path}")
        return read_value(attribute, value[0], path, tolerances)
    if attribute.type == "complex":
        return _read_complex(attribute, value, path, tolerances)
    if attribute.type == "boolean":
        return _read_boolean(value, path, tolerances)
    if not isinstance(value, str):
        raise Refused(Invalid(path, f"must be a string, not {_json_type(value)}"))
    return value


def _read_values(attribute: "Attribute", value: object, path: str, tolerances: Tolerances) -> list[Any] | None:
    values = value if isinstance(value, list) else [value]
    read: dict[frozenset[tuple[str, Any]], dict[str, Any]] = {}  # by what it says: the same twice is once
    for each in values:
        one = _read_complex(attribute, each, path, tolerances) if each not in (None, "") else None
        if one:
            read.setdefault(frozenset(one.items()), one)
    return list(read.values()) or None


def _read_complex(attribute: "Attribute", value: object, path: str, tolerances: Tolerances) -> dict[str, Any] | None:
    if isinstance(value, str) and attribute.named("value"):
        tolerances.use(Tolerance.BARE_VALUE, f"A text as {path}", "invalidValue")
        value = {"value": value}
    if not isinstance(value, dict):
        raise Refused(Invalid(path, f"must be an object, not {_json_type(value)}"))
    read: dict[str, Any] = {}
    for name, part in value.items():
        sub = attribute.named(name)
        if sub is not None:
            read[sub.name] = read_value(sub, part, attribute.below(path, sub.name), tolerances)
        elif tolerances.strict:
            tolerances.use(Tolerance.UNKNOWN_ATTRIBUTE, attribute.below(path, name))
    if attribute.multi_valued:
        read = {name: part for name, part in read.items() if part is not None}
        if read and not read.keys() - {"type", "primary"}:
            return None  # a value that says nothing but its kind
    return read


def _read_boolean(value: object, path: str, tolerances: Tolerances) -> bool:
    if isinstance(value, str) and value.lower() in BOOLEANS:
        tolerances.use(Tolerance.TEXT_FOR_BOOLEAN, f"A text as {path}", "invalidValue")
    read = BOOLEANS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(read, bool):
        raise Refused(Invalid(path, "must be true or false"))
    return read


def _json_type(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return "a string"
