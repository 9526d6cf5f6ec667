"""Every reason to say no can be said at every door."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from types import ModuleType

import pytest

from headcount.refusals import sentence
from scim_facade.refusals import rejected
from service import refusals
from service.refusals import Busy, Reason, Refused

REASONS: tuple[type[Reason], ...] = typing.get_args(Reason)
SCIM_TYPES = {None, "uniqueness", "invalidValue", "mutability", "invalidPath", "noTarget", "tooMany", "sensitive"}


def example(kind: type[Reason]) -> Reason:
    """A reason of this kind."""
    values = {"str": "something", "int": 7, "int | None": 7}
    said = {each.name: values[getattr(each.type, "__name__", str(each.type))] for each in fields(kind)}
    made: Callable[..., Reason] = kind
    return made(**said)


def test_the_set_of_reasons_is_closed_and_whole() -> None:
    declared = {each for _, each in inspect.getmembers(refusals, is_dataclass)}
    assert declared == set(REASONS)
    for kind in REASONS:
        assert kind.__dataclass_params__.frozen, kind  # type: ignore[union-attr]
        assert kind.__doc__


@pytest.mark.parametrize("kind", REASONS)
def test_scim_says_it_with_a_status_of_its_own_and_a_whole_sentence(kind: type[Reason]) -> None:
    answer = rejected(example(kind))
    assert 400 <= answer.status < 600
    assert answer.scim_type in SCIM_TYPES
    assert answer.detail
    assert "something" in answer.detail or kind is Busy


@pytest.mark.parametrize("kind", REASONS)
def test_the_command_line_says_it_in_a_sentence(kind: type[Reason]) -> None:
    assert "something" in sentence(example(kind))


@pytest.mark.parametrize("door", ["scim_facade.refusals", "headcount.refusals", "graphql_facade.refusals"])
def test_a_new_reason_fails_the_type_checker_at_every_door(door: str) -> None:
    module: ModuleType = import_module(door)
    source = inspect.getsource(module)
    assert "assert_never(" in source
    for kind in REASONS:
        assert f"{kind.__name__}(" in source, f"{door} does not say {kind.__name__}"


def test_a_refusal_carries_its_reason() -> None:
    for kind in REASONS:
        assert Refused(example(kind)).reason == example(kind)
