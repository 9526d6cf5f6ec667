"""The domain's closed sets as GraphQL enums: the same names, each said in a sentence."""

from enum import Enum

import strawberry
from strawberry.types.enum import has_enum_definition


def publish(domain: type[Enum], description: str, *, name: str | None = None, **said: str) -> None:
    """Make a GraphQL enum of one of the domain's; `said` describes every value by its name.

    To be called before the enum is first used as the type of a field. Raises KeyError or ValueError where `said` has
    not all names or others.
    """
    published = strawberry.enum(domain, name=name, description=description)
    assert has_enum_definition(published)  # noqa: S101 - what the line before has made
    for value in published.__strawberry_definition__.values:
        value.description = said.pop(value.name)
    if said:
        raise ValueError(f"{domain.__name__} has no {', '.join(said)}")
