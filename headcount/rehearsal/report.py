"""What a run found, as data and as a table."""

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


class Outcome(StrEnum):
    """How a step went. WARNING: it failed and is not required. SKIPPED: an earlier answer that it needs is missing."""

    PASSED = "ok"
    FAILED = "FAILED"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepResult:
    """One step: `problems` holds a sentence for each thing that was wrong; `ms` is None when nothing was sent."""

    case: str
    step: str
    required: bool
    outcome: Outcome
    expected: str
    came_back: str = ""
    problems: tuple[str, ...] = ()
    ms: float | None = None


@dataclass(frozen=True)
class Leftover:
    """What the run created, or may have created, and could not delete: `state` says what is known of it."""

    name: str
    id: str | None
    state: str


@dataclass(frozen=True)
class Report:
    """A whole run. `stopped` says why it ended early (None: it did not), `unplayed` how many steps that cost."""

    provider: str
    base_url: str
    results: tuple[StepResult, ...]
    created: int
    leftovers: tuple[Leftover, ...]
    stopped: str | None = None
    unplayed: int = 0

    @property
    def passed(self) -> bool:
        """Whether every required step was played and went well."""
        return self.stopped is None and all(r.outcome is Outcome.PASSED for r in self.results if r.required)


def as_json(report: Report) -> str:
    """The report as a JSON object: its fields by their names, and `passed`."""
    return json.dumps({"passed": report.passed} | dataclasses.asdict(report), indent=2, ensure_ascii=False)


def render(report: Report, console: Console) -> None:
    """Print the report: the table of steps, what was left behind, and the verdict as the last word."""
    console.print(_table(report))
    if report.base_url.startswith("http://"):
        console.print(Text(f"Note: {report.provider} itself connects to https:// base URLs only."))
    if report.stopped is not None:
        console.print(Text(f"Stopped: {report.stopped}. Steps not played: {report.unplayed}.", style="bold red"))
    console.print(Text(_verdict(report), style="bold green" if report.passed else "bold red"))
    console.print(Text(_cleaned(report), style="bold yellow" if report.leftovers else ""))


def _table(report: Report) -> Table:
    title = Text(f"{report.provider} rehearsal against {report.base_url}", style="bold")
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("Step", ratio=3)
    table.add_column("Expected", ratio=3)
    table.add_column("Came back", ratio=4)
    table.add_column("Time", justify="right", no_wrap=True)
    case = ""
    for result in report.results:
        if result.case != case:
            case = result.case
            table.add_row("", Text(case, style="bold"), "", "", "")
        table.add_row(*_row(result))
    return table


def _row(result: StepResult) -> tuple[Text, Text, Text, Text, Text]:
    styles = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.WARNING: "yellow", Outcome.SKIPPED: "dim"}
    style = styles[result.outcome]
    came_back = "\n".join((result.came_back, *result.problems))
    return (
        Text(str(result.outcome), style=style),
        Text(f"  {result.step}" + ("" if result.required else " (optional)")),
        Text(result.expected, style="dim"),
        Text(_printable(came_back), style="" if result.outcome is Outcome.PASSED else style),
        Text("" if result.ms is None else f"{result.ms:.0f} ms"),
    )


def _verdict(report: Report) -> str:
    required = [r for r in report.results if r.required]
    good = sum(r.outcome is Outcome.PASSED for r in required)
    warnings = sum(r.outcome is not Outcome.PASSED for r in report.results if not r.required)
    verdict = "PASSED" if report.passed else "FAILED"
    return f"{verdict}: {good} of {len(required)} required steps went well; warnings: {warnings}."


def _cleaned(report: Report) -> str:
    if not report.leftovers:
        return f"Cleaned up: created and deleted again: {report.created}; nothing was left behind."
    lines = [f"Left behind, of {report.created} created: {len(report.leftovers)}. Remove them by hand:"]
    lines += [f"  {left.name} (id {left.id or 'unknown'}): {left.state}" for left in report.leftovers]
    return _printable("\n".join(lines))


def _printable(text: str) -> str:
    """The text without what would steer a terminal: a server's words are not to be trusted."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
