"""What is told of an error: to the client what helps it, to the log what is no fault of the client."""

import re
from enum import Enum
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError

from graphql_facade.refusals import error_of
from graphql_facade.requests import GraphqlResponse, Rejected
from graphql_facade.spelling import camel_case
from service.authentication import Caller
from service.refusals import Refused

Told = dict[str, Any]

_log = structlog.get_logger("headcount.graphql")

# graphql-core repeats the value that it cannot accept, which may be a password.
_VALUE = re.compile(r"(?:, but encountered error .*)?[,;.]? [Ff]ound: .*|(?<=value): .*", re.DOTALL)
_SUGGESTION = re.compile(r" Did you mean .*\?", re.DOTALL)


def told(error: GraphQLError, caller: Caller, *, suggestions: bool) -> Told:
    """An entry of `errors`; `suggestions` are names of the schema that the client may have meant."""
    original = _cause(error)
    if isinstance(original, Refused):
        message, details = _refused(original)
    elif original is None:
        message, details = _misread(error, suggestions=suggestions)
    else:
        return failed(original, caller) | _place(error)
    return {"message": message, **_place(error), "extensions": details}


def failed(error: BaseException, caller: Caller) -> Told:
    """The entry for what should not have happened; the whole of it is in the log under the request's id."""
    _log.error("a GraphQL request failed", request_id=caller.request_id, exc_info=error)
    return {
        "message": f"Internal error (request {caller.request_id}).",
        "extensions": {"code": "INTERNAL_ERROR", "requestId": caller.request_id},
    }


def response_to(error: Exception, caller: Caller, media_type: str) -> GraphqlResponse:
    """The answer to a request that was rejected, or that failed as it should not have."""
    if isinstance(error, Rejected):
        return GraphqlResponse(error.body, error.status, media_type, error.headers)
    return GraphqlResponse({"errors": [failed(error, caller)]}, 500, media_type)


def _cause(error: GraphQLError) -> BaseException | None:
    """What was raised, below however many GraphQLErrors; None where GraphQL itself found the error."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _refused(refused: Refused) -> tuple[str, Told]:
    error = error_of(refused.reason)
    details = strawberry.asdict(error)
    del details["message"]
    return error.message, {camel_case(name): _plain(value) for name, value in details.items() if value is not None}


def _misread(error: GraphQLError, *, suggestions: bool) -> tuple[str, Told]:
    message = _VALUE.sub("", error.message)
    if not suggestions:
        message = _SUGGESTION.sub("", message)
    return message.rstrip(".") + ".", {"code": "INVALID_OPERATION"} | (error.extensions or {})


def _place(error: GraphQLError) -> Told:
    place: Told = {}
    if error.locations:
        place["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        place["path"] = error.path
    return place


def _plain(value: object) -> object:
    return value.name if isinstance(value, Enum) else value
