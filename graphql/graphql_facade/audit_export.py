"""The audit log as a file: `GET /audit-events.csv`, by the same filter as in GraphQL, the newest events first.

    ?action=USER_CREATED&action=USER_DEACTIVATED&channel=SCIM&actorId=…&targetId=…&since=2026-11-01T00:00:00Z&until=…

Sent as it is read, a batch at a time, so that a long log takes no more memory than a short one. Whoever asks is looked
up for each batch: an export that is under way ends, unfinished, with the session.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import strawberry
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from graphql_facade.audit_log import AuditFilter, published_id
from graphql_facade.context import Context
from graphql_facade.entrance import Entrance
from graphql_facade.failures import response_to, told
from graphql_facade.requests import JSON, GraphqlResponse, Rejected
from graphql_facade.scalars import date_time_of
from service.actor import Channel
from service.audit import Action, AuditEvent
from service.audit_log import audit_events_behind, note_audit_export
from service.clock import now, text_of
from service.refusals import Busy, Forbidden, Refused, Unauthenticated

PATH = "/audit-events.csv"
_BATCH = 500
_COLUMNS = (
    *("time", "action", "actor kind", "actor id", "actor", "target kind", "target id", "target", "changes"),
    *("reason", "channel", "ip", "request id", "event id"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets compute (OWASP: CSV Injection)
_STATUSES: dict[type, int] = {Unauthenticated: 401, Forbidden: 403, Busy: 503}


class AuditExport:
    """The ASGI application at `PATH`."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as refused:
            said = told(GraphQLError("", original_error=refused), request.state.caller, suggestions=False)
            response = GraphqlResponse({"errors": [said]}, _STATUSES.get(type(refused.reason), 400), JSON)
        except Exception as error:
            response = response_to(error, request.state.caller, JSON)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self._entrance.refuse_other_sites(request)
        if request.method != "GET":
            raise Rejected(405, "METHOD_NOT_ALLOWED", "Only GET is possible here.", {"Allow": "GET"})
        wanted = _filter(request)
        context = await self._entrance.context_of(request)
        which = wanted.in_domain((await context.actor()).workspace_id)
        await context.write(note_audit_export, which)
        rows = await context.read(audit_events_behind, which, None, _BATCH)
        name = f"audit-events-{now():%Y-%m-%d}.csv"
        headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_file(context, which, rows), 200, headers, "text/csv; charset=utf-8")


async def _file(context: Context, which: Any, rows: list[AuditEvent]) -> AsyncIterator[str]:
    yield _lines([_COLUMNS])
    while rows:
        yield _lines(map(_row, rows))
        if len(rows) < _BATCH:
            return
        await context.recognise()
        rows = await context.read(audit_events_behind, which, rows[-1], _BATCH)


def _lines(rows: Iterable[Iterable[str | None]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)  # RFC 4180: CRLF
    return text.getvalue()


def _harmless(cell: str | None) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell and cell.startswith(_FORMULA) else cell or ""


def _row(event: AuditEvent) -> tuple[str | None, ...]:
    changes = (f"{each['field']}: {each['before'] or '-'} → {each['after'] or '-'}" for each in event.changes or ())
    return (
        *(text_of(event.at), event.action, event.actor_kind, event.actor_id, event.actor_name),
        *(event.target_kind, published_id(event.workspace_id, event.target_kind, event.target_id), event.target_name),
        "; ".join(changes),
        *(event.reason, event.channel, event.ip, event.request_id, event.id),
    )


def _filter(request: Request) -> AuditFilter:
    """The filter that the address names, or Rejected."""
    said = request.query_params
    known = {"action", "channel", "actorId", "targetId", "since", "until"}
    if unknown := sorted(set(said) - known):
        raise _wrong(f"{unknown[0]} is no filter of the audit log: {', '.join(sorted(known))} are.")
    return AuditFilter(
        action=_each(lambda name: Action[name], "action", said.getlist("action")) or None,
        channel=_each(lambda name: Channel[name], "channel", said.getlist("channel")) or None,
        actor_id=_id(said.get("actorId")),
        target_id=_id(said.get("targetId")),
        since=next(iter(_each(date_time_of, "since", said.getlist("since"))), None),
        until=next(iter(_each(date_time_of, "until", said.getlist("until"))), None),
    )


def _id(text: str | None) -> strawberry.ID | None:
    return None if text is None else strawberry.ID(text)


def _each(read: Callable[[str], Any], name: str, texts: list[str]) -> list[Any]:
    try:
        return [read(text) for text in texts]
    except (KeyError, GraphQLError) as error:
        why = error.message if isinstance(error, GraphQLError) else "There is none of this name."
        raise _wrong(f"{name} cannot be read. {why}") from None


def _wrong(message: str) -> Rejected:
    return Rejected(400, "INVALID_INPUT", message)
