"""`python -m benchmarks.lag`: how long does one request keep the others of its process waiting?

One client sends a workload's requests, one at a time, and another one health checks, whose answers need nothing but
their turn. What a health check takes longer than it does alone, it has waited for the other request.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated

import typer
import uvloop

from benchmarks.everyday_workloads import everyday_workloads
from benchmarks.load import Sample, measure
from benchmarks.long_workloads import long_workloads
from benchmarks.people import READ, WRITTEN
from benchmarks.processes import Server
from benchmarks.serving import Serving, scratch, serving
from benchmarks.variants import ENGINES, Variant
from benchmarks.workloads import Workload, health_checks

_LATER_SECONDS = 1.5  # that the health checks begin later, and end

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    engine: Annotated[list[str] | None, typer.Option(help="sqlite or postgresql; repeatable.")] = None,
    users: Annotated[int, typer.Option(min=100, help="People in each workspace.")] = 100_000,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long each line is measured.")] = 5.0,
    workload: Annotated[list[str] | None, typer.Option(help="Only those with this in their name; repeatable.")] = None,
) -> None:
    """Measure health checks beside one client of each workload."""
    print("| engine | beside | its p50 ms | health check p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|")
    for each in engine or ENGINES:
        with scratch() as folder, serving(Variant(each, 1, users), folder) as ours:
            _say(each, "nothing", "", _health(ours.server, seconds))
            for beside in _workloads(ours):
                if not workload or any(part.lower() in beside.name.lower() for part in workload):
                    theirs, health = uvloop.run(_beside(ours.server, beside, seconds))
                    _say(each, beside.name, f"{theirs.p50 * 1e3:,.1f}", health)


def _workloads(ours: Serving) -> Iterator[Workload]:
    """All that there are, with one client each."""
    port = ours.server.port
    with everyday_workloads(port, ours.tenants, clients=1) as workloads:
        yield from workloads
    yield from long_workloads(port, ours.tenants[READ], ours.tenants[WRITTEN])


async def _beside(server: Server, workload: Workload, seconds: float) -> tuple[Sample, Sample]:
    """The health checks are a process's own: reading a long answer would keep them waiting here."""
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        health = asyncio.get_running_loop().run_in_executor(elsewhere, _health, server, seconds)
        theirs = await measure(server, workload.clients, seconds=seconds + _LATER_SECONDS, warm_up=0.3)
        return theirs, await health


def _health(server: Server, seconds: float) -> Sample:
    return uvloop.run(measure(server, [health_checks()], seconds=seconds, warm_up=0.3))


def _say(engine: str, beside: str, p50: str, health: Sample) -> None:
    times = (f"{each * 1e3:,.1f}" for each in (health.p50, health.p99, health.longest))
    print(f"| {engine} | {beside} | {p50} | {' | '.join(times)} |", flush=True)


if __name__ == "__main__":
    app()
