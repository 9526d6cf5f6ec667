"""Lists of resources (RFC 7644, 3.4.2 and 3.4.3; cursors: RFC 9865), the same for every type."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlmodel import SQLModel
from starlette.responses import Response

from scim_facade.asking import Asking, SearchRequest
from scim_facade.calls import Call
from scim_facade.messages import Document, Rejected, ScimResponse, list_response
from scim_facade.projection import Projection
from scim_facade.queries import search_of
from scim_facade.resource_types import RESOURCE_TYPES, ResourceType
from scim_facade.resources import Linked, documents_of, linked
from service.finding import Cursor, Found, Search, Window
from service.refusals import Invalid, Refused
from service.unit_of_work import UnitOfWork

M = TypeVar("M", bound=SQLModel)

DEFAULT_COUNT = 100
MAX_COUNT = 1_000
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ORDERS = {"ascending": False, "descending": True}

Handler = Callable[[Call], Awaitable[Response]]


def listing(kind: ResourceType[M]) -> Handler:
    """GET /<endpoint>?filter=&sortBy=&sortOrder=&startIndex=&count=&cursor=&attributes=&excludedAttributes=."""

    async def listed(call: Call) -> Response:
        return await _answer(call, kind, call)

    return listed


def searching(kind: ResourceType[M]) -> Handler:
    """POST /<endpoint>/.search, with the same in its body."""

    async def searched(call: Call) -> Response:
        return await _answer(call, kind, SearchRequest(await call.document()))

    return searched


async def search_everything(call: Call) -> Response:
    """POST /.search: resources of every type, one type after the other, by index."""
    asking = SearchRequest(await call.document())
    if asking.has("cursor") or asking.has("sortBy"):
        why = "cursor and sortBy go with one type of resource: search at its own address, such as /Users/.search."
        raise Rejected(400, why, "invalidValue")
    window = _window(asking)
    resources: list[Document] = []
    total = 0
    for kind, search, projection in _searches(asking):
        begin = max(window.offset - total, 0)
        part = Window(offset=begin, limit=window.limit - len(resources))
        found = await call.read(_finding(kind, projection), search, part)
        resources += await documents_of(call, kind, found[0].rows, found[1], projection)
        total += found[0].total
    return list_response(resources, total=total, start_index=window.offset + 1)


async def _answer(call: Call, kind: ResourceType[Any], asking: Asking) -> Response:
    projection = Projection.of(asking, kind.table)
    search = _search(kind, asking)
    if asking.has("cursor"):
        return await _behind_cursor(call, kind, asking, search, projection)
    window = _window(asking)
    found = await call.read(_finding(kind, projection), search, window)
    resources = await documents_of(call, kind, found[0].rows, found[1], projection)
    return list_response(resources, total=found[0].total, start_index=window.offset + 1)


async def _behind_cursor(
    call: Call, kind: ResourceType[Any], asking: Asking, search: Search[Any], projection: Projection
) -> Response:
    if asking.has("startIndex"):
        raise Rejected(400, "cursor and startIndex exclude each other: send one.", "invalidValue")
    count = asking.number("count", DEFAULT_COUNT)
    if not 1 <= count <= MAX_COUNT:
        raise Rejected(400, f"count must be between 1 and {MAX_COUNT:,} where cursors are used.", "invalidCount")
    asked = repr([asking.text(name) for name in ("filter", "sortBy", "sortOrder")])
    try:
        part = Cursor(after=asking.text("cursor"), limit=count, asked=asked)
        found = await call.read(_finding(kind, projection), search, part)
    except Refused as refused:
        if isinstance(refused.reason, Invalid) and refused.reason.field == "cursor":
            raise Rejected(400, f"The cursor {refused.reason.why}.", "invalidCursor") from None
        raise
    resources = await documents_of(call, kind, found[0].rows, found[1], projection)
    message = {"schemas": [_LIST], "totalResults": found[0].total, "itemsPerPage": len(resources)}
    if found[0].next_cursor is not None:
        message["nextCursor"] = found[0].next_cursor
    return ScimResponse(message | {"Resources": resources})


def _searches(asking: Asking) -> list[tuple[ResourceType[Any], Search[Any], Projection]]:
    """The search of each type. One that has not got what the filter speaks of has nothing to find; all: 400."""
    searches = []
    refusals = []
    for kind in RESOURCE_TYPES:
        try:
            searches.append((kind, _search(kind, asking), Projection.of(asking, kind.table)))
        except Rejected as rejected:
            refusals.append(rejected)
    if not searches:
        raise refusals[0]
    return searches


def _search(kind: ResourceType[Any], asking: Asking) -> Search[Any]:
    order = (asking.text("sortOrder") or "ascending").lower()
    if order not in _ORDERS:
        raise Rejected(400, f"sortOrder must be ascending or descending, not {order!r}.", "invalidValue")
    return search_of(kind.table, asking.text("filter"), asking.text("sortBy"), descending=_ORDERS[order])


def _window(asking: Asking) -> Window:
    start = max(asking.number("startIndex", 1), 1)
    return Window(offset=start - 1, limit=min(max(asking.number("count", DEFAULT_COUNT), 0), MAX_COUNT))


def _finding(kind: ResourceType[M], projection: Projection) -> Callable[..., tuple[Found[M], Linked]]:
    """The verb that finds resources and what they are linked with."""

    def both(uow: UnitOfWork, search: Search[M], part: Window | Cursor) -> tuple[Found[M], Linked]:
        found = kind.find(uow, search, part)
        return found, linked(uow, kind, projection, found.rows)

    return both
