"""One SCIM request that has been let in: who asks, what they sent, and where the resources live."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from scim_facade.messages import MEDIA_TYPE, Document, Rejected
from scim_facade.recording import Recording
from scim_facade.tolerances import Tolerances
from service.actor import Actor
from service.authentication import Caller
from service.unit_of_work import UnitOfWork
from service.work import Work

P = ParamSpec("P")
T = TypeVar("T")

MAX_BODY = 1 << 20  # bytes
_BODY_SECONDS = 20.0
_LARGE = 1 << 14  # bytes of a body that takes long enough to read for others to notice
_MEDIA_TYPES = frozenset({MEDIA_TYPE, "application/json"})
_OF_THE_CONNECTION = ("type", "asgi", "http_version", "scheme", "server", "client", "root_path")
_OF_THE_CLIENT = (b"host", b"authorization", b"user-agent")
_MAX_DIGITS = 9


class Call:
    """A request, its actor and the work that verbs run in. Methods raise Rejected for what cannot be read."""

    def __init__(self, request: Request, work: Work, actor: Actor, prefix: str, facade: ASGIApp) -> None:
        self._request = request
        self._work = work
        self._actor = actor
        self._recording: Recording = request.scope["state"]["recording"]
        self._prefix = prefix
        self._facade = facade

    @property
    def id(self) -> str:
        """The resource that the path names."""
        return str(self._request.path_params["id"])

    @property
    def tolerances(self) -> Tolerances:
        """What this request may be forgiven."""
        return self._recording.tolerances

    @property
    def keeps_order(self) -> bool:
        """See `Work.keeps_order`."""
        return self._work.keeps_order

    async def read(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads, as the key's holder."""
        return await self._work.read(self._actor, verb, *args, **kwargs)

    async def write(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction, as the key's holder."""
        if asks := self._request.scope["state"].get("asks"):
            asks()

        def noted(uow: UnitOfWork, /, *args: P.args, **kwargs: P.kwargs) -> T:
            result = verb(uow, *args, **kwargs)
            self._recording.events = uow.recorded
            return result

        return await self._work.write(self._actor, noted, *args, **kwargs)

    def location(self, *parts: str) -> str:
        """The absolute address of a resource, on the host that the client asked."""
        scope = self._request.scope
        host = self._request.headers["host"]
        return "/".join((f"{scope['scheme']}://{host}{self._prefix}", *parts))

    def header(self, name: str) -> str | None:
        """A header of the request; several of one name are one list (RFC 9110, 5.3)."""
        values = self._request.headers.getlist(name)
        return ", ".join(values) if values else None

    @property
    def request_id(self) -> str | None:
        """What the logs call this request."""
        caller: Caller = self._request.scope["state"]["caller"]
        return caller.request_id

    def has(self, name: str) -> bool:
        """Whether there is a query parameter of this name, if only an empty one."""
        return name in self._request.query_params

    def text(self, name: str) -> str | None:
        """A query parameter, or None where it is absent or empty."""
        return self._request.query_params.get(name) or None

    def number(self, name: str, default: int) -> int:
        """A query parameter that must be an integer."""
        text = self.text(name)
        if text is None:
            return default
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
            raise Rejected(400, f"{name} must be an integer of at most {_MAX_DIGITS} digits.", "invalidValue")
        return int(text)

    async def document(self, max_body: int = MAX_BODY) -> Document:
        """The JSON object in the request's body, which may have this many bytes."""
        media_type = (self.header("content-type") or MEDIA_TYPE).partition(";")[0].strip().lower()
        if media_type not in _MEDIA_TYPES:
            raise Rejected(415, f"The Content-Type must be {MEDIA_TYPE} (or application/json), not {media_type!r}.")
        if (coding := self.header("content-encoding") or "identity").lower() != "identity":
            why = f"The body must be sent as it is, not with the Content-Encoding {coding!r}."
            raise Rejected(415, why, headers={"Accept-Encoding": "identity"})
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = self._recording.body = await self._body(max_body)
        except TimeoutError:
            why = f"The body did not arrive within {_BODY_SECONDS:.0f} seconds: send the request again."
            raise Rejected(408, why, headers={"Connection": "close"}) from None
        document = await asyncio.to_thread(read_json, body) if len(body) > _LARGE else read_json(body)
        if not isinstance(document, dict):
            raise Rejected(400, "The body must be a JSON object.", "invalidSyntax")
        return document

    async def interpreted(self, read: Callable[[Document, Tolerances], T]) -> T:
        """What the document in the request's body says; a large one is read in a thread, so that nobody waits."""
        document = await self.document()
        if len(self._recording.body) > _LARGE:
            return await asyncio.to_thread(read, document, self.tolerances)
        return read(document, self.tolerances)

    async def answered(
        self, method: str, path: str, body: bytes, if_match: str | None, asks: Callable[[], None]
    ) -> Response:
        """The answer to another request of the same client, which is served as if it had come by itself.

        `asks` is called when it asks for something to be written, which is before that has been done.
        """
        headers = [(name, value) for name, value in self._request.headers.raw if name in _OF_THE_CLIENT]
        if if_match is not None:
            headers.append((b"if-match", if_match.encode("latin-1", "replace")))
        scope = {
            **{name: self._request.scope[name] for name in _OF_THE_CONNECTION},
            "method": method,
            "path": self._prefix + path,
            "query_string": b"",
            "headers": headers,
            "state": {"caller": self._request.scope["state"]["caller"], "asks": asks},
        }
        answer = Response()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status_code, answer.raw_headers = message["status"], message["headers"]
            else:
                answer.body += message["body"]

        await self._facade(scope, receive, send)
        return answer

    async def _body(self, max_body: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in self._request.stream():
                size += len(chunk)
                if size > max_body:
                    raise Rejected(413, f"The body must not have more than {max_body:,} bytes: send less at a time.")
                chunks.append(chunk)
        except ClientDisconnect:
            raise Rejected(400, "The connection broke before the body was complete.") from None
        return b"".join(chunks)


def read_json(body: bytes) -> Any:
    """JSON as RFC 8259 has it, strictly: UTF-8, no NaN, no lone surrogate, bounded depth, no name twice."""
    try:
        document = orjson.loads(body)
        json.loads(body, object_pairs_hook=_without_twins)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Rejected(400, f"The body is no JSON that can be read: {error}.", "invalidSyntax") from None
    return document


def _without_twins(pairs: list[tuple[str, object]]) -> None:
    # orjson takes the last of two members of one name, silently; readers that take the first would see another user.
    if len({name for name, _ in pairs}) < len(pairs):
        raise Rejected(400, "The body has an object with the same name twice.", "invalidSyntax")
