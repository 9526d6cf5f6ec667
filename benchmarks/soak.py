"""`python -m benchmarks.soak`: half an hour of everything at once. Does memory grow, or the number of open files?

Each client sends a request of each workload in turn. The first slices fill the caches; the last one may not end with
more memory or open files than the second one did, but for what is allowed to noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Annotated

import typer
import uvloop

from benchmarks.everyday_workloads import everyday_workloads
from benchmarks.load import Exchange, Sample, measure
from benchmarks.processes import open_files, resident_megabytes
from benchmarks.serving import Serving, scratch, serving
from benchmarks.variants import ENGINES, Variant
from benchmarks.workloads import Workload

_MEMORY_NOISE = 1.05  # times
_FILES_NOISE = 4  # connections to a database come and go

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Slice:
    """What one stretch of the load was like, and what the server had at its end."""

    sample: Sample
    megabytes: float
    files: int


@app.command()
def main(
    engine: Annotated[str, typer.Option(help=" or ".join(ENGINES))] = "sqlite",
    users: Annotated[int, typer.Option(min=100, help="People in each workspace.")] = 100_000,
    clients: Annotated[int, typer.Option(min=1, max=100, help="Connections.")] = 32,
    slices: Annotated[int, typer.Option(min=3)] = 30,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long a slice is.")] = 60.0,
) -> None:
    """Keep a server busy with everything at once; exit status 1 where its memory or its open files have grown."""
    with (
        scratch() as folder,
        serving(Variant(engine, 1, users), folder) as ours,
        everyday_workloads(ours.server.port, ours.tenants, clients) as workloads,
    ):
        print("| slice | requests/s | CPU µs/request | p50 ms | p99 ms | memory MB | open files |")
        print("|---|---|---|---|---|---|---|")
        past: list[Slice] = []
        for number in range(slices):
            past.append(_one_slice(ours, _mixed(workloads, clients), seconds))
            _say(number + 1, past[-1])
        for each in workloads:
            each.verify()
    grown = growth(past)
    print(*(grown or ["Neither memory nor open files have grown."]), sep="\n")
    raise typer.Exit(1 if grown else 0)


def growth(past: list[Slice]) -> list[str]:
    """What there is more of at the end than there was once the caches were full."""
    _, filled, *_, last = past
    grown = []
    if last.megabytes > filled.megabytes * _MEMORY_NOISE:
        grown.append(f"Memory has grown from {filled.megabytes:.0f} to {last.megabytes:.0f} MB.")
    if last.files > filled.files + _FILES_NOISE:
        grown.append(f"Open files have grown from {filled.files} to {last.files}.")
    return grown


def _mixed(workloads: list[Workload], clients: int) -> list[Iterator[Exchange]]:
    """Clients that each go through all workloads, beginning with different ones; a few have no groups to change."""
    return [_in_turn([each.clients[n] for each in workloads if n < len(each.clients)], n) for n in range(clients)]


def _in_turn(parts: list[Iterator[Exchange]], first: int) -> Iterator[Exchange]:
    begin = first % len(parts)
    return map(next, cycle((*parts[begin:], *parts[:begin])))


def _one_slice(ours: Serving, clients: list[Iterator[Exchange]], seconds: float) -> Slice:
    sample = uvloop.run(measure(ours.server, clients, seconds=seconds, warm_up=0.0))
    pids = ours.server.pids()
    return Slice(sample, resident_megabytes(pids), open_files(pids))


def _say(number: int, each: Slice) -> None:
    sample = each.sample
    times = f"{sample.p50 * 1e3:.1f} | {sample.p99 * 1e3:.1f}"
    print(
        f"| {number} | {sample.rate:,.0f} | {sample.cpu_each:,.0f} | {times} | {each.megabytes:.0f} | {each.files} |",
        flush=True,
    )


if __name__ == "__main__":
    app()
