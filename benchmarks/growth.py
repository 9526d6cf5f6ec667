"""The regression guard: which workload costs more, as a ratio to the limit server, than it did in an earlier run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import LIMIT, Figures, Subject

ALLOWED = 1.15  # times what it was; less is what machines differ by from one run to the next


@dataclass(frozen=True)
class Growth:
    """What a workload cost before and costs now, as multiples of the limit server's CPU in the same run."""

    subject: Subject
    before: float
    now: float

    def __str__(self) -> str:
        where = f"{self.subject.variant}, {self.subject.users:,} users, {self.subject.workload}"
        return f"GREW    {where}: {self.before:,.2f} times the limit before, {self.now:,.2f} now"


def growths(before: dict[str, Any], figures: list[Figures]) -> Iterator[Growth]:
    """The workloads that have grown by more than is allowed; `before` is a report as `report.as_data` makes it."""
    known = {
        Subject(each["variant"], each["users"], each["workload"]): each["times"][LIMIT]["median"]
        for each in before["figures"]
        if LIMIT in each["times"]
    }
    for each in figures:
        if each.subject in known and each.times[LIMIT].median > ALLOWED * known[each.subject]:
            yield Growth(each.subject, known[each.subject], each.times[LIMIT].median)
