"""The embedded engine: SQLite in WAL with synchronous=FULL.

Reads run where they are asked for: a keyed read takes less time than a hop to a thread. Writes go to one writer.
It runs waiting verbs one after the other, each within a SAVEPOINT of its own, and commits them together: one
fsync, on a thread, for as many verbs as arrived during the last one. Nobody is answered before their commit.

What turns out to take more of SQLite's steps than others should wait for, a read or a write, is broken off and begun
again in a thread: nobody has to say beforehand how long something will take.
"""

import asyncio
import fcntl
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import orjson
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool

from service.refusals import Busy, Refused
from service.store.statements import Compiler, Connection, Parameters, Statement, UniqueViolationError

T = TypeVar("T")


def _json(kept: Any) -> Any:
    """What a column has, which may be no JSON where it was not we who wrote it: then it is shown as it stands."""
    try:
        return orjson.loads(kept)
    except orjson.JSONDecodeError:
        return kept


_DIALECT = sqlite.dialect(json_serializer=lambda value: orjson.dumps(value).decode())
_compiled = Compiler(_DIALECT, read_json=_json)

_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-8192", "temp_store=MEMORY")
_THOUSANDS_IN_PLACE = 40  # steps of SQLite's virtual machine, two milliseconds or so
_LONG_READS = 4  # at a time
_BATCH_SECONDS = 0.003  # how long a batch may keep the event loop before it is committed
_LOCK_SECONDS = 10.0  # how long to wait for another process's transaction
_LOCK_POLL_SECONDS = 0.002


def sqlite_engine(path: Path) -> Engine:
    """An engine for migrations. Its connections commit each statement by themselves."""
    return create_engine("sqlite://", creator=lambda: _connect(path), isolation_level="AUTOCOMMIT", poolclass=NullPool)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, _LOCK_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only=ON")
    return connection


class TakesLongError(Exception):
    """A job takes more steps than it may where others wait for it. A change that it made is undone, with all before."""


class SqliteConnection:
    """Statements on one sqlite3 connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._watch = connection.set_progress_handler
        self.execute = connection.execute
        self._execute_many = connection.executemany

    def rows(self, statement: Statement, parameters: Parameters) -> list[Any]:
        """The rows of a SELECT or of a RETURNING."""
        compiled = _compiled(statement, parameters)
        try:
            return compiled.rows(self.execute(compiled.sql, compiled.arguments(parameters)))
        except sqlite3.IntegrityError as error:
            _raise_if_unique(error)
            raise

    def run(self, statement: Statement, parameters: Parameters) -> int:
        """How many rows a statement without RETURNING touched."""
        compiled = _compiled(statement, parameters)
        return self.execute(compiled.sql, compiled.arguments(parameters)).rowcount

    def run_many(self, statement: Statement, parameters: Sequence[Parameters]) -> None:
        """Run a statement once for each set of parameters."""
        compiled = _compiled(statement, parameters[0])
        try:
            self._execute_many(compiled.sql, [compiled.arguments(each) for each in parameters])
        except sqlite3.IntegrityError as error:
            _raise_if_unique(error)
            raise

    def in_place(self, job: "Callable[[SqliteConnection], T]") -> T:
        """Run the job where others wait for it, or raise TakesLongError."""
        thousands = count(1)
        self._watch(lambda: next(thousands) > _THOUSANDS_IN_PLACE, 1_000)  # where true, the statement is broken off
        try:
            return job(self)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise TakesLongError from None
            raise
        finally:
            self._watch(None, 0)

    def on_one_state(self, job: "Callable[[SqliteConnection], T]") -> T:
        """What the job reads, all of it as it stood at one moment."""
        self.execute("BEGIN")
        try:
            return job(self)
        finally:
            self.execute("COMMIT")

    def claim(self, name: str) -> None:
        """Nobody else writes while this transaction does."""


@dataclass(eq=False)
class _Waiting:
    """A verb in the writer's queue, what came of it, and who waits for that."""

    job: Callable[[Connection], Any]
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    takes_long: bool = False

    def run(self, connection: SqliteConnection) -> None:
        """Run it in the open transaction if anybody still waits for it; TakesLongError where that must begin anew."""
        if self.answer.cancelled():
            return
        self.result = self.error = None
        connection.execute("SAVEPOINT verb")
        try:
            self.result = self.job(connection) if self.takes_long else connection.in_place(self.job)
        except TakesLongError:
            self.takes_long = True
            raise
        except Exception as error:
            self.error = error
            connection.execute("ROLLBACK TO verb")
        connection.execute("RELEASE verb")


class SqliteStore:
    """One database file, for use within one event loop; other processes may use the file as well."""

    keeps_order = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading, self._writing = _connect_to_read(path), _connect(path)
        self._write = self._writing.execute
        self._reader, self._writer = SqliteConnection(self._reading), SqliteConnection(self._writing)
        self._write("PRAGMA busy_timeout=0")  # waiting for another process is done on the loop, not in SQLite
        self._queue: deque[_Waiting] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._writer_thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._idle: list[sqlite3.Connection] = []  # of those for long reads
        self._long_reads = ThreadPoolExecutor(_LONG_READS, thread_name_prefix="long-read")
        self._waiters = path.with_name(f"{path.name}-waiting").open("w")

    async def lookup(self, job: Callable[[Connection], T]) -> T:
        """Run the job; one statement needs no transaction around it."""
        try:
            return self._reader.in_place(job)
        except TakesLongError:
            return await self._in_a_thread(job)

    async def read(self, workspace_id: str, job: Callable[[Connection], T]) -> T:
        """Run the job on one state of the database."""
        try:
            return self._reader.on_one_state(lambda connection: connection.in_place(job))
        except TakesLongError:
            return await self._in_a_thread(lambda connection: connection.on_one_state(job))

    async def write(self, workspace_id: str, job: Callable[[Connection], T], *, sharing: Sequence[str] = ()) -> T:
        """Run the job in the next batch and answer when that is on disk."""
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        result: T = await waiting.answer
        return result

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[Callable[[], bool]]:
        """Hold a lock on a file beside the database; the system lets go of it when the process ends."""
        with self._path.with_name(f"{self._path.name}-{name.replace(' ', '-')}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield lambda: False
            else:
                yield lambda: True

    async def close(self) -> None:
        """Commit what waits and close the file."""
        if self._draining is not None:
            await self._draining
        self._writer_thread.shutdown()
        self._long_reads.shutdown()
        self._waiters.close()
        for connection in (self._reading, *self._idle):
            connection.close()
        self._writing.close()

    async def _in_a_thread(self, job: Callable[[SqliteConnection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._long_reads, self._read_at_length, job)

    def _read_at_length(self, job: Callable[[SqliteConnection], T]) -> T:
        connection = self._idle.pop() if self._idle else _connect_to_read(self._path)
        try:
            return job(SqliteConnection(connection))
        finally:
            self._idle.append(connection)

    async def _drain(self) -> None:
        try:
            while self._queue:
                batch: list[_Waiting] = []
                try:
                    await self._begin()
                    if self._queue[0].takes_long:
                        batch.append(self._queue.popleft())
                        await self._on_thread(batch[0].run, self._writer)
                    else:
                        self._run_waiting(batch)
                    await self._on_thread(self._write, "COMMIT")
                except TakesLongError:
                    self._undo()
                    self._queue.extendleft(reversed(batch))
                except BaseException as error:
                    self._fail(batch or list(self._take_all()), error)
                    if not isinstance(error, Exception):
                        raise
                else:
                    _answer(batch)
                    if self._queue and self._somebody_waits():
                        await asyncio.sleep(2 * _LOCK_POLL_SECONDS)
        finally:
            self._draining = None

    async def _on_thread(self, job: Callable[..., object], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer_thread, job, *arguments)

    async def _begin(self) -> None:
        """Take the write lock; another process may hold it for a while, and is told that somebody waits."""
        deadline = monotonic() + _LOCK_SECONDS
        try:
            while not self._begun():
                if monotonic() > deadline:
                    raise Refused(Busy("Another process has been writing to the database for too long.", retry_after=5))
                with suppress(BlockingIOError):  # somebody looks at this moment
                    fcntl.flock(self._waiters, fcntl.LOCK_SH | fcntl.LOCK_NB)
                await asyncio.sleep(_LOCK_POLL_SECONDS)
        finally:
            fcntl.flock(self._waiters, fcntl.LOCK_UN)

    def _begun(self) -> bool:
        try:
            self._write("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.split("_")[1] != "BUSY":
                raise
            return False
        return True

    def _somebody_waits(self) -> bool:
        """Whether another process does, which has no chance while this one takes the lock again at once."""
        try:
            fcntl.flock(self._waiters, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._waiters, fcntl.LOCK_UN)
        return False

    def _run_waiting(self, batch: list[_Waiting]) -> None:
        deadline = monotonic() + _BATCH_SECONDS
        while self._queue and not self._queue[0].takes_long and (not batch or monotonic() < deadline):
            batch.append(self._queue.popleft())
            batch[-1].run(self._writer)

    def _take_all(self) -> "list[_Waiting]":
        waiting, self._queue = list(self._queue), deque()
        return waiting

    def _undo(self) -> None:
        if self._writing.in_transaction:
            self._write("ROLLBACK")

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        self._undo()
        for waiting in batch:
            waiting.error = waiting.error or error
        _answer(batch)


def _raise_if_unique(error: sqlite3.IntegrityError) -> None:
    if error.sqlite_errorcode in _UNIQUE:
        raise UniqueViolationError(str(error)) from error


def _answer(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if waiting.answer.done():
            continue
        if waiting.error is not None:
            waiting.answer.set_exception(waiting.error)
        else:
            waiting.answer.set_result(waiting.result)
