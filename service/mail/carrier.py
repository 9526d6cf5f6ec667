"""Carrying mail: from the outbox of a workspace to a carrier, at once after it was posted and again when it is due."""

import asyncio
import logging
from typing import Protocol

from service.actor import system
from service.mail.outbox import BATCH, Mail, note_failed, note_sent, take_out
from service.work import Work

_log = logging.getLogger("headcount.mail")


class Carrier(Protocol):
    """What brings a mail to its recipient, or raises OSError with the reason why it cannot."""

    async def send(self, mail: Mail) -> None:
        """Send one mail, whose Message-ID is made of its id alone."""
        ...


class Postman:
    """Carries what a process has posted, without keeping anybody waiting."""

    def __init__(self, work: Work, carrier: Carrier) -> None:
        self._work = work
        self._carrier = carrier
        self._rounds: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def soon(self, workspace_id: str) -> None:
        """Something was posted in this workspace: look for what is due there."""
        if workspace_id in self._rounds:
            self._again.add(workspace_id)
            return
        self._rounds[workspace_id] = asyncio.ensure_future(self._round(workspace_id))

    async def carry(self, workspace_id: str) -> None:
        """Send what is due in a workspace."""
        while mails := await self._work.write(system(workspace_id), take_out):
            for mail in mails:
                await self._send(workspace_id, mail)
            if len(mails) < BATCH:
                return

    async def close(self) -> None:
        """Finish what is under way."""
        await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    async def _round(self, workspace_id: str) -> None:
        try:
            await self.carry(workspace_id)
            while workspace_id in self._again:
                self._again.discard(workspace_id)
                await self.carry(workspace_id)
        except Exception as error:
            _log.warning("mail is carried later: %r", error)
        finally:  # in the same step as the last look, so that nothing that was posted since is overlooked
            self._again.discard(workspace_id)
            del self._rounds[workspace_id]

    async def _send(self, workspace_id: str, mail: Mail) -> None:
        try:
            await self._carrier.send(mail)
        except OSError as error:
            _log.warning("a mail was not sent and is tried again: %s", error)
            await self._work.write(system(workspace_id), note_failed, mail.id, str(error) or repr(error))
        else:
            await self._work.write(system(workspace_id), note_sent, mail.id)
