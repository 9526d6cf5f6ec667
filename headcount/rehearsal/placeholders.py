"""Placeholders in case files: `{{run}}`, `{{created.id}}`, `{{page.Resources.0.id}}`.

A name, then a path into the value it stands for, parts separated by dots. A string that is nothing but one
placeholder becomes the value itself, with its type; elsewhere the value is written into the text.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from pydantic import JsonValue

Names = Mapping[str, JsonValue]

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z]+(?:\.[A-Za-z0-9]+)*)\}\}")


class MissingValueError(LookupError):
    """What a placeholder names is not there; the text says which."""


def fill(template: JsonValue, names: Names) -> JsonValue:
    """The template with every placeholder replaced, in keys' values at any depth. Raises MissingValueError."""
    match template:
        case str():
            alone = _PLACEHOLDER.fullmatch(template)
            return _value(alone[1], names) if alone else fill_text(template, names)
        case list():
            return [fill(item, names) for item in template]
        case dict():
            return {key: fill(item, names) for key, item in template.items()}
        case _:
            return template


def fill_text(template: str, names: Names, escaped: Callable[[str], str] = str) -> str:
    """The text with every placeholder replaced by its value, as `escaped` writes it. Raises MissingValueError."""

    def text_of(found: re.Match[str]) -> str:
        value = _value(found[1], names)
        return escaped(value if isinstance(value, str) else json.dumps(value))

    return _PLACEHOLDER.sub(text_of, template)


def fill_for_show(template: JsonValue, names: Names) -> JsonValue:
    """The template with every placeholder replaced whose value is known and short, for people to read."""
    match template:
        case str():
            try:
                value = fill(template, names)
            except MissingValueError:
                return template
            return "(as before)" if isinstance(value, list | dict) else value
        case list():
            return [fill_for_show(item, names) for item in template]
        case dict():
            return {key: fill_for_show(item, names) for key, item in template.items()}
        case _:
            return template


def names_used(template: JsonValue) -> Iterator[str]:
    """The first part of every placeholder in the template."""
    match template:
        case str():
            yield from (found.split(".")[0] for found in _PLACEHOLDER.findall(template))
        case list():
            for item in template:
                yield from names_used(item)
        case dict():
            for item in template.values():
                yield from names_used(item)
        case _:
            pass


def merged(base: JsonValue, changes: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The base with the changes laid over it: objects attribute by attribute, everything else replaced.

    Unlike in a JSON merge patch (RFC 7396) null is a value: identity providers really send it.
    """
    result = dict(base) if isinstance(base, dict) else {}
    for name, value in changes.items():
        result[name] = merged(result.get(name), value) if isinstance(value, dict) else value
    return result


def _value(dotted: str, names: Names) -> JsonValue:
    """What a dotted name stands for."""
    value: JsonValue = dict(names)
    for part in dotted.split("."):
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            case _:
                raise MissingValueError(f"no earlier answer holds {dotted}")
    return value
