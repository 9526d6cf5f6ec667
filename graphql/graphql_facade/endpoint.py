"""The endpoint: one HTTP request in, one GraphQL answer out, and the session's cookie."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from graphql_facade.context import Context
from graphql_facade.failures import failed, told
from graphql_facade.groups import groups_of
from graphql_facade.requests import (
    JSON,
    GraphqlResponse,
    Operation,
    Rejected,
    accepted_media_type,
    read_operation,
    refuse_unless_own_page,
)
from graphql_facade.schema import make_schema
from service.authentication import Caller
from service.mail.carrier import Postman
from service.passwords import PasswordHasher
from service.refusals import Refused, Unauthenticated
from service.sessions import LIFETIME
from service.work import Work

_OPERATIONS = (OperationType.QUERY, OperationType.MUTATION)


class GraphqlEndpoint:
    """The ASGI application at one path; `scope["state"]["caller"]` says who calls and from where.

    `development` allows plain http, introspection and suggestions. `scim_base_url` makes a workspace's SCIM address of
    its subdomain, `page_url` the address of a page of the page's name and that.
    """

    def __init__(
        self,
        work: Work,
        hasher: PasswordHasher,
        postman: Postman,
        *,
        development: bool,
        scim_base_url: Callable[[str], str],
        page_url: Callable[[str, str], str],
    ) -> None:
        self._work = work
        self._hasher = hasher
        self._postman = postman
        self._development = development
        self._scim_base_url = scim_base_url
        self._page_url = page_url
        self._schema = make_schema(introspection=development)
        # Browsers keep a `__Host-` cookie only from https, for this very host and the path `/` (RFC 6265bis, 4.1.3.2).
        self._cookie = "headcount_session" if development else "__Host-headcount_session"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        caller: Caller = scope["state"]["caller"]
        request = Request(scope, receive)
        media_type = JSON
        try:
            media_type = accepted_media_type(request.headers.get("accept"))
            response = await self._answer(request, caller, media_type)
        except Rejected as rejected:
            response = GraphqlResponse(rejected.body, rejected.status, media_type, rejected.headers)
        except Exception as error:
            response = GraphqlResponse({"errors": [failed(error, caller)]}, 500, media_type)
        await response(scope, receive, send)

    async def _answer(self, request: Request, caller: Caller, media_type: str) -> GraphqlResponse:
        refuse_unless_own_page(request, secure=not self._development)
        operation = await read_operation(request)
        context = Context(
            work=self._work,
            hasher=self._hasher,
            caller=caller,
            postman=self._postman,
            scim_base_url=self._scim_base_url,
            page_url=self._page_url,
            key=_key(request),
            token=request.cookies.get(self._cookie),
        )
        await _refuse_unless_it_opens(context)
        context.groups_of = groups_of(context)
        result = await self._executed(operation, context)
        body: dict[str, Any] = {}
        if result.errors:
            body["errors"] = [told(error, caller, suggestions=self._development) for error in result.errors]
        if _was_executed(result):
            body["data"] = result.data
        response = GraphqlResponse(body, 200 if "data" in body else 400, media_type)
        self._set_cookie(response, context.new_token)
        return response

    async def _executed(self, operation: Operation, context: Context) -> ExecutionResult:
        try:
            return await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.name,
                allowed_operation_types=_OPERATIONS,
            )
        except CannotGetOperationTypeError as error:
            raise Rejected(400, "BAD_REQUEST", error.as_http_error_reason()) from None
        except InvalidOperationTypeError:
            raise Rejected(400, "BAD_REQUEST", "There are no subscriptions here.") from None
        except MissingQueryError:
            raise Rejected(400, "BAD_REQUEST", "There is no operation in the document.") from None

    def _set_cookie(self, response: GraphqlResponse, token: str | None) -> None:
        if token is not None:
            age = int(LIFETIME.total_seconds()) if token else 0
            response.set_cookie(self._cookie, token, max_age=age, secure=not self._development, httponly=True)


def _was_executed(result: ExecutionResult) -> bool:
    """Whether an operation ran at all: errors of a document have no result, and those of variables no path."""
    if isinstance(result, PreExecutionError):
        return False
    return result.data is not None or any(error.path for error in result.errors or ())


def _key(request: Request) -> str | None:
    """The API key that the request shows as a bearer token (RFC 6750, 2.1), if it shows one."""
    shown = request.headers.getlist("authorization")
    if not shown:
        return None
    scheme, _, token = shown[0].strip().partition(" ")
    if len(shown) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise _unauthenticated("One Authorization header is understood here, and only as Bearer <API key>.")
    return token.strip()


async def _refuse_unless_it_opens(context: Context) -> None:
    """A key that does not open this door is a mistake to be told of before anything is done."""
    if context.key is None:
        return
    try:
        actor = await context.actor()
    except Refused as refused:
        if isinstance(refused.reason, Unauthenticated):
            raise _unauthenticated(refused.reason.why) from None
        raise
    if not actor.permissions:
        raise _unauthenticated("The API key is for SCIM. This API takes keys with USERS_READ or USERS_WRITE.")


def _unauthenticated(message: str) -> Rejected:
    challenge = {"WWW-Authenticate": 'Bearer realm="headcount", error="invalid_token"'}
    return Rejected(401, "UNAUTHENTICATED", message, challenge)
