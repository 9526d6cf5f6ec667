"""From samples to figures: medians and spread over rounds, ratios within a round, and the goals."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.load import Sample

BARE, FASTAPI = "bare ASGI route", "FastAPI route"
FLOORS = (BARE, FASTAPI)


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

    variant: str
    workload: str
    cpu: Spread
    """Microseconds of the server's processes for a request."""
    database_cpu: Spread
    """Microseconds of the database server's processes for a request; 0 where the server keeps the database."""
    times: dict[str, Spread]
    """How many times a floor's CPU, by the floor's name."""
    rate: Spread
    """Requests per second."""
    p50: Spread
    """Milliseconds."""
    p99: Spread
    """Milliseconds."""
    busy: Spread
    """How many processors the server's processes kept busy."""


Rounds = dict[tuple[str, str], list[Sample]]
"""The samples of a variant's workload, one for each round; floors have the variant "" and their name."""


def figures_of(rounds: Rounds) -> list[Figures]:
    """Every workload's figures, in the order in which they were first measured."""
    return [_figures(variant, workload, samples, rounds) for (variant, workload), samples in rounds.items()]


def _figures(variant: str, workload: str, samples: list[Sample], rounds: Rounds) -> Figures:
    return Figures(
        variant=variant,
        workload=workload,
        cpu=Spread.of(sample.cpu_each for sample in samples),
        database_cpu=Spread.of(sample.database_cpu_each for sample in samples),
        times={
            floor: Spread.of(
                mine.cpu_each / least.cpu_each for mine, least in zip(samples, rounds["", floor], strict=True)
            )
            for floor in FLOORS
        },
        rate=Spread.of(sample.rate for sample in samples),
        p50=Spread.of(sample.p50 * 1e3 for sample in samples),
        p99=Spread.of(sample.p99 * 1e3 for sample in samples),
        busy=Spread.of(sample.cpu / sample.seconds for sample in samples),
    )


@dataclass(frozen=True)
class Goal:
    """Something to reach by one workload on one variant; never asserted, since machines differ."""

    variant: str
    workload: str
    says: str
    reached: Callable[[Figures], float]
    """What was reached."""
    met: Callable[[float], bool]


def _of_fastapi(figures: Figures) -> float:
    return figures.times[FASTAPI].median


def _rate(figures: Figures) -> float:
    return figures.rate.median


_AT_MOST_3 = "CPU at most 3 times the FastAPI route's"

GOALS = (
    Goal("sqlite-1", "SCIM get by id", _AT_MOST_3, _of_fastapi, lambda times: times <= 3),
    Goal("sqlite-1", "SCIM look-up by userName", _AT_MOST_3, _of_fastapi, lambda times: times <= 3),
    Goal("sqlite-1", "SCIM create", "at least 1,000 durable ones a second", _rate, lambda rate: rate >= 1_000),
)


@dataclass(frozen=True)
class Verdict:
    """A goal and what came of it."""

    goal: Goal
    reached: float
    met: bool


def verdicts(figures: list[Figures]) -> list[Verdict]:
    """What came of the goals whose workload was measured."""
    known = {(each.variant, each.workload): each for each in figures}
    measured = ((goal, known.get((goal.variant, goal.workload))) for goal in GOALS)
    judged = ((goal, goal.reached(found)) for goal, found in measured if found is not None)
    return [Verdict(goal, reached, goal.met(reached)) for goal, reached in judged]
