"""Playing a script: every case in turn, every step judged, everything that was created taken away again."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pydantic import JsonValue
from rich.console import Console

from headcount.rehearsal.cases import Case, Script, Step, load
from headcount.rehearsal.exchange import Answer, Line, NoAnswer, Ready, ready, walk
from headcount.rehearsal.judgement import judged, outlined, summary
from headcount.rehearsal.leavings import NAMES, Leavings
from headcount.rehearsal.placeholders import MissingValueError
from headcount.rehearsal.report import Outcome, Report, StepResult, render
from headcount.rehearsal.target import target

SILENCES_ENDURED = 1


def rehearse(provider: str, base_url: str, token: str, console: Console, *, timeout: float = 60.0) -> bool:
    """Play a provider ("okta") against a SCIM base URL and print the report; True when every required step passed.

    `timeout` is in seconds, for each request; Okta's own is 60. Whatever the server does becomes part of the report.
    Raises `cases.CannotRehearseError`, a ValueError that says what to do, when there is nothing to play or nowhere.
    """
    script = load(provider)
    with console.status(f"Playing {script.provider.name} …") as status:
        report = play(script, base_url, token, timeout=timeout, watch=lambda case: status.update(f"{case} …"))
    render(report, console)
    return report.passed


def play(
    script: Script,
    base_url: str,
    token: str,
    *,
    timeout: float = 60.0,
    watch: Callable[[str], None] = lambda case: None,
) -> Report:
    """Play a script against a SCIM base URL with a bearer token; `watch` hears the title of each case as it begins.

    Every user that was created is deleted again, also after a failure or Ctrl-C. Raises `cases.CannotRehearseError`
    for a base URL or token that no provider could use; `timeout` is in seconds, for each request.
    """
    to = target(base_url, token)
    with Line(to, script.provider, timeout) as line:
        performance = _Performance(script, line, secret=to.token)
        stopped = performance.play(watch)
    return Report(
        provider=script.provider.name,
        base_url=to.base_url,
        results=tuple(performance.results),
        created=performance.leavings.created,
        leftovers=performance.leavings.left(),
        stopped=stopped,
        unplayed=sum(len(case.steps) for case in script.cases) - len(performance.results),
    )


class _Performance:
    """One run: its random marker, the results so far, and the users to take away."""

    def __init__(self, script: Script, line: Line, secret: str) -> None:
        self.run = secrets.token_hex(5)
        self.results: list[StepResult] = []
        self.leavings = Leavings(line, self.run)
        self._script = script
        self._line = line
        self._secret = secret

    def play(self, watch: Callable[[str], None]) -> str | None:
        """Play all cases and clean up; why the run ended early, or None."""
        stopped: str | None = "interrupted"
        try:
            with suppress(KeyboardInterrupt):
                stopped = self._play_cases(watch)
        finally:
            with suppress(KeyboardInterrupt):  # asked twice to stop: what is left is in the report
                self.leavings.clean(last=True)
        return stopped

    def _play_cases(self, watch: Callable[[str], None]) -> str | None:
        for case in self._script.cases:
            watch(case.title)
            try:
                good = self._play_case(case)
            finally:
                self.leavings.clean()
            if self._nobody_answers():
                return "the server does not answer"
            if case.gate and not good:
                return f'after "{case.title}" has failed nothing else can go well'
        return None

    def _play_case(self, case: Case) -> bool:
        """Play the steps of a case, to the end or until nobody answers any more; whether all of them went well."""
        password = secrets.token_urlsafe(6)
        names: dict[str, JsonValue] = {"run": self.run, "RUN": self.run.upper(), "password": password}
        good = True
        for step in case.steps:
            result = self._play_step(case, step, names)
            self.results.append(self._without_secrets(result, password))
            good = good and result.outcome is Outcome.PASSED
            if self._nobody_answers():
                return False
        return good

    def _play_step(self, case: Case, step: Step, names: dict[str, JsonValue]) -> StepResult:
        """Play one step; what it keeps goes into `names`."""
        required = case.required if step.required is None else step.required
        begun = StepResult(case.title, step.title, required, Outcome.SKIPPED, outlined(step.expect))
        try:
            request = ready(step.request, names)
        except MissingValueError as missing:
            return replace(begun, came_back="not sent", problems=(str(missing),))
        answer = walk(self._line, request) if step.request.pages else self._send(request)
        problems = tuple(judged(step.expect, answer, names))
        if step.keep and isinstance(answer, Answer) and answer.status in step.expect.status:
            names |= {step.keep: answer.body} if isinstance(answer.body, dict) else {}
        failure = Outcome.FAILED if required else Outcome.WARNING
        outcome = failure if problems else Outcome.PASSED
        return replace(begun, outcome=outcome, came_back=summary(answer), problems=problems, ms=answer.ms)

    def _send(self, request: Ready) -> Answer | NoAnswer:
        """Send a request; one that creates a user or a group is written down first."""
        if request.method != "POST" or request.path not in NAMES:
            return self._line.send(request)
        user = self.leavings.expect(request.path, request.body)
        answer = self._line.send(request)
        self.leavings.settle(user, answer)
        return answer

    def _nobody_answers(self) -> bool:
        return self._line.silent > SILENCES_ENDURED

    def _without_secrets(self, result: StepResult, password: str) -> StepResult:
        """The result, should the server have repeated a secret in its answer, without it."""
        problems = (text.replace(self._secret, "(the token)") for text in result.problems)
        return replace(result, problems=tuple(text.replace(password, "(the password)") for text in problems))
