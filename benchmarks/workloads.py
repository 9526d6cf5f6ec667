"""What a workload is: for each client, an endless row of requests with the check of each answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, repeat

from benchmarks.load import Exchange
from benchmarks.serving import BASE_DOMAIN


@dataclass(frozen=True)
class Workload:
    """A kind of request. `clients` go on from where they were whenever they are measured again."""

    name: str
    clients: list[Iterator[Exchange]]
    verify: Callable[[], None] = lambda: None
    """Called when all is measured; raises AssertionError where the server's data is not what the answers said."""


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """An HTTP/1.1 request, ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


def same_answer(request: bytes, status: int, body: bytes) -> Exchange:
    """An exchange whose answer is known byte for byte."""

    def check(got_status: int, got: bytes) -> str | None:
        return None if got_status == status and got == body else f"expected {status} {body[:2000]!r}"

    return request, check


def taking_turns(exchanges: Sequence[Exchange], clients: int) -> list[Iterator[Exchange]]:
    """Every client goes through all exchanges without end, each from another one on."""
    starts = [len(exchanges) * number // clients for number in range(clients)]
    return [cycle((*exchanges[start:], *exchanges[:start])) for start in starts]


def health_checks() -> Iterator[Exchange]:
    """What asks for nothing but an answer: how long that takes is how long others keep the process."""
    return repeat(same_answer(request("GET", "/live", {"Host": BASE_DOMAIN}), 200, b'{"status":"alive"}'))
