"""The SCIM facade: lets a key's holder in, finds the route, and answers every failure as a SCIM Error.

Authentication comes before routing: without a key there is no telling which paths exist. Routes are Starlette's on a
FastAPI router: none of FastAPI's own machinery is needed once the attributes' table reads and writes the documents.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from scim_facade import bulk, discovery, groups, users
from scim_facade.advice import provider_of
from scim_facade.calls import Call
from scim_facade.lists import listing, search_everything, searching
from scim_facade.messages import Rejected, error_response
from scim_facade.recording import Recording
from scim_facade.refusals import rejected
from scim_facade.resource_types import GROUPS, USERS
from service.api_keys import ApiKeyScope
from service.authentication import BAD_KEY, Caller, KeyHolder, recognise_key
from service.flags import Flag
from service.provisioning.recorder import Recorder
from service.refusals import FlagOff, Forbidden, Refused, Unauthenticated
from service.turns import Turns
from service.work import Work

_log = structlog.get_logger("headcount.scim")

_OFF = (
    "SCIM provisioning is switched off for this workspace. Ask support to enable it; "
    "nothing was changed, and provisioning goes on where it stopped once it is on."
)

_PAUSED = (
    "Provisioning is paused by an admin of this workspace; nothing was changed. Let an admin resume it in the "
    "workspace's settings, under Provisioning; then let the identity provider try again."
)

_TOO_LATE = "This took too long; what was under way may or may not have been done. Try again."
ANSWER_SECONDS = 30.0  # Okta closes the socket after 60, and learns nothing then

Handler = Callable[[Call], Awaitable[Response]]


async def not_supported(call: Call) -> Response:
    """What RFC 7644 knows and this service does not, said so and not passed off as a wrong address."""
    raise Rejected(501, "This is not supported; /ServiceProviderConfig says what is.")


async def nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    """Every other address."""
    raise Rejected(404, f"There is nothing at {scope['path']!r}: check the base URL.")


ROUTES: tuple[tuple[str, dict[str, Handler]], ...] = (
    ("/Users", {"GET": listing(USERS), "POST": users.create}),
    ("/Users/.search", {"POST": searching(USERS)}),
    (
        "/Users/{id}",
        {"GET": users.read, "PUT": users.replace, "PATCH": users.patch, "DELETE": users.delete},
    ),
    ("/Groups", {"GET": listing(GROUPS), "POST": groups.create}),
    ("/Groups/.search", {"POST": searching(GROUPS)}),
    (
        "/Groups/{id}",
        {"GET": groups.read, "PUT": groups.replace, "PATCH": groups.patch, "DELETE": groups.delete},
    ),
    ("/ServiceProviderConfig", {"GET": discovery.service_provider_config}),
    ("/ResourceTypes", {"GET": discovery.resource_types}),
    ("/ResourceTypes/{id}", {"GET": discovery.resource_type}),
    ("/Schemas", {"GET": discovery.schemas}),
    ("/Schemas/{id}", {"GET": discovery.schema}),
    ("/Bulk", {"POST": bulk.bulk}),
    ("/Me", dict.fromkeys(("GET", "PUT", "PATCH", "DELETE", "POST"), not_supported)),
    ("/.search", {"POST": search_everything}),
)


class ScimFacade:
    """The ASGI application below `prefix`; `scope["state"]["caller"]` says who calls and from where."""

    def __init__(self, work: Work, prefix: str, recorder: Recorder) -> None:
        self._work = work
        self._prefix = prefix
        self._recorder = recorder
        self._turns = Turns()
        self._router = APIRouter(redirect_slashes=False, default=nothing_there)
        for path, handlers in ROUTES:
            self._router.routes.append(Route(prefix + path, _Endpoint(self, handlers)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and note it in the provisioning log if it showed a key of the workspace."""
        caller: Caller = scope["state"]["caller"]
        recording: Recording | None = None
        answer: Rejected | None = None
        try:
            holder = await recognise_key(self._work, _token(Request(scope)), caller)
            recording = scope["state"]["recording"] = Recording(scope, holder)
            send = recording.listening(send)
            _refuse_unless_admitted(holder)
            scope["path"] = scope["path"].rstrip("/")  # OneLogin ends its addresses with a slash
            async with asyncio.timeout(ANSWER_SECONDS), self._turns.turn_of(holder.actor.workspace_id):
                await self._router(scope, receive, send)
        except Refused as refused:
            answer = rejected(refused.reason)
        except Rejected as refused:
            answer = refused
        except TimeoutError:
            answer = Rejected(503, _TOO_LATE, headers={"Retry-After": "5"})
        except Exception:
            _log.exception("a SCIM request failed", path=scope["path"], request_id=caller.request_id)
            answer = Rejected(500, "Something went wrong on our side, and nothing was changed. Try again.")
        if answer is not None:
            provider = provider_of(caller.client, scope["query_string"].decode("latin-1"))
            await error_response(answer, caller.request_id, provider)(scope, receive, send)
        if recording is not None:
            exchange = recording.exchange(scope["path"].removeprefix(self._prefix))
            self._recorder.note(recording.holder.actor.workspace_id, exchange)

    def call(self, request: Request) -> Call:
        """A request that has been let in, as handlers want it."""
        recording: Recording = request.scope["state"]["recording"]
        return Call(request, self._work, recording.holder.actor, self._prefix, self)


class _Endpoint:
    """One address, as an application: Starlette's routes show such a one every method, also what it does not know."""

    def __init__(self, facade: ScimFacade, handlers: dict[str, Handler]) -> None:
        self._facade = facade
        self._handlers = handlers | ({"HEAD": handlers["GET"]} if "GET" in handlers else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to this address; the server leaves out the body of an answer to HEAD."""
        handler = self._handlers.get(scope["method"])
        if handler is None:
            allowed = ", ".join(self._handlers)
            raise Rejected(405, f"{scope['method']} is not possible here; {allowed} is.", headers={"Allow": allowed})
        answer = await handler(self._facade.call(Request(scope, receive)))
        await answer(scope, receive, send)


def _refuse_unless_admitted(holder: KeyHolder) -> None:
    if ApiKeyScope.SCIM not in holder.scopes:
        raise Refused(Forbidden(ApiKeyScope.SCIM.value))
    if not holder.provisioning_is_on:
        raise Refused(FlagOff(Flag.SCIM_PROVISIONING.value, _OFF))
    if holder.provisioning_is_paused:
        raise Refused(FlagOff(Flag.SCIM_PROVISIONING.value, _PAUSED))


def _token(request: Request) -> str:
    """The key in the Authorization header, with or without `Bearer` (Okta's "HTTP Header" mode leaves it out)."""
    shown = request.headers.getlist("authorization")
    if not shown:
        raise Refused(Unauthenticated("An API key is needed: send it as Authorization: Bearer <key>."))
    if len(shown) > 1:
        raise Refused(Unauthenticated("There must be one Authorization header."))
    scheme, _, rest = shown[0].strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else shown[0].strip()
    if not token:
        raise Refused(Unauthenticated(BAD_KEY))
    return token
