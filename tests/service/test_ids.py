"""Identifiers: text that tells its kind, sorts by time and cannot be guessed."""

import itertools
import re
import uuid

from service.ids import new_id
from tests.service.cast import Acme


def test_an_id_is_its_kind_and_a_uuid_of_version_7() -> None:
    made = new_id("usr")
    assert re.fullmatch(r"usr_[0-9a-f]{32}", made)
    assert uuid.UUID(made.removeprefix("usr_")).version == 7


def test_ids_sort_by_time_and_never_repeat() -> None:
    made = [new_id("usr") for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_neighbours_differ_in_more_than_a_counter() -> None:
    """Whoever knows an id must not be able to guess the next, even of the same millisecond."""
    last_bits = [int(new_id("usr")[-8:], 16) for _ in range(1_000)]
    steps = {after - before for before, after in itertools.pairwise(last_bits)}
    assert len(steps) > 990


def test_the_cast_has_such_ids(acme: Acme) -> None:
    assert acme.id.startswith("wsp_")
    assert acme.key_id.startswith("key_")
    assert all(user_id.startswith("usr_") for user_id in acme.people.values())
