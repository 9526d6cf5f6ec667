"""Password hashes: argon2id through passlib, in a small pool of threads.

A hash takes some 40 ms of one core on purpose. Two threads keep it off the event loop, and a bounded queue turns a
flood of sign-ins into quick answers of Busy instead of a stalled server. Never call this inside a transaction.
"""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from passlib.hash import argon2

from service.refusals import Busy, Invalid, Refused
from service.text import canonical

MIN_LENGTH = 15  # NIST SP 800-63B rev 4, 3.1.1.2: a password that is the only factor
MAX_LENGTH = 1_024
_MAX_UNIT = 4  # characters that are no password however often they are repeated
_WORKERS = 2
_WAITING = 64
_NICE = 10  # of 19

# OWASP Password Storage Cheat Sheet: m=19456 KiB, t=2, p=1.
_argon2id = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)  # type: ignore[no-untyped-call]

T = TypeVar("T")


class PasswordHasher:
    """The pool. `hash` and `verify` refuse with Busy while too many others wait."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="argon2", initializer=_step_back)
        self._waiting = 0
        self._of_nobody = _argon2id.hash("a password that nobody has")

    async def hash(self, password: str, *about: str) -> str:
        """The hash to keep of a new password; Invalid where it is too short or too long, or one of those that are
        guessed first: a common one, or little more than what it is `about`, such as the userName."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise Refused(Invalid("password", f"must have {MIN_LENGTH} to {MAX_LENGTH:,} characters"))
        if _is_guessed_first(password, about):
            raise Refused(Invalid("password", "is one of those that are guessed first: choose another one"))
        return await self._in_pool(_argon2id.hash, _normal(password))

    async def verify(self, password: str, known_hash: str | None) -> bool:
        """Whether the password is the one; takes as long where there is none to compare with (`known_hash` None)."""
        if len(password) > MAX_LENGTH:
            raise Refused(Invalid("password", f"must not have more than {MAX_LENGTH:,} characters"))
        right = await self._in_pool(_argon2id.verify, _normal(password), known_hash or self._of_nobody)
        return right and known_hash is not None

    def close(self) -> None:
        """Let running hashes end and stop the threads."""
        self._pool.shutdown()

    async def _in_pool(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= _WAITING:
            raise Refused(Busy("Too many people are signing in at this moment.", retry_after=2))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1


def _step_back() -> None:
    """Let whatever else the process does go before this thread, where the system knows threads (Linux)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _is_guessed_first(password: str, about: tuple[str, ...]) -> bool:
    """NIST SP 800-63B rev 4, 3.1.1.2: compared with what is commonly used and with what is known of the person, and so
    are its letters alone and what it repeats."""
    folded = canonical(password)
    letters = "".join(character for character in folded if character.isalpha())
    expected = _common() | {canonical(each) for each in about} | {canonical(each).partition("@")[0] for each in about}
    return any(_repeated(each) in expected for each in (folded, letters)) or len(_repeated(folded)) <= _MAX_UNIT


def _repeated(text: str) -> str:
    """The shortest text that this one is a repetition of, which may be itself."""
    unit = (text + text).find(text, 1)
    return text[:unit] if unit > 0 else text


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _normal(password: str) -> str:
    # One password typed on two keyboards may arrive composed or decomposed (NIST SP 800-63B, 3.1.1.2).
    try:
        return unicodedata.normalize("NFC", password).encode().decode()
    except UnicodeEncodeError:
        raise Refused(Invalid("password", "must not contain a lone surrogate")) from None
