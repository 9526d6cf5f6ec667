"""From samples to figures: medians and spread over rounds, ratios within a round, and the goals."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.load import Sample

BARE, FASTAPI = "bare ASGI route", "FastAPI route"
FLOORS = (BARE, FASTAPI)
LIMIT = "limit"  # the variant that is a server written by hand


@dataclass(frozen=True)
class Subject:
    """What is measured: a workload on a variant with this many users in each workspace. Floors have neither."""

    variant: str
    users: int
    workload: str


@dataclass(frozen=True)
class Spread:
    """A figure over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of at least one value."""
        known = list(values)
        return cls(median(known), min(known), max(known))


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A workload's figures on one variant. Ratios are of CPU, made within each round and then put in the middle."""

    subject: Subject
    cpu: Spread
    """Microseconds of the server's processes for a request."""
    database_cpu: Spread
    """Microseconds of the database server's processes for a request; 0 where the server keeps the database."""
    times: dict[str, Spread]
    """How many times the CPU of a floor, by its name, and of the same on the limit server, where that is measured."""
    rate: Spread
    """Requests per second."""
    p50: Spread
    """Milliseconds."""
    p99: Spread
    """Milliseconds."""
    busy: Spread
    """How many processors the server's processes kept busy."""


Rounds = dict[Subject, list[Sample]]
"""The samples of each subject, one for each round."""


def figures_of(rounds: Rounds) -> list[Figures]:
    """Every workload's figures, in the order in which they were first measured."""
    return [_figures(subject, samples, rounds) for subject, samples in rounds.items()]


def _figures(subject: Subject, samples: list[Sample], rounds: Rounds) -> Figures:
    compared = {floor: Subject("", 0, floor) for floor in FLOORS} | {LIMIT: replace(subject, variant=LIMIT)}
    return Figures(
        subject=subject,
        cpu=Spread.of(sample.cpu_each for sample in samples),
        database_cpu=Spread.of(sample.database_cpu_each for sample in samples),
        times={
            name: Spread.of(mine.cpu_each / other.cpu_each for mine, other in zip(samples, rounds[least], strict=True))
            for name, least in compared.items()
            if least in rounds
        },
        rate=Spread.of(sample.rate for sample in samples),
        p50=Spread.of(sample.p50 * 1e3 for sample in samples),
        p99=Spread.of(sample.p99 * 1e3 for sample in samples),
        busy=Spread.of(sample.cpu / sample.seconds for sample in samples),
    )


@dataclass(frozen=True)
class Goal:
    """Something to reach by one workload on one variant, whatever the number of users; never asserted, since machines
    differ."""

    variant: str
    workload: str
    says: str
    reached: Callable[[Figures], float | None]
    """What was reached; None where that was not measured."""
    met: Callable[[float], bool]


def _of_fastapi(figures: Figures) -> float:
    return figures.times[FASTAPI].median


def _of_limit(figures: Figures) -> float | None:
    return figures.times[LIMIT].median if LIMIT in figures.times else None


def _rate(figures: Figures) -> float:
    return figures.rate.median


def _at_most(
    times: float, of: str, reached: Callable[[Figures], float | None], workloads: tuple[str, ...]
) -> Iterator[Goal]:
    says = f"CPU at most {times:g} times {of}"
    return (Goal("sqlite-1", workload, says, reached, lambda got: got <= times) for workload in workloads)


_READS = ("SCIM get by id", "SCIM look-up by userName", "SCIM look-up by e-mail")
_WRITES = ("SCIM create", "SCIM PATCH active")
_PAGES = ("SCIM page of 100", "SCIM last page of 100", "SCIM cursor page of 100")

GOALS = (
    *_at_most(3, "the FastAPI route's", _of_fastapi, _READS[:2]),
    *_at_most(2.5, "the limit server's", _of_limit, (*_READS, *_WRITES, *_PAGES)),
    *_at_most(1.6, "the limit server's", _of_limit, ("GraphQL page of 50 x 8",)),
    Goal("sqlite-1", "SCIM create", "at least 1,000 durable ones a second", _rate, lambda rate: rate >= 1_000),
)


@dataclass(frozen=True)
class Verdict:
    """A goal and what came of it with this many users."""

    goal: Goal
    users: int
    reached: float
    met: bool


def verdicts(figures: list[Figures]) -> list[Verdict]:
    """What came of the goals whose workload was measured."""
    judged = (
        (goal, each.subject.users, goal.reached(each))
        for goal in GOALS
        for each in figures
        if (goal.variant, goal.workload) == (each.subject.variant, each.subject.workload)
    )
    return [Verdict(goal, users, reached, goal.met(reached)) for goal, users, reached in judged if reached is not None]
