"""A real SMTP server, and what has come to it."""

import asyncio
import email
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """Everybody's mail; `refusals` is how many mails are refused before one is taken.

    While it `is_held`, whoever brings a mail waits, and is sent away in the end.
    """

    def __init__(self) -> None:
        self.refusals = 0
        self.is_held = False
        self.held = 0
        self._mails: list[EmailMessage] = []
        self._lock = threading.Lock()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        if self.is_held:
            self.held += 1
            while self.is_held:  # noqa: ASYNC110 - set by a test, in another thread
                await asyncio.sleep(0.01)
            return "451 come back later"
        with self._lock:
            if self.refusals:
                self.refusals -= 1
                return "451 come back later"
            self._mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    def to(self, recipient: str) -> list[EmailMessage]:
        """The mails to an address so far, in the order they came."""
        with self._lock:
            return [mail for mail in self._mails if mail["To"] == recipient]

    def next_to(self, recipient: str, number: int = 1) -> EmailMessage:
        """The mail of this number to an address, waited for."""
        deadline = time.monotonic() + 20
        while len(mails := self.to(recipient)) < number:
            assert time.monotonic() < deadline, f"{recipient} has got {len(mails)} mails"
            time.sleep(0.02)
        return mails[number - 1]


@contextmanager
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    """A server on a free port, and its address as a setting."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


def link_in(mail: EmailMessage) -> tuple[str, str]:
    """The address of the page that a mail leads to, and the token."""
    found = re.search(r"(https?://\S+)#(\S+)", mail.get_content())
    assert found is not None, mail
    return found[1], found[2]
