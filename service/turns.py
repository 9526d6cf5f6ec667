"""Turns: a workspace that sends more than its share waits behind itself, and keeps no other from being served.

A process does one thing at a time. Without turns, whoever has four hundred requests waiting is served four hundred
times before somebody who has one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service.refusals import LimitReached, Refused

AT_ONCE = 16
"""Requests of a workspace that a process works on at a time."""

MOST = 320
"""Requests of a workspace that are worked on or wait at most; more are refused."""

_TOO_MANY = (
    f"This workspace has {MOST} requests under way, and nothing was done for this one. "
    "Send fewer at a time, and this one again."
)


@dataclass(slots=True)
class _Line:
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    requests: int = 0  # worked on or waiting


class Turns:
    """The turns that a process gives; for use within one event loop."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn_of(self, workspace_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this workspace, and have it for the block; LimitReached where too many wait already."""
        line = self._lines.get(workspace_id)
        if line is None:
            line = self._lines[workspace_id] = _Line()
        if line.requests >= MOST:
            raise Refused(LimitReached(_TOO_MANY, retry_after=1))
        line.requests += 1
        try:
            async with line.turns:
                await asyncio.sleep(0)  # or requests that never wait would all be done before others are looked at
                yield
        finally:
            line.requests -= 1
            if not line.requests:
                del self._lines[workspace_id]
