"""What came into a log since one last looked: for whoever listens in any process, whichever process wrote it.

Ids sort by the time at which they were made, but a row may show itself after others with later ids, by as long as its
transaction takes. So each look goes back by `GRACE` and passes over what it has shown before: nothing is lost, and
nothing comes twice.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from service.clock import now
from service.ids import least_id

GRACE = timedelta(seconds=5)  # events are written last in their transactions, a moment before these end


class _HasId(Protocol):
    id: str


R = TypeVar("R", bound=_HasId)


class Feed:
    """One listener's place in a log whose ids have this prefix, from a moment on."""

    def __init__(self, prefix: str, begun: datetime) -> None:
        self._prefix = prefix
        self._begun = begun
        self._shown: dict[str, None] = {}

    @property
    def since(self) -> str:
        """The id to look from, that one included."""
        return least_id(self._prefix, max(self._begun, now() - GRACE))

    def news(self, rows: Iterable[R], since: str) -> list[R]:
        """Of the rows that were found from there on, in the order of their ids, those that were not shown before."""
        fresh = [row for row in rows if row.id not in self._shown]
        self._shown = {each: None for each in self._shown if each >= since} | {row.id: None for row in fresh}
        return fresh
