"""The load client: keep-alive connections that each send a request as soon as the answer to the last one was checked.

Requests are bytes that are ready before the clock runs. It runs in a process of its own beside the server and uses
asyncio's protocols, since an HTTP library would take longer than the server does.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import cast

from benchmarks.answers import AnswerReader
from benchmarks.processes import Server, busy_seconds, cpu_seconds

Check = Callable[[int, bytes], str | None]
"""What is wrong with a status and a body; None: nothing."""

Exchange = tuple[bytes, Check]
"""A whole request, and what its answer must be."""

_FIRST_ANSWERS_SECONDS = _LAST_ANSWERS_SECONDS = 30.0


class WrongAnswerError(Exception):
    """The server answered something else than it must, or broke the connection."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One workload's figures over one stretch of time."""

    requests: int
    seconds: float
    cpu: float
    """Seconds of the server's processes."""
    database_cpu: float
    """Seconds of the database server's processes, where it is not the server itself."""
    client_cpu: float
    """Seconds of this process."""
    others_cpu: float
    """Seconds of everybody else on the machine."""
    p50: float
    """Seconds from the request's last byte to the answer's last byte: half of the requests took no longer."""
    p99: float
    longest: float

    @property
    def cpu_each(self) -> float:
        """CPU of a request, in microseconds."""
        return self.cpu / self.requests * 1e6

    @property
    def database_cpu_each(self) -> float:
        """CPU of the database server for a request, in microseconds."""
        return self.database_cpu / self.requests * 1e6

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


async def measure(server: Server, clients: list[Iterator[Exchange]], *, seconds: float, warm_up: float) -> Sample:
    """Keep every client's connection busy. Raises WrongAnswerError.

    The figures are of `seconds`, `warm_up` after every client has had an answer: a busy event loop takes new
    connections one by one.
    """
    tally = _Tally(asyncio.get_running_loop().create_future())
    connections = [await _connected(server.port, client, tally) for client in clients]
    try:
        await _under_way(tally, _FIRST_ANSWERS_SECONDS, *(connection.first for connection in connections))
        await _under_way(tally, warm_up)
        pids, database_pids = server.pids(), server.database_pids()
        tally.latencies = []
        begun = _now(pids, database_pids)
        await _under_way(tally, seconds)
        while not tally.latencies:  # a shared machine may stand still for as long
            await _under_way(tally, seconds)
        spent = tuple(after - before for after, before in zip(_now(pids, database_pids), begun, strict=True))
        latencies, tally.stopping = sorted(tally.latencies), True
        await _under_way(tally, _LAST_ANSWERS_SECONDS, *(connection.last for connection in connections))
    finally:
        for connection in connections:
            connection.close()
    wall, cpu, database_cpu, client_cpu, busy = spent
    return Sample(
        requests=len(latencies),
        seconds=wall,
        cpu=cpu,
        database_cpu=database_cpu,
        client_cpu=client_cpu,
        others_cpu=max(busy - cpu - database_cpu - client_cpu, 0.0),
        p50=latencies[len(latencies) // 2],
        p99=latencies[len(latencies) * 99 // 100],
        longest=latencies[-1],
    )


@dataclass
class _Tally:
    """What the connections of one measurement share."""

    failure: "asyncio.Future[None]"
    latencies: list[float] = field(default_factory=list)
    stopping: bool = False


class _Connection(asyncio.Protocol):
    """One client of the server. `first` is done once an answer has come, `last` once no other one is to come."""

    def __init__(self, exchanges: Iterator[Exchange], tally: _Tally) -> None:
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._exchanges = exchanges
        self._tally = tally
        self._reader = AnswerReader()
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take bytes; when they complete an answer, check it and send the next request."""
        try:
            answer = self._reader.feed(data)
        except Exception as error:
            self._fail(f"the answer cannot be read: {error!r}")
            return
        if answer is None:
            return
        self._tally.latencies.append(perf_counter() - self._sent_at)
        if not self.first.done():
            self.first.set_result(None)
        wrong = self._check(*answer)
        if wrong is not None:
            self._fail(f"{wrong}\n{self._request!r}\n{answer[0]} {answer[1][:2000]!r}")
        elif self._tally.stopping:
            self.last.set_result(None)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody closes before the last answer has come."""
        if not self.last.done():
            self._fail(f"the server closed the connection: {exc!r}")

    def close(self) -> None:
        """Let go of the connection."""
        self.last.cancel()
        self._transport.close()

    def _send(self) -> None:
        self._request, self._check = next(self._exchanges)
        self._sent_at = perf_counter()
        self._transport.write(self._request)

    def _fail(self, why: str) -> None:
        if not self._tally.failure.done():
            self._tally.failure.set_exception(WrongAnswerError(why))


async def _connected(port: int, exchanges: Iterator[Exchange], tally: _Tally) -> _Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: _Connection(exchanges, tally), "127.0.0.1", port)
    return connection


async def _under_way(tally: _Tally, seconds: float, *awaited: "asyncio.Future[None]") -> None:
    """Let the connections work for a while, or at the longest until what is awaited is there; raise what went wrong."""
    waiting = [tally.failure]
    if awaited:
        waiting.append(asyncio.ensure_future(_all(awaited)))
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if tally.failure.done():
        tally.failure.result()
    if not all(each.done() for each in awaited):
        raise WrongAnswerError(f"no answer for {seconds:.0f} seconds")


async def _all(awaited: "tuple[asyncio.Future[None], ...]") -> None:
    await asyncio.wait(awaited)


def _now(pids: tuple[int, ...], database_pids: tuple[int, ...]) -> tuple[float, float, float, float, float]:
    """Wall clock, CPU of the server, of its database server, of this process and of the machine: seconds."""
    return perf_counter(), cpu_seconds(pids), cpu_seconds(database_pids), process_time(), busy_seconds()
