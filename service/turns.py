"""Turns: a workspace that sends more than its share waits behind itself, and keeps no other from being served.

A process does one thing at a time. Without turns, whoever has four hundred requests waiting is served four hundred
times before somebody who has one. With them each workspace begins one request in each round of the event loop.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service.refusals import LimitReached, Refused

AT_ONCE = 64
"""Requests of a workspace that a process works on at a time."""

MOST = 320
"""Requests of a workspace that are worked on or wait at most; more are refused."""

_TOO_MANY = (
    f"This workspace has {MOST} requests under way, and nothing was done for this one. "
    "Send fewer at a time, and this one again."
)


@dataclass
class _Line:
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    under_way: int = 0
    has_begun_one: bool = False  # in this round of the loop


class Turns:
    """The turns that a process gives; for use within one event loop."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn_of(self, workspace_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this workspace, and have it for the block; LimitReached where too many wait already."""
        line = self._lines.setdefault(workspace_id, _Line())
        if line.under_way + len(line.waiting) >= MOST:
            raise Refused(LimitReached(_TOO_MANY, retry_after=1))
        turn = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        self._go_on(workspace_id, line)
        try:
            await turn
            yield
        finally:
            if not turn.cancelled():
                line.under_way -= 1
                self._go_on(workspace_id, line)

    def _go_on(self, workspace_id: str, line: _Line) -> None:
        """Give the next turn, if it is time for one."""
        while line.waiting and line.waiting[0].cancelled():
            line.waiting.popleft()
        if line.waiting and line.under_way < AT_ONCE and not line.has_begun_one:
            line.waiting.popleft().set_result(None)
            line.under_way += 1
            line.has_begun_one = True
            asyncio.get_running_loop().call_soon(self._next_round, workspace_id, line)
        elif not (line.waiting or line.under_way or line.has_begun_one):
            self._lines.pop(workspace_id, None)

    def _next_round(self, workspace_id: str, line: _Line) -> None:
        line.has_begun_one = False
        self._go_on(workspace_id, line)
