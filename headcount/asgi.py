"""The running program: the one place that knows both doors.

/api/scim/…                    the SCIM facade; so is every path of a host <subdomain>.api.<base domain>
/graphql, /audit-events.csv     the GraphQL API; the audit log as a file
/live, /ready                  whether the process runs; whether it can serve
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import structlog
import uuid_utils
from fastapi import FastAPI
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_facade.audit_export import PATH as AUDIT_EXPORT
from graphql_facade.audit_export import AuditExport
from graphql_facade.endpoint import GraphqlEndpoint
from graphql_facade.entrance import Entrance
from headcount.carriers import carrier_of
from headcount.documents import trusted_documents
from headcount.hosts import HostNames, Place
from headcount.logs import set_up_logs
from headcount.opening import open_work
from headcount.protocol import too_long
from headcount.refusals import sentence
from headcount.settings import SCIM_PATH, Settings, load_settings
from scim_facade.facade import ScimFacade
from scim_facade.messages import Rejected, error_response
from service.authentication import Caller
from service.background import duties, keep_doing
from service.mail.carrier import Postman
from service.passwords import PasswordHasher
from service.provisioning.recorder import Recorder
from service.refusals import Refused
from service.workspaces import find_workspace

_SCIM_ROOT = SCIM_PATH.rpartition("/")[0]  # another version, or none, is a wrong base URL of SCIM's
_SOON = {"Retry-After": "1"}
_SWITCH_SECONDS = 0.001  # how long a thread that computes keeps the event loop waiting; Python's own choice is 0.005

_log = structlog.get_logger("headcount.access")


class Headcount:
    """The ASGI application. Says who is calling and from where, and shows them to the right door."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hosts = HostNames(settings.base_domain)
        self._work = open_work(settings)
        self._hasher = PasswordHasher()
        self._recorder = Recorder(self._work)
        self._scim = ScimFacade(self._work, SCIM_PATH, self._recorder)
        self._postman = Postman(self._work, carrier_of(settings))
        entrance = Entrance(
            self._work,
            self._hasher,
            self._postman,
            development=settings.is_development,
            scim_base_url=settings.scim_base_url,
            page_url=settings.page_url,
        )
        self._pages: dict[str, ASGIApp] = {
            "/graphql": GraphqlEndpoint(
                entrance,
                trusted_documents(settings),
                development=settings.is_development,
                points_per_minute=settings.graphql_points_per_minute,
            ),
            AUDIT_EXPORT: AuditExport(entrance),
        }
        self._rest = self._health()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the lifespan)."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        host, client = _headers(scope)
        place = self._hosts.place(host)
        caller = Caller(
            subdomain=place.subdomain if place else None,
            ip=scope["client"][0] if scope.get("client") else None,
            client=client,
            request_id=uuid_utils.uuid7().hex,
        )
        scope.setdefault("state", {})["caller"] = caller
        begun = perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", str(caller.request_id).encode())]
            await send(message)

        await self._door(scope, place, caller)(scope, receive, send_with_id)
        if self._settings.access_log:
            spent = round((perf_counter() - begun) * 1000, 1)
            what = {"method": scope["method"], "path": scope["path"], "status": status, "ms": spent}
            _log.info("request", **what, ip=caller.ip, host=host, request_id=caller.request_id)

    async def close(self) -> None:
        """Finish what was begun, and let go of the database."""
        self._hasher.close()
        await self._postman.close()
        await self._recorder.close()
        await self._work.close()

    def _door(self, scope: Scope, place: Place | None, caller: Caller) -> ASGIApp:
        path: str = scope["path"]
        is_scim = path == _SCIM_ROOT or path.startswith(_SCIM_ROOT + "/") or (place is not None and place.is_api)
        if refused := _refused(scope, place):
            if is_scim:
                return error_response(refused, caller.request_id)
            return PlainTextResponse(refused.detail, refused.status)
        if is_scim:
            return self._scim
        return self._pages.get(path, self._rest)

    def _health(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            todo = (
                duties(self._postman.carry, audit_days=self._settings.audit_days) if self._settings.background else []
            )
            background = asyncio.create_task(keep_doing(self._work, todo)) if todo else None
            yield
            if background is not None:
                background.cancel()
                await asyncio.gather(background, return_exceptions=True)
            await self.close()

        app = FastAPI(lifespan=lifespan, openapi_url=None)

        @app.get("/live")
        async def live() -> dict[str, str]:
            return {"status": "alive"}

        @app.get("/ready")
        async def ready() -> JSONResponse:
            try:
                await self._work.lookup(find_workspace, "-")  # the database answers, in the shape that is needed
            except Refused as refused:
                return JSONResponse({"status": "not ready", "why": sentence(refused.reason)}, 503, _SOON)
            return JSONResponse({"status": "ready"})

        return app


def application() -> Headcount:
    """The application of a process that serves, by the settings of its environment."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    settings = load_settings()
    set_up_logs(development=settings.is_development)
    headcount = Headcount(settings)
    gc.collect()
    gc.freeze()  # what is there by now stays: looking through all of it again and again stops everybody for 0.1 s
    return headcount


def _refused(scope: Scope, place: Place | None) -> Rejected | None:
    """Why a request is refused whatever it asks for."""
    if place is None:
        return Rejected(400, "There must be one Host header, with the name of a host: check the base URL.")
    address = len(scope["raw_path"]) + len(scope["query_string"])
    return too_long(address, sum(len(name) + len(value) for name, value in scope["headers"]))


def _headers(scope: Scope) -> tuple[str, str | None]:
    hosts, client = [], None
    for name, value in scope["headers"]:
        if name == b"host":
            hosts.append(value.decode("latin-1"))
        elif name == b"user-agent":
            client = value.decode("latin-1")
    return hosts[0] if len(hosts) == 1 else "", client
