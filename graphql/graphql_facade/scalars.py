"""Scalars of the schema."""

import re
from datetime import UTC, datetime

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from service.clock import text_of

# RFC 3339, 5.6: date-time.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def date_time_of(text: object) -> datetime:
    """The moment of a text, or GraphQLError."""
    try:
        if isinstance(text, str) and _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a thirteenth month, or a moment before the year 1
    raise GraphQLError("A DateTime must be text as RFC 3339 has it, with its offset: 2026-11-24T12:00:00Z.")


DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="A moment as RFC 3339 has it; answers are in UTC, to the millisecond.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=text_of,
    parse_value=date_time_of,
)
