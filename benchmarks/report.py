"""The report: a table that a README can take as it is, the goals, and the same as JSON."""

import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import BARE, FASTAPI, LIMIT, Figures, Rounds, Spread, Verdict

_ROOT = Path(__file__).parents[1]
_TITLES = (
    "variant",
    "users",
    "workload",
    "CPU µs/request",
    "database's µs",
    "x bare",
    "x FastAPI",
    "x limit",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "server's cores",
)

_LONGEST_BAR = 60  # characters


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where, when and how it was measured."""

    date: str
    commit: str
    python: str
    processor: str
    processors: int
    fsync: Spread
    """Microseconds of an fsync on the databases' disk, once in each round."""
    users: list[int]
    """In each workspace: everything is measured once with each of these numbers."""
    clients: int
    rounds: int
    seconds: float
    others: Spread
    """How many processors everybody else on the machine kept busy."""
    client: float
    """How many processors the load client kept busy at the most: near 1, it limits the rate and not the server."""
    memory: dict[str, float]
    """Megabytes of each variant's processes when all was measured."""


def setting(measured: Rounds, **given: Any) -> Setting:
    """The setting of what was measured just now; `given` are the fields that the samples do not tell."""
    samples = [sample for each in measured.values() for sample in each]
    return Setting(
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        commit=_commit(),
        python=platform.python_version(),
        processor=_processor(),
        processors=os.cpu_count() or 0,
        others=Spread.of(sample.others_cpu / sample.seconds for sample in samples),
        client=max(sample.client_cpu / sample.seconds for sample in samples),
        **given,
    )


def as_text(setting: Setting, figures: list[Figures], goals: list[Verdict]) -> str:
    """The report for people: Markdown that reads well unrendered."""
    return "\n".join((*_heading(setting), "", *_table(figures), *_drawing(figures), "", *map(_line, goals)))


def as_data(setting: Setting, figures: list[Figures], goals: list[Verdict], rounds: Rounds) -> dict[str, Any]:
    """The report for programs, with every sample."""
    return {
        "setting": asdict(setting),
        "figures": [asdict(each.subject) | asdict(each) for each in figures],
        "goals": [
            {
                "variant": each.goal.variant,
                "users": each.users,
                "workload": each.goal.workload,
                "goal": each.goal.says,
                "reached": each.reached,
                "met": each.met,
            }
            for each in goals
        ],
        "samples": [
            asdict(subject) | {"rounds": [asdict(sample) for sample in samples]} for subject, samples in rounds.items()
        ],
    }


def _heading(setting: Setting) -> list[str]:
    memory = ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in setting.memory.items())
    machine = f"{setting.processors} cores ({setting.processor}), Python {setting.python}"
    size = f"{setting.clients} clients"
    length = f"{setting.rounds} rounds of {setting.seconds:g} s for each line"
    return [
        f"{setting.date}, commit {setting.commit}, {machine}",
        f"{size}, {length}; median (least-most) over the rounds; ratios are of CPU, within a round",
        f"Everybody else kept {_spread(setting.others, 2)} cores busy, the load client at most {setting.client:.2f}",
        f"An fsync took {_spread(setting.fsync, 0)} µs; memory at the end: {memory}",
    ]


def _table(figures: list[Figures]) -> list[str]:
    rows = [_TITLES, *map(_row, figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_TITLES))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def _drawing(figures: list[Figures]) -> Iterator[str]:
    """What a request costs with few and with many users: bars of one length are a cost that does not grow."""
    by_workload: dict[tuple[str, str], list[Figures]] = {}
    for each in figures:
        by_workload.setdefault((each.subject.variant, each.subject.workload), []).append(each)
    for (variant, workload), sizes in by_workload.items():
        if len(sizes) > 1:
            yield f"\n{variant}, {workload}, CPU µs by number of users"
            most = max(each.cpu.median for each in sizes)
            for each in sizes:
                bar = "█" * round(_LONGEST_BAR * each.cpu.median / most)
                yield f"{each.subject.users:>10,} {bar} {each.cpu.median:,.0f}"


def _row(each: Figures) -> tuple[str, ...]:
    return (
        each.subject.variant or "-",
        f"{each.subject.users:,}" if each.subject.users else "-",
        each.subject.workload,
        _spread(each.cpu, 0),
        _spread(each.database_cpu, 0) if each.database_cpu.most else "-",
        f"{each.times[BARE].median:.1f}",
        _spread(each.times[FASTAPI], 2),
        _spread(each.times[LIMIT], 2) if LIMIT in each.times else "-",
        _spread(each.rate, 0),
        _spread(each.p50, 1),
        _spread(each.p99, 1),
        f"{each.busy.median:.2f}",
    )


def _spread(spread: Spread, digits: int) -> str:
    return f"{spread.median:,.{digits}f} ({spread.least:,.{digits}f}-{spread.most:,.{digits}f})"


def _line(verdict: Verdict) -> str:
    goal = verdict.goal
    word = "met   " if verdict.met else "MISSED"
    where = f"{goal.variant}, {verdict.users:,} users, {goal.workload}"
    return f"{word}  {where}: {goal.says}; reached {verdict.reached:,.2f}"


def _commit() -> str:
    """The commit, and whether the product's files differ from it."""
    described = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=_ROOT, capture_output=True, text=True)
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--", "headcount", "service", "scim_facade", "graphql"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
    )
    return (described.stdout.strip() or "unknown") + (" with changes" if changed.stdout else "")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
