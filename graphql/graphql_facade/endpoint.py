"""The endpoint: one HTTP request in; one GraphQL answer out, or a stream of them."""

from collections import Counter
from collections.abc import AsyncIterator
from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType, execute, subscribe
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.execution.is_awaitable import optimized_is_awaitable

from graphql_facade.context import Context
from graphql_facade.documents import Document, Documents
from graphql_facade.entrance import Entrance
from graphql_facade.failures import Told, response_to, told
from graphql_facade.lists import ListExecutor
from graphql_facade.rate_limits import RateLimits
from graphql_facade.requests import JSON, Accepted, Asked, GraphqlResponse, Rejected, accepted, read_asked
from graphql_facade.schema import make_schema
from graphql_facade.trusted_documents import TrustedDocuments
from service.authentication import Caller
from service.refusals import Refused

_MAX_STREAMS = 10  # that one caller may have open
_PING_SECONDS = 15


class GraphqlEndpoint:
    """The ASGI application at one path; `scope["state"]["caller"]` says who calls and from where.

    `development` allows introspection and suggestions. Where there are `trusted` documents, browsers may have no others
    run. A caller may ask for `points_per_minute`.
    """

    def __init__(
        self, entrance: Entrance, trusted: TrustedDocuments | None, *, development: bool, points_per_minute: int
    ) -> None:
        self._entrance = entrance
        self._trusted = trusted
        self._development = development
        self._schema = make_schema()._schema  # graphql-core's, which runs it
        self._documents = Documents(self._schema, introspection=development)
        self._rate_limits = RateLimits(points_per_minute)
        self._streams: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        readable = Accepted(JSON, events=False)
        try:
            readable = accepted(request.headers.get("accept"))
            response = await self._answer(request, readable)
        except Exception as error:
            response = response_to(error, request.state.caller, readable.json or JSON)
        await response(scope, receive, send)

    async def _answer(self, request: Request, readable: Accepted) -> Response:
        self._entrance.refuse_other_sites(request)
        asked = await read_asked(request)
        context = await self._entrance.context_of(request)
        caller = context.caller
        try:
            document = self._documents.document(self._text(asked, context))
            if document.errors:
                return self._unread(document.errors, readable, caller)
            operation = document.operation(asked.name)
        except GraphQLError as error:
            return self._unread([error], readable, caller)
        who = await _who(context)
        context.rate_limit = self._rate_limits.take(who, operation.cost.of(asked.variables))
        if operation.kind is OperationType.SUBSCRIPTION:
            if not readable.events:
                raise Rejected(406, "NOT_ACCEPTABLE", "A subscription is answered with text/event-stream: accept it.")
            self._refuse_too_many_streams(who)
            return EventSourceResponse(self._events(who, document, asked, context), ping=_PING_SECONDS)
        executed = execute(**self._arguments(document, asked, context))
        result = await executed if isawaitable(executed) else executed
        body = self._body(result, caller)
        response: Response
        if readable.json is None and "data" in body:
            response = EventSourceResponse(_one(body))
        else:
            response = GraphqlResponse(body, 200 if "data" in body else 400, readable.json or JSON)
        self._entrance.set_cookie(response, context)
        return response

    def _text(self, asked: Asked, context: Context) -> str:
        """The document to run, which an API key's holder writes and a browser takes from its pages."""
        if asked.document_id is not None:
            if self._trusted is None:
                raise Rejected(400, "UNKNOWN_DOCUMENT", "No documents are known here by an id: send the `query`.")
            return self._trusted.text(asked.document_id)
        text = asked.query or ""
        if self._trusted is not None and context.key is None:
            self._trusted.refuse_unless_known(text)
        return text

    def _arguments(self, document: Document, asked: Asked, context: Context) -> dict[str, Any]:
        return {
            "schema": self._schema,
            "document": document.node,
            "context_value": context,
            "variable_values": asked.variables,
            "operation_name": asked.name,
            "executor_class": ListExecutor,
            "is_awaitable": optimized_is_awaitable,
            "completions": document.completions,
        }

    def _unread(self, errors: list[GraphQLError], readable: Accepted, caller: Caller) -> Response:
        return GraphqlResponse(self._body(ExecutionResult(None, errors), caller), 400, readable.json or JSON)

    def _body(self, result: ExecutionResult, caller: Caller) -> Told:
        """An answer; without `data` where nothing was run: errors of a document and of variables have no path."""
        body: Told = {}
        if result.errors:
            body["errors"] = [told(error, caller, suggestions=self._development) for error in result.errors]
        if result.data is not None or any(error.path for error in result.errors or ()):
            body["data"] = result.data
        return body

    def _refuse_too_many_streams(self, who: str) -> None:
        if self._streams[who] >= _MAX_STREAMS:
            message = f"{_MAX_STREAMS} subscriptions are open already: end one of them first."
            raise Rejected(429, "LIMIT_EXCEEDED", message, limit=_MAX_STREAMS)

    async def _events(
        self, who: str, document: Document, asked: Asked, context: Context
    ) -> AsyncIterator[ServerSentEvent]:
        """Answers as they come, in the distinct connections mode of the GraphQL over SSE protocol."""
        self._streams[who] += 1
        try:
            subscribed = subscribe(**self._arguments(document, asked, context))
            results = await subscribed if isawaitable(subscribed) else subscribed
            if isinstance(results, ExecutionResult):
                yield _next(self._body(results, context.caller))
            else:
                async for result in results:
                    yield _next(self._body(result, context.caller))
        except Exception as error:
            wrapped = GraphQLError("The subscription has ended.", original_error=error)
            yield _next({"errors": [told(wrapped, context.caller, suggestions=False)]})
        finally:
            self._streams[who] -= 1
            if not self._streams[who]:
                del self._streams[who]
        yield ServerSentEvent(event="complete", data="")


async def _one(body: Told) -> AsyncIterator[ServerSentEvent]:
    yield _next(body)
    yield ServerSentEvent(event="complete", data="")


def _next(body: Told) -> ServerSentEvent:
    return ServerSentEvent(event="next", data=orjson.dumps(body).decode())


async def _who(context: Context) -> str:
    """Whose points are spent: a key's, a person's, or those of the address where nobody is signed in."""
    try:
        actor = await context.actor()
    except Refused:  # whatever asks for somebody says why there is nobody
        return context.caller.ip or "-"
    return f"{actor.workspace_id} {actor.id}"
