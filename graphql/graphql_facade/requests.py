"""GraphQL over HTTP: what a request must be to be looked at, and what an answer looks like.

The rules are those of the GraphQL-over-HTTP specification, cut to POST: no GET, no batches, no uploads. The body must
be JSON and say so, which no form of another site can do without asking first; and where the browser says that another
site is asking, that is enough to refuse.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

MAX_BODY = 1 << 20  # bytes
_BODY_SECONDS = 30.0

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)  # RFC 9110, 12.4.2

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"


class Rejected(Exception):  # noqa: N818 - an answer, not a fault
    """A request that is refused before there is an operation: status, code and message."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **details: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body = {"errors": [{"message": message, "extensions": {"code": code, **details}}]}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for: a document, or the hash that one is known by, or both; and what is to be run of it."""

    query: str | None
    document_id: str | None
    variables: dict[str, Any] | None
    name: str | None


class GraphqlResponse(Response):
    """A response with GraphQL's JSON in it; nobody may keep it."""

    def __init__(self, content: Any, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status, {"Cache-Control": "no-store", **(headers or {})}, media_type)

    def render(self, content: Any) -> bytes:
        """The JSON."""
        return orjson.dumps(content)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a client can read: one answer as JSON of this media type, if any, and answers as they come, as events."""

    json: str | None
    events: bool


def accepted(accept: str | None) -> Accepted:
    """What an Accept header says: the JSON that the client likes best, plain unless it names the other; or Rejected."""
    if not accept:
        return Accepted(JSON, events=False)
    ranges = dict(map(_media_range, accept.split(",")))
    named = ranges.get(GRAPHQL_JSON, 0.0)
    plain = next((ranges[each] for each in (JSON, "application/*", "*/*") if each in ranges), 0.0)
    events = ranges.get(EVENT_STREAM, 0.0) > 0
    if named <= 0 and plain <= 0 and not events:
        raise Rejected(406, "NOT_ACCEPTABLE", f"Answers are {GRAPHQL_JSON} or {JSON}; accept one of them.")
    return Accepted((GRAPHQL_JSON if named >= plain else JSON) if max(named, plain) > 0 else None, events)


def refuse_unless_own_page(request: Request, *, secure: bool) -> None:
    """Refuse what a page of another origin asks for; `secure`: a page of plain http is another origin too."""
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin")
    scheme, _, authority = (origin or "").lower().partition("://")
    own = scheme == "https" or (scheme == "http" and not secure)
    if site == "cross-site" or (
        origin is not None and not (own and authority == request.headers.get("host", "").lower())
    ):
        raise Rejected(403, "CROSS_SITE", "Another site may not use this API with somebody's cookie.")


async def read_asked(request: Request) -> Asked:
    """The operation in a request's body, or Rejected."""
    if request.method != "POST":
        raise Rejected(405, "METHOD_NOT_ALLOWED", "Only POST is possible here.", {"Allow": "POST"})
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise Rejected(415, "UNSUPPORTED_MEDIA_TYPE", f"The Content-Type must be {JSON}.")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await _body(request)
    except TimeoutError:
        raise Rejected(408, "TIMEOUT", f"The body did not arrive within {_BODY_SECONDS:.0f} seconds.") from None
    return _asked(body)


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY:
                raise Rejected(413, "TOO_LARGE", f"The body must not have more than {MAX_BODY:,} bytes.")
            chunks.append(chunk)
    except ClientDisconnect:
        raise Rejected(400, "BAD_REQUEST", "The connection broke before the body was complete.") from None
    return b"".join(chunks)


def _asked(body: bytes) -> Asked:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _bad(f"The body is no JSON that can be read: {error}.") from None
    if isinstance(document, list):
        raise _bad("The body must be one operation: there are no batches here.")
    if not isinstance(document, dict):
        raise _bad("The body must be a JSON object with a `query`.")
    query, document_id, variables, name = map(document.get, ("query", "documentId", "variables", "operationName"))
    if not isinstance(document_id, str | None):
        raise _bad("`documentId` must be a text.")
    if not isinstance(query, str | None) or not (document_id or (query and query.strip())):
        raise _bad("`query` must be a text with a GraphQL document in it.")
    if not isinstance(variables, dict | None):
        raise _bad("`variables` must be an object.")
    if not isinstance(name, str | None):
        raise _bad("`operationName` must be a text.")
    return Asked(query, document_id, variables, name)


def _bad(message: str) -> Rejected:
    return Rejected(400, "BAD_REQUEST", message)


def _media_range(text: str) -> tuple[str, float]:
    """A range of an Accept header and how much it is liked, 0 to 1."""
    media_range, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
    return media_range, float(quality) if _QUALITY.fullmatch(quality) else 0.0
