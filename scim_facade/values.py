"""Reading the JSON that a client sends as the value of one attribute.

Tolerances live here, each with who needs it; whatever is neither right nor tolerated is refused by name.
"""

from typing import TYPE_CHECKING, Any

from service.refusals import Invalid, Refused

if TYPE_CHECKING:
    from scim_facade.attributes import Attribute

BOOLEANS = {"true": True, "false": False}  # Entra sends "True" and "False" unless its flag aadOptscim062020 is set


def read_value(attribute: "Attribute", value: object, path: str) -> Any:
    """The value in its one right form, or None where there is none; Invalid names `path` and says what is wrong."""
    if value is None or value == "" or value == []:
        return None
    if attribute.multi_valued:
        return _read_values(attribute, value, path)
    if isinstance(value, list) and len(value) == 1:  # some clients wrap single values: {"active": [false]}
        return read_value(attribute, value[0], path)
    if attribute.type == "complex":
        return _read_complex(attribute, value, path)
    if attribute.type == "boolean":
        return _read_boolean(value, path)
    if not isinstance(value, str):
        raise Refused(Invalid(path, f"must be a string, not {_json_type(value)}"))
    return value


def _read_values(attribute: "Attribute", value: object, path: str) -> list[Any] | None:
    values = value if isinstance(value, list) else [value]
    read: list[Any] = []
    for each in values:
        one = _read_complex(attribute, each, path) if each not in (None, "") else None
        if one and one not in read:
            read.append(one)
    return read or None


def _read_complex(attribute: "Attribute", value: object, path: str) -> dict[str, Any] | None:
    if isinstance(value, str) and attribute.named("value"):  # Entra sends a manager as its bare id
        value = {"value": value}
    if not isinstance(value, dict):
        raise Refused(Invalid(path, f"must be an object, not {_json_type(value)}"))
    read: dict[str, Any] = {}
    for name, part in value.items():
        sub = attribute.named(name)
        if sub is not None:
            read[sub.name] = read_value(sub, part, attribute.below(path, sub.name))
    if attribute.multi_valued:
        read = {name: part for name, part in read.items() if part is not None}
        if read and not read.keys() - {"type", "primary"}:
            return None  # a value that says nothing but its kind
    return read


def _read_boolean(value: object, path: str) -> bool:
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
