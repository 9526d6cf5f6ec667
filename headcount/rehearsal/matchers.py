"""What a case expects of an answer, compared with what came back.

An expectation is JSON. An object asks for its attributes and lets others pass; a list asks for exactly its
elements; anything else asks for that very value. An object whose one key begins with `$` is an operator, a
row of `OPERATORS`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from pydantic import JsonValue, TypeAdapter, ValidationError

from headcount.rehearsal.placeholders import MissingValueError, Names, fill, fill_for_show


class Nothing(Enum):
    """Stands where there is no value at all, which is not the same as null."""

    ABSENT = "nothing"


Actual = JsonValue | Nothing
Kind = Literal["integer", "boolean", "string", "text", "list", "object"]


@dataclass(frozen=True)
class Operator:
    """`argument` says what may stand beside it; `met` compares; `says` puts it into words for the table."""

    argument: TypeAdapter[Any]
    met: Callable[[Any, Actual, Names], bool]
    says: Callable[[Any], str]


def differences(expected: JsonValue, actual: Actual, names: Names, at: str = "") -> Iterator[str]:
    """One sentence for each place where `actual` is not what was expected; nothing when all is well."""
    operation = operator_in(expected)
    if operation is None and isinstance(expected, dict):
        yield from _object_differences(expected, actual, names, at)
    elif operation is None and isinstance(expected, list):
        yield from _list_differences(expected, actual, names, at)
    else:
        yield from _value_differences(operation, expected, actual, names, at)


def operator_in(expected: JsonValue) -> tuple[Operator, Any] | None:
    """The operator that this expectation is, and its argument; None when it is plain JSON."""
    if not isinstance(expected, dict) or not any(key.startswith("$") for key in expected):
        return None
    ((name, argument),) = expected.items()
    return OPERATORS[name], argument


def faults(expected: JsonValue) -> Iterator[str]:
    """What is wrong with an expectation as it was written: unknown operators, arguments of another type."""
    match expected:
        case dict() if any(key.startswith("$") for key in expected):
            yield from _operator_faults(expected)
        case dict():
            for inner in expected.values():
                yield from faults(inner)
        case list():
            for inner in expected:
                yield from faults(inner)
        case _:
            pass


def described(expected: JsonValue) -> str:
    """The expectation in a few words."""
    operation = operator_in(expected)
    if operation is not None:
        operator, argument = operation
        return operator.says(argument)
    if isinstance(expected, dict):
        return ", ".join(f"{name}: {described(inner)}" for name, inner in expected.items())
    if isinstance(expected, list):
        return "[" + ", ".join(described(inner) for inner in expected) + "]"
    return shown(expected)


def shown(value: Actual) -> str:
    """A value as the table shows it: JSON, cut when long."""
    if isinstance(value, Nothing):
        return value.value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"


def same(one: Actual, other: Actual) -> bool:
    """Equal as JSON: 1 is not true, and the order of an object's attributes does not matter."""
    if isinstance(one, Nothing) or isinstance(other, Nothing):
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _value_differences(
    operation: tuple[Operator, Any] | None, expected: JsonValue, actual: Actual, names: Names, at: str
) -> Iterator[str]:
    try:
        if operation is not None:
            operator, argument = operation
            wanted = operator.says(fill_for_show(argument, names))
            met = operator.met(argument, actual, names)
        else:
            value = fill(expected, names)
            wanted, met = shown(value), same(value, actual)
    except MissingValueError as missing:
        yield f"{at or 'the body'}: cannot be compared, {missing}"
        return
    if not met:
        yield _sentence(at, wanted, actual)


def _object_differences(expected: dict[str, JsonValue], actual: Actual, names: Names, at: str) -> Iterator[str]:
    if not isinstance(actual, dict):
        yield _sentence(at, "an object", actual)
        return
    for name, inner in expected.items():
        yield from differences(inner, actual.get(name, Nothing.ABSENT), names, f"{at}.{name}" if at else name)


def _list_differences(expected: list[JsonValue], actual: Actual, names: Names, at: str) -> Iterator[str]:
    if not isinstance(actual, list) or len(actual) != len(expected):
        yield _sentence(at, f"a list of {len(expected)}", actual)
        return
    for index, inner in enumerate(expected):
        yield from differences(inner, actual[index], names, f"{at}[{index}]")


def _sentence(at: str, wanted: str, actual: Actual) -> str:
    return f"{at or 'the body'}: expected {wanted}, got {shown(actual)}"


def _operator_faults(expected: dict[str, JsonValue]) -> Iterator[str]:
    name = next(key for key in expected if key.startswith("$"))
    if len(expected) > 1:
        yield f"{name} stands beside other keys; an operator stands alone in its object"
    elif name not in OPERATORS:
        yield f"{name} is not an operator; there are {', '.join(OPERATORS)}"
    else:
        try:
            OPERATORS[name].argument.validate_python(expected[name], strict=True)
        except ValidationError:
            yield f"{name} cannot take {shown(expected[name])}"
        else:
            yield from faults(expected[name])


def _is_of_kind(kind: Kind, actual: Actual, names: Names) -> bool:
    match kind:
        case "integer":
            return isinstance(actual, int) and not isinstance(actual, bool)
        case "boolean":
            return isinstance(actual, bool)
        case "string":
            return isinstance(actual, str)
        case "text":
            return isinstance(actual, str) and actual.strip() != ""
        case "list":
            return isinstance(actual, list)
        case "object":
            return isinstance(actual, dict)


def _contains(wanted: list[JsonValue], actual: Actual, names: Names) -> bool:
    return isinstance(actual, list) and all(
        any(_agrees(inner, element, names) for element in actual) for inner in wanted
    )


def _is_long(wanted: JsonValue, actual: Actual, names: Names) -> bool:
    return isinstance(actual, list) and same(fill(wanted, names), len(actual))


def _is_distinct(attribute: str, actual: Actual, names: Names) -> bool:
    if not isinstance(actual, list) or not all(isinstance(element, dict) for element in actual):
        return False
    values = [json.dumps(element.get(attribute)) for element in actual if isinstance(element, dict)]
    return len(values) == len(set(values))


def _agrees(expected: JsonValue, actual: Actual, names: Names) -> bool:
    return not any(True for _ in differences(expected, actual, names))


def _starts(wanted: str, actual: Actual, names: Names) -> bool:
    return isinstance(actual, str) and actual.startswith(str(fill(wanted, names)))


def _ends(wanted: str, actual: Actual, names: Names) -> bool:
    return isinstance(actual, str) and actual.endswith(str(fill(wanted, names)))


_KINDS: dict[Kind, str] = {
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "a string",
    "text": "a string that is not empty",
    "list": "a list",
    "object": "an object",
}
_text = TypeAdapter[str](str)
_yes = TypeAdapter[Literal[True]](Literal[True])
_several = TypeAdapter[list[JsonValue]](list[JsonValue])

OPERATORS: dict[str, Operator] = {
    "$type": Operator(TypeAdapter(Kind), _is_of_kind, lambda kind: _KINDS[kind]),
    "$absent": Operator(_yes, lambda _, actual, names: actual is Nothing.ABSENT, lambda _: "nothing"),
    # RFC 7643 §2.5: absent, null and an empty list are one state, "unassigned"; an empty string reads as it too.
    "$empty": Operator(_yes, lambda _, actual, names: actual in (Nothing.ABSENT, None, "", [], {}), lambda _: "empty"),
    "$contains": Operator(_several, _contains, lambda inner: f"among others {described(inner)}"),
    "$any": Operator(
        _several,
        lambda inner, actual, names: any(_agrees(one, actual, names) for one in inner),
        lambda inner: " or ".join(f"({described(one)})" if isinstance(one, dict) else described(one) for one in inner),
    ),
    "$all": Operator(
        _several,
        lambda inner, actual, names: all(_agrees(one, actual, names) for one in inner),
        lambda inner: " and ".join(described(one) for one in inner),
    ),
    "$starts": Operator(_text, _starts, lambda text: f"{text}…"),
    "$ends": Operator(_text, _ends, lambda text: f"…{text}"),
    "$length": Operator(TypeAdapter(int | str), _is_long, lambda length: f"{length} elements"),
    "$distinct": Operator(_text, _is_distinct, lambda attribute: f"no {attribute} twice"),
}
