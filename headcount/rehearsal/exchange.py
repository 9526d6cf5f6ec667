"""One request and its answer, over a real connection; whatever goes wrong on the way becomes a sentence."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import httpx2
import orjson
from pydantic import JsonValue

from headcount.rehearsal.cases import Provider, Request
from headcount.rehearsal.matchers import Actual, Nothing
from headcount.rehearsal.placeholders import Names, fill, fill_text, merged
from headcount.rehearsal.target import Target

CONNECT_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 60
RETRIES_WHEN_BUSY = 5


@dataclass(frozen=True)
class Ready:
    """A request with nothing left to fill in: the URL's part after the base, and the JSON body or none."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: JsonValue = None


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is Nothing when there was none or it was not JSON; `ms` is the time in milliseconds."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Actual
    ms: float
    requests: int = 1


@dataclass(frozen=True)
class NoAnswer:
    """Nothing usable came back; `why` is a sentence, `ms` the time in milliseconds until it was known."""

    why: str
    ms: float


def segment(text: str) -> str:
    """A value as one segment of a path, whatever characters a server puts into its ids."""
    return quote(text, safe="")


def ready(request: Request, names: Names) -> Ready:
    """The request with its placeholders filled in. Raises placeholders.MissingValueError."""
    body = fill(request.body, names)
    if request.body_from is not None:
        changes = {name: fill(value, names) for name, value in request.merge.items()}
        whole = merged(fill(f"{{{{{request.body_from}}}}}", names), changes)
        body = {name: value for name, value in whole.items() if name not in request.without}
    return Ready(
        method=request.method,
        path=fill_text(request.path, names, escaped=segment),
        query={key: fill_text(value, names) for key, value in request.query.items()},
        headers=request.headers,
        body=body,
    )


class Line:
    """The connection to the target. `silent` counts the requests in a row that got no answer."""

    def __init__(self, to: Target, provider: Provider, timeout: float) -> None:
        self.silent = 0
        self._to = to
        self._provider = provider
        self._timeout = timeout
        limits = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        self._client = httpx2.Client(timeout=limits, follow_redirects=False)
        self._client.headers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def send(self, request: Ready) -> Answer | NoAnswer:
        """Send a request, with the provider's headers. A 429 is obeyed as Okta does: wait Retry-After, try again."""
        answer = self._send_once(request)
        for _ in range(RETRIES_WHEN_BUSY):
            pause = _pause_asked_for(answer)
            if pause is None:
                break
            time.sleep(pause)
            answer = self._send_once(request)
        self.silent = self.silent + 1 if isinstance(answer, NoAnswer) else 0
        return answer

    def _send_once(self, request: Ready) -> Answer | NoAnswer:
        url = self._to.connect_url + request.path
        if request.query:
            url += "?" + urlencode(request.query, quote_via=quote, safe="")
        content = None if request.body is None else orjson.dumps(request.body)
        begun = time.perf_counter()
        try:
            response = self._client.request(request.method, url, headers=self._headers(request), content=content)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            return NoAnswer(self._sentence(error), _ms_since(begun))
        return Answer(response.status_code, response.headers, response.text, _json(response.content), _ms_since(begun))

    def _headers(self, request: Ready) -> dict[str, str]:
        headers: dict[str, str | None] = dict(self._provider.headers)
        headers |= self._provider.body_headers if request.body is not None else {}
        headers |= request.headers
        names: Names = {"token": self._to.token}
        filled = {name: fill_text(value, names) for name, value in headers.items() if value is not None}
        return {"Host": self._to.host, **filled}

    def _sentence(self, error: Exception) -> str:
        """Why there was no answer, in words for an admin."""
        if isinstance(error, httpx2.ConnectTimeout):
            return f"no connection within {min(self._timeout, CONNECT_SECONDS):g} s"
        if isinstance(error, httpx2.TimeoutException):
            return f"no answer within {self._timeout:g} s"
        if isinstance(error, httpx2.ConnectError):
            why = "the TLS certificate was not accepted" if "certificate" in str(error).lower() else "no connection"
            return f"{why}: {error}"
        return f"the connection broke before a whole answer came: {error or type(error).__name__}"


def walk(line: Line, request: Ready) -> Answer | NoAnswer:
    """All pages of a list as one answer, asked for as Okta's import does: startIndex grows by count.

    The answer is the first page with the Resources of all; a page that is no list is returned as it came.
    """
    count, pages, total_ms = int(request.query["count"]), 0, 0.0
    everything: list[JsonValue] = []
    first: Answer | None = None
    while True:
        page = line.send(replace(request, query={**request.query, "startIndex": str(1 + pages * count)}))
        if isinstance(page, NoAnswer) or not isinstance(page.body, dict):
            return page
        resources, total = page.body.get("Resources"), page.body.get("totalResults")
        if page.status != httpx2.codes.OK or not isinstance(resources, list) or not isinstance(total, int):
            return page
        first, pages = first or page, pages + 1
        everything, total_ms = everything + resources, total_ms + page.ms
        if not resources or pages * count >= total:
            return replace(first, body={**page.body, "Resources": everything}, ms=total_ms, requests=pages)


def _pause_asked_for(answer: Answer | NoAnswer) -> int | None:
    """The seconds to wait before the next attempt; None when there is to be none."""
    if isinstance(answer, NoAnswer) or answer.status != httpx2.codes.TOO_MANY_REQUESTS:
        return None
    wait = answer.headers.get("Retry-After", "")
    return int(wait) if wait.isdecimal() and int(wait) <= LONGEST_PAUSE_SECONDS else None


def _json(content: bytes) -> Actual:
    try:
        parsed: JsonValue = orjson.loads(content)
    except orjson.JSONDecodeError:
        return Nothing.ABSENT
    return parsed


def _ms_since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)
