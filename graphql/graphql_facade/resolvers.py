"""Fields that are worked out, as decorators that keep a method's type: strawberry's own are Any to a type checker."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

F = TypeVar("F", bound=Callable[..., Any])


def resolved(description: str) -> Callable[[F], F]:
    """A field whose value the method finds."""
    return strawberry.field(description=description)  # type: ignore[no-any-return]


def mutation(description: str) -> Callable[[F], F]:
    """A field of Mutation, which the method does; all that it takes is in one `input`."""

    def made(method: F) -> F:
        field: Any = strawberry.mutation(method, description=description)
        for argument in field.arguments:
            argument.description = "What it takes, field by field."
        return field  # type: ignore[no-any-return]

    return made


def subscription(description: str) -> Callable[[F], F]:
    """A field of Subscription, whose values the method yields."""
    return strawberry.subscription(description=description)  # type: ignore[no-any-return]
