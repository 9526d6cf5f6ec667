"""Writing the provisioning log behind the requests: a bounded queue, and one writer that takes all that waits."""

import asyncio
import logging
from collections import defaultdict
from dataclasses import replace

from service.actor import system
from service.provisioning.log import Exchange, Operation, Outcome, write_exchanges
from service.work import Work

_MAX_WAITING = 10_000  # exchanges; more come than can be written, and some are lost rather than requests held up
_PAUSE_SECONDS = 0.1  # in which others join a batch
_BATCH = 200

_log = logging.getLogger("headcount.provisioning")


class Recorder:
    """What takes exchanges as they end, and writes them soon."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: list[tuple[str, Exchange]] = []
        self._lost: dict[str, int] = defaultdict(int)
        self._writing: asyncio.Task[None] | None = None

    def note(self, workspace_id: str, exchange: Exchange) -> None:
        """Write an exchange soon; where too many wait already, count it as lost."""
        if len(self._waiting) >= _MAX_WAITING:
            self._lost[workspace_id] += 1
            return
        self._waiting.append((workspace_id, exchange))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what still waits."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(_PAUSE_SECONDS)
            by_workspace: dict[str, list[Exchange]] = defaultdict(list)
            for workspace_id, exchange in self._waiting:
                by_workspace[workspace_id].append(exchange)
            self._waiting.clear()
            for workspace_id, exchanges in by_workspace.items():
                exchanges += self._losses(workspace_id, exchanges[-1])
                for first in range(0, len(exchanges), _BATCH):
                    await self._write_batch(workspace_id, exchanges[first : first + _BATCH])

    async def _write_batch(self, workspace_id: str, exchanges: list[Exchange]) -> None:
        try:
            await self._work.write(system(workspace_id), write_exchanges, exchanges)
        except Exception as error:
            self._lost[workspace_id] += len(exchanges)
            _log.warning("%d entries of the provisioning log were not written: %r", len(exchanges), error)

    def _losses(self, workspace_id: str, like: Exchange) -> list[Exchange]:
        """An entry that says how many there are not, dated like one that there is."""
        lost = self._lost.pop(workspace_id, 0)
        if not lost:
            return []
        said = f"{lost:,} entries were lost: more came than could be written"
        return [
            replace(
                like,
                operation=Operation.ENTRIES_LOST,
                outcome=Outcome.FAILED,
                status=0,
                duration_ms=0,
                client=None,
                ip=None,
                request_id=None,
                target_kind=None,
                target_id=None,
                target_name=None,
                changes=None,
                tolerances=None,
                method="-",
                address="-",
                request=None,
                response=said,
            )
        ]
