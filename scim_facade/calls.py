"""One SCIM request that has been let in: who asks, what they sent, and where the resources live."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request

from scim_facade.messages import MEDIA_TYPE, Document, Rejected
from service.actor import Actor
from service.unit_of_work import UnitOfWork
from service.work import Work

P = ParamSpec("P")
T = TypeVar("T")

MAX_BODY = 1 << 20  # bytes
_BODY_SECONDS = 30.0
_MEDIA_TYPES = frozenset({MEDIA_TYPE, "application/json"})
_MAX_DIGITS = 9


class Call:
    """A request, its actor and the work that verbs run in. Methods raise Rejected for what cannot be read."""

    def __init__(self, request: Request, work: Work, actor: Actor, prefix: str) -> None:
        self._request = request
        self._work = work
        self._actor = actor
        self._prefix = prefix

    @property
    def id(self) -> str:
        """The resource that the path names."""
        return str(self._request.path_params["id"])

    async def read(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads, as the key's holder."""
        return await self._work.read(self._actor, verb, *args, **kwargs)

    async def write(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction, as the key's holder."""
        return await self._work.write(self._actor, verb, *args, **kwargs)

    def location(self, *parts: str) -> str:
        """The absolute address of a resource, on the host that the client asked."""
        scope = self._request.scope
        host = self._request.headers["host"]
        return "/".join((f"{scope['scheme']}://{host}{self._prefix}", *parts))

    def header(self, name: str) -> str | None:
        """A header of the request."""
        return self._request.headers.get(name)

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

    async def document(self) -> Document:
        """The JSON object in the request's body."""
        media_type = self._request.headers.get("content-type", MEDIA_TYPE).partition(";")[0].strip().lower()
        if media_type not in _MEDIA_TYPES:
            raise Rejected(415, f"The Content-Type must be {MEDIA_TYPE} (or application/json), not {media_type!r}.")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await self._body()
        except TimeoutError:
            raise Rejected(408, f"The body did not arrive within {_BODY_SECONDS:.0f} seconds.") from None
        document = read_json(body)
        if not isinstance(document, dict):
            raise Rejected(400, "The body must be a JSON object.", "invalidSyntax")
        return document

    async def _body(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in self._request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise Rejected(413, f"The body must not have more than {MAX_BODY:,} bytes.")
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
