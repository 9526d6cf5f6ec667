"""The engine for several machines: PostgreSQL over asyncpg.

A verb runs in a greenlet: where it waits for the server, the event loop goes on. Before the verb begins, its
transaction says whose rows it may see, to the row-level security of `service.store.row_security`. Reading across
workspaces, to find out who is asking, has a role and connections of its own, which cannot write.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.util.concurrency import await_, greenlet_spawn

from service.ids import is_possible
from service.refusals import Busy, Refused
from service.store.row_security import APP_ROLE, LOOKUP_ROLE, WORKSPACE_SETTING
from service.store.statements import Compiler, Connection, Parameters, Statement, UniqueViolationError

T = TypeVar("T")

_DIALECT = asyncpg_dialect.dialect(  # type: ignore[no-untyped-call]
    json_serializer=lambda value: orjson.dumps(value).decode()
)
_compiled = Compiler(_DIALECT)

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"

_ROWS_AT_A_TIME: Final = 500  # which take a millisecond or two to be read

_ATTEMPTS: Final = 20
_ATTEMPTS_AT_A_VALUE: Final = 2  # a verb that meets a value for the second time does not see that it is there
_FIRST_PAUSE_SECONDS: Final = 0.005  # before a transaction is tried again; doubled each time, half of it by chance
_LONGEST_PAUSE_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 300.0
_END_SECONDS: Final = 3.0  # what a connection is given to roll back or to close

# What may come out differently when the verb runs again on what others have committed meanwhile.
_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, UniqueViolationError)
# What no second try mends at once: the server is away, is starting or ending, or somebody holds a row for too long.
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server's last words have arrived, and the end of the connection has not yet
    asyncpg.OperatorInterventionError,  # the server shuts down, or a statement ran into its time limit
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    OSError,  # TimeoutError is one
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLimits:
    """How much of the server one process takes. Times are in seconds."""

    connections: int = 10
    statement_seconds: float = 10.0
    lock_seconds: float = 5.0
    connect_seconds: float = 3.0


class PostgresConnection:
    """Statements in one transaction, for a verb that runs in a greenlet."""

    def __init__(self, connection: "PoolConnectionProxy[Any]") -> None:
        self._fetch = connection.fetch
        self._execute = connection.execute
        self._execute_many = connection.executemany

    def rows(self, statement: Statement, parameters: Parameters) -> list[Any]:
        """The rows of a SELECT or of a RETURNING."""
        compiled = _compiled(statement, parameters)
        try:
            found = await_(self._fetch(compiled.sql, *compiled.arguments(parameters)))
        except asyncpg.UniqueViolationError as error:
            raise UniqueViolationError(str(error)) from error
        rows: list[Any] = []
        for first in range(0, len(found), _ROWS_AT_A_TIME):
            if first:
                await_(asyncio.sleep(0))  # others have their turn
            rows += compiled.rows(found[first : first + _ROWS_AT_A_TIME])
        return rows

    def run(self, statement: Statement, parameters: Parameters) -> int:
        """How many rows a statement without RETURNING touched."""
        compiled = _compiled(statement, parameters)
        status: str = await_(self._execute(compiled.sql, *compiled.arguments(parameters)))
        return int(status.rpartition(" ")[2])

    def run_many(self, statement: Statement, parameters: Sequence[Parameters]) -> None:
        """Run a statement once for each set of parameters."""
        compiled = _compiled(statement, parameters[0])
        try:
            await_(self._execute_many(compiled.sql, [compiled.arguments(each) for each in parameters]))
        except asyncpg.UniqueViolationError as error:
            raise UniqueViolationError(str(error)) from error

    def claim(self, name: str) -> None:
        """Wait for the transactions that share this name; whoever comes to share it waits for this one's end.

        An advisory lock and not a row's: the queue for it is fair, so that a claim does not wait for ever while others
        keep coming to share.
        """
        await_(self._execute(f"SELECT pg_advisory_xact_lock({_lock_number(name)})"))


class PostgresStore:
    """One database, for use within one event loop; other processes and machines use it as well."""

    keeps_order = False

    def __init__(self, url: str, limits: PostgresLimits) -> None:
        self._url = url
        self._limits = limits
        self._opening = asyncio.Lock()
        self._pools: dict[str, asyncpg.Pool[Any]] = {}

    async def lookup(self, job: Callable[[Connection], T]) -> T:
        """Run the job, which is one statement, across workspaces."""
        async with self._connection(LOOKUP_ROLE) as connection:
            return await greenlet_spawn(job, PostgresConnection(connection))

    async def read(self, workspace_id: str, job: Callable[[Connection], T]) -> T:
        """Run the job on one state of the workspace."""
        async with self._connection(APP_ROLE) as connection, _transaction(connection, _READ, workspace_id, ()):
            return await greenlet_spawn(job, PostgresConnection(connection))

    async def write(self, workspace_id: str, job: Callable[[Connection], T], *, sharing: Sequence[str] = ()) -> T:
        """Run the job in a transaction, again from the start where another one got in its way."""
        for attempt in range(_ATTEMPTS):
            try:
                async with (
                    self._connection(APP_ROLE) as connection,
                    _transaction(connection, _WRITE, workspace_id, sharing),
                ):
                    return await greenlet_spawn(job, PostgresConnection(connection))
            except _AGAIN as error:
                if isinstance(error, UniqueViolationError) and attempt >= _ATTEMPTS_AT_A_VALUE:
                    raise
                pause = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads, protects nothing
        raise Refused(Busy("Too many changes were made to the same thing at this moment.", retry_after=1))

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[Callable[[], bool]]:
        """Hold a lock of the server's on a connection of its own; it is gone when the connection is."""
        settings = self._server_settings(APP_ROLE) | {"idle_in_transaction_session_timeout": "0"}
        connection = await asyncpg.connect(self._url, timeout=self._limits.connect_seconds, server_settings=settings)
        try:
            got = await connection.fetchval(f"SELECT pg_try_advisory_lock({_lock_number(name)})")
            yield lambda: bool(got) and not connection.is_closed()
        finally:
            await connection.close(timeout=_END_SECONDS)

    async def close(self) -> None:
        """Let running statements end and close the connections."""
        for pool in self._pools.values():
            await pool.close()

    @asynccontextmanager
    async def _connection(self, role: str) -> "AsyncIterator[PoolConnectionProxy[Any]]":
        pool = self._pools.get(role) or await self._opened(role)
        try:
            async with pool.acquire(timeout=self._limits.lock_seconds) as connection:
                yield connection
        except _GONE as error:
            raise Refused(Busy(_why(error), retry_after=1)) from error

    async def _opened(self, role: str) -> "asyncpg.Pool[Any]":
        async with self._opening:
            if role not in self._pools:
                self._pools[role] = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=self._limits.connections,
                    max_inactive_connection_lifetime=_IDLE_SECONDS,
                    timeout=self._limits.connect_seconds,
                    init=_prepared,
                    reset=_left_as_it_is,
                    server_settings=self._server_settings(role),
                )
            return self._pools[role]

    def _server_settings(self, role: str) -> dict[str, str]:
        return {
            "application_name": "headcount",
            "role": role,
            "timezone": "UTC",
            "default_transaction_read_only": "on" if role == LOOKUP_ROLE else "off",
            "statement_timeout": _milliseconds(self._limits.statement_seconds),
            "lock_timeout": _milliseconds(self._limits.lock_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(self._limits.statement_seconds),
        }


@asynccontextmanager
async def _transaction(
    connection: "PoolConnectionProxy[Any]", begin: str, workspace_id: str, sharing: Sequence[str]
) -> AsyncIterator[None]:
    """A transaction in one workspace. What must come first goes to the server as one message."""
    if not is_possible(workspace_id):
        raise AssertionError(f"{workspace_id!r} cannot be the id of a workspace")
    locks = (f", pg_advisory_xact_lock_shared({_lock_number(name)})" for name in sharing)
    wall = f"SELECT set_config('{WORKSPACE_SETTING}', '{workspace_id}', true){''.join(locks)}"
    try:
        await connection.execute(f"{begin}; {wall}")
        yield
        ended: str = await connection.execute("COMMIT")
    except BaseException:
        await _undone(connection)
        raise
    if ended != "COMMIT":
        raise AssertionError("a statement had failed, and the verb went on as if it had not")


async def _undone(connection: "PoolConnectionProxy[Any]") -> None:
    """Roll back; a connection that cannot is thrown away."""
    try:
        await connection.execute("ROLLBACK", timeout=_END_SECONDS)
    except Exception:
        connection.terminate()


async def _prepared(connection: "asyncpg.Connection[Any]") -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _left_as_it_is(connection: "asyncpg.Connection[Any]") -> None:
    """Transactions leave nothing behind on a connection that would have to be reset."""


def _why(error: BaseException) -> str:
    if isinstance(error, asyncpg.LockNotAvailableError | asyncpg.QueryCanceledError):
        return "Others are changing the same thing, and it took too long to wait for them."
    return "The database cannot be reached at this moment; what was under way may or may not have been done."


def _lock_number(name: str) -> int:
    """A name as PostgreSQL's advisory locks are called: a signed number of 64 bits."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
