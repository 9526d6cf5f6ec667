"""The short way through lists says what the standard executor says, of whatever is selected and whatever is there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLSchema, execute, parse, validate
from hypothesis import example, given
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from graphql_facade.lists import Completions, ListExecutor
from graphql_facade.scalars import DATE_TIME


@strawberry.enum
class Colour(Enum):
    """Names that are not values."""

    RED = "r"
    BLUE = "b"


class Shy(str):
    """Text that may serialize to nothing, which no value of a scalar may."""


SHY: ScalarDefinition = strawberry.scalar(name="Shy", serialize=lambda text: text or None, parse_value=Shy)


@strawberry.interface
class Named:
    """An interface."""

    id: strawberry.ID


@strawberry.type
class Part(Named):
    """Something within."""

    label: str | None
    colour: Colour


@strawberry.type
class Thing(Named):
    """One of everything that a list may have."""

    title: str
    note: str | None
    number: int | None
    share: float | None
    flag: bool
    shy: Shy | None
    colour: Colour | None
    at: datetime | None
    tags: list[str]
    words: list[str | None] | None
    part: Part | None
    parts: list[Part]

    @strawberry.field
    def shout(self, times: int = 1) -> str:
        """A resolver, which the short way leaves alone."""
        return self.title.upper() * times


@dataclass
class Root:
    """What is there."""

    things: Any


@strawberry.type
class Query:
    """Lists of things: present, and perhaps missing."""

    things: list[Thing]


SCHEMA: GraphQLSchema = strawberry.Schema(
    Query, config=StrawberryConfig(scalar_map={datetime: DATE_TIME, Shy: SHY})
)._schema

LEAVES = ("id", "title", "shy", "note", "number", "share", "flag", "colour", "at", "tags", "words", "__typename")
IN_PART = ("id", "label", "colour", "__typename")
MAYBE = " @include(if: $yes)"


def selections() -> st.SearchStrategy[str]:
    """Selections of a thing: aliases, fragments, fields twice, and directives and resolvers now and then."""
    leaf = st.sampled_from(LEAVES)
    aliased = st.builds("{}: {}".format, st.sampled_from("abc"), st.just("title"))
    inner = st.lists(st.sampled_from(IN_PART), min_size=1, max_size=4).map(" ".join)
    part = st.builds("{} {{ {} }}".format, st.sampled_from(["part", "parts"]), inner)
    odd = st.sampled_from(
        ["shout", "shout(times: 2)", f"title{MAYBE}", "title @skip(if: $yes)", "... @include(if: $yes) { note }"]
    )
    spread = st.sampled_from(["...F", "... on Thing { note part { id } }", "... on Named { id }", "... { flag }"])
    one = st.one_of(leaf, leaf, leaf, aliased, part, part, spread, odd)
    return st.lists(one, min_size=1, max_size=8).map(" ".join)


def values(*, sound: bool) -> st.SearchStrategy[list[Any]]:
    """Things as resolvers give them; unless `sound`, with values here and there that are not what their types say."""
    text = st.text(max_size=5)
    wrong = [] if sound else [st.none(), st.just(7), st.just([1]), st.just(object())]

    def of(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(*kinds, *kinds, *kinds, *wrong)

    colour = st.sampled_from(Colour)
    part = st.builds(Part, id=of(text), label=of(text, st.none()), colour=of(colour))
    things = st.builds(
        Thing,
        id=of(text),
        title=of(text),
        note=of(text, st.none()),
        number=of(st.integers(-9, 9), st.none()),
        share=of(st.floats(allow_nan=False, allow_infinity=False), st.none()),
        flag=of(st.booleans()),
        shy=of(st.just(Shy("x")), st.none()) if sound else st.sampled_from([Shy(), Shy("x"), None]),
        colour=of(colour, st.none()),
        at=of(st.datetimes(timezones=st.just(UTC)), st.none()),
        tags=of(st.lists(text, max_size=2)),
        words=of(st.lists(st.one_of(text, st.none()), max_size=2), st.none()),
        part=of(part, st.none()),
        parts=of(st.lists(part, max_size=2)),
    )
    return st.lists(things if sound else st.one_of(things, things, things, st.none()), max_size=4)


def thing(**instead: Any) -> Thing:
    """One that is sound, but for what it has instead."""
    part = Part(id=strawberry.ID("p"), label=None, colour=Colour.RED)
    sound: dict[str, Any] = {
        "id": "t",
        "title": "T",
        "note": None,
        "number": 1,
        "share": 0.5,
        "flag": True,
        "shy": None,
        "colour": Colour.BLUE,
        "at": None,
        "tags": [""],
        "words": None,
        "part": part,
        "parts": [part],
    }
    return Thing(**sound | instead)


def run(selection: str, things: list[Any], completions: Completions | None) -> ExecutionResult:
    """The result by the standard executor (None) or by ours."""
    document = parse(f"query ($yes: Boolean = true) {{ things {{ {selection} }} }} fragment F on Thing {{ tags id }}")
    unused = {"F", "yes"}
    wrong = [error for error in validate(SCHEMA, document) if not any(name in error.message for name in unused)]
    assert wrong == [], wrong
    ours = {} if completions is None else {"executor_class": ListExecutor, "completions": completions}
    result = execute(SCHEMA, document, root_value=Root(things), **ours)  # type: ignore[arg-type]
    assert isinstance(result, ExecutionResult)
    return result


@given(selections(), values(sound=True))
def test_what_is_sound_comes_out_the_same_and_in_the_same_order(selection: str, things: list[Any]) -> None:
    standard, ours = run(selection, things, None), run(selection, things, {})
    assert standard.errors is ours.errors is None
    assert ours.data == standard.data
    assert repr(ours.data) == repr(standard.data)


@given(selections(), values(sound=False))
@example("parts { __typename }", [thing(parts=[1])])
@example("title tags", [thing(tags=None), thing()])
def test_what_is_not_sound_is_reported_as_the_standard_executor_reports_it(selection: str, things: list[Any]) -> None:
    standard, ours = run(selection, things, None), run(selection, things, {})
    assert repr(ours.data) == repr(standard.data)
    told = [[(error.message, error.path) for error in result.errors or ()] for result in (standard, ours)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("selection", "is_short"),
    [
        ("id title colour at tags parts { id label } part { colour } ...F", True),
        ("__typename a: title", True),
        ("shout", False),
        ("parts { id } shout(times: 2)", False),
        (f"title{MAYBE}", False),
        ("parts { id @skip(if: $yes) }", False),
    ],
)
def test_the_short_way_is_taken_where_there_is_nothing_but_attributes(selection: str, *, is_short: bool) -> None:
    completions: Completions = {}
    assert run(selection, [thing()], completions).errors is None
    (way, *_) = completions.values()
    assert (way is not None) is is_short
