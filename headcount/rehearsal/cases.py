"""Case files: what a provider sends, and what it needs to hear, as strictly validated data.

A provider is a folder beside this file: `provider.json` (its name and the headers of its every request) and one
file for each case, played in the order of their names. A case is self-contained: it creates the users that it
needs, under names that hold `{{run}}`. Placeholders and matchers: see `placeholders` and `matchers`. Besides the
answers that earlier steps kept, a placeholder may name

    run, RUN   a random marker, the same for a whole run (RUN in capitals), so that two runs never collide
    password   eight random characters, as Okta makes them up
    answer     the body that is being compared (in `expect` only)
    token      the bearer token (in headers only)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from headcount.rehearsal.matchers import faults
from headcount.rehearsal.placeholders import names_used

ALWAYS_KNOWN = frozenset({"run", "RUN", "password"})

Sentence = Annotated[str, Field(min_length=3)]
Path = Annotated[str, Field(pattern="^/")]
Name = Annotated[str, Field(pattern="^[a-z]+$")]


class CannotRehearseError(ValueError):
    """The rehearsal cannot begin; the text says what to do about it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Request(_Strict):
    """One request. Headers come on top of the provider's; null takes one away.

    The body is written out (`body`), or is the kept answer `body_from` with `merge` laid over it as
    `placeholders.merged` does and the attributes in `without` left out. `pages` walks the list as an import does,
    `count` at a time, until `totalResults` is reached, and makes one list of it.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Path
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str | None] = Field(default_factory=dict)
    body: JsonValue = None
    body_from: Name | None = None
    merge: dict[str, JsonValue] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    pages: bool = False

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.body is not None and self.body_from is not None:
            raise ValueError("a request has body or body_from, not both")
        if self.body_from is None and (self.merge or self.without):
            raise ValueError("merge and without need body_from")
        if self.method == "GET" and (self.body is not None or self.body_from is not None):
            raise ValueError("a GET has no body")
        if self.pages and not self.query.get("count", "").isdigit():
            raise ValueError("pages needs a count in query")
        return self


class Expectation(_Strict):
    """What must come back: one of `status`, headers and body as the matchers say, within so many milliseconds.

    A 204 has no body, so it is not compared with `body`.
    """

    status: Annotated[tuple[int, ...], Field(min_length=1)]
    headers: dict[str, JsonValue] = Field(default_factory=dict)
    body: JsonValue = None
    within_ms: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for fault in faults(dict(self.headers) | {"body": self.body}):
            raise ValueError(fault)
        return self


class Step(_Strict):
    """One request and its answer; `keep` names the answer's body for later steps of the case."""

    title: Sentence
    request: Request
    expect: Expectation
    keep: Name | None = None
    required: bool | None = None


class Case(_Strict):
    """What an admin would call one thing that happens: a title, its public sources, its steps.

    Steps are required unless they or their case say otherwise; a step that is not, and fails, is a warning. Of a
    case that is a `gate` every step must pass, or nothing after it is played.
    """

    title: Sentence
    sources: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    required: bool = True
    gate: bool = False

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        kept: set[str] = set()
        for number, step in enumerate(self.steps):
            for unknown in _unknown_names(step, kept):
                raise ValueError(f"steps.{number}: nothing before this step is called {unknown}")
            kept |= {step.keep} if step.keep else set()
        return self


class Provider(_Strict):
    """Who is played: the headers of every request, and of those with a body, with their sources."""

    name: Sentence
    sources: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    headers: dict[str, str]
    body_headers: dict[str, str]


@dataclass(frozen=True)
class Script:
    """A provider and its cases in playing order."""

    provider: Provider
    cases: tuple[Case, ...]


def load(provider: str) -> Script:
    """The script of a provider by its folder's name, such as "okta". Raises CannotRehearseError when there is none."""
    folder = files("headcount.rehearsal")
    there = sorted(entry.name for entry in folder.iterdir() if entry.joinpath("provider.json").is_file())
    if provider not in there:
        raise CannotRehearseError(f'There is no rehearsal called "{provider}"; choose one of: {", ".join(there)}.')
    return load_folder(folder.joinpath(provider))


def load_folder(folder: Traversable) -> Script:
    """The script in a folder. Raises CannotRehearseError, naming file and key, when a file is not as it must be."""
    provider = folder.joinpath("provider.json")
    cases = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".json") and entry.name != provider.name),
        key=lambda entry: entry.name,
    )
    return Script(_parsed(provider, Provider), tuple(_parsed(case, Case) for case in cases))


_M = TypeVar("_M", bound=_Strict)


def _parsed(file: Traversable, model: type[_M]) -> _M:
    try:
        return model.model_validate_json(file.read_bytes())
    except ValidationError as invalid:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in invalid.errors())
        raise CannotRehearseError(f"The case file {file.name} is not as it must be: {faults}.") from invalid


def _unknown_names(step: Step, kept: set[str]) -> Iterator[str]:
    """The names that a step uses although nothing before it provides them."""
    request, known = step.request, ALWAYS_KNOWN | kept
    headers: JsonValue = dict(request.headers)
    sent: JsonValue = [request.path, dict(request.query), request.body, request.merge]
    awaited: JsonValue = [dict(step.expect.headers), step.expect.body]
    yield from set(names_used(headers)) - known - {"token"}
    yield from set(names_used(sent)) - known
    yield from set(names_used(awaited)) - known - {"answer"}
    if request.body_from is not None and request.body_from not in known:
        yield request.body_from
