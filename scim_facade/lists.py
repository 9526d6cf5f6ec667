"""Lists of resources (RFC 7644, 3.4.2), the same for every type."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlmodel import SQLModel
from starlette.responses import Response

from scim_facade.calls import Call
from scim_facade.messages import Rejected, list_response
from scim_facade.projection import Projection
from scim_facade.queries import search_of
from scim_facade.resource_types import ResourceType
from service.finding import Window

M = TypeVar("M", bound=SQLModel)

DEFAULT_COUNT = 100
MAX_COUNT = 1_000


def listing(kind: ResourceType[M]) -> Callable[[Call], Awaitable[Response]]:
    """GET /<endpoint>?filter=&startIndex=&count=&attributes=&excludedAttributes=."""

    async def listed(call: Call) -> Response:
        if call.text("sortBy"):
            raise Rejected(400, "sortBy is not supported: users come in the order of their creation.", "invalidValue")
        projection = Projection.of(call, kind.table)
        search = search_of(kind.table, call.text("filter"))
        start = max(call.number("startIndex", 1), 1)
        count = min(max(call.number("count", DEFAULT_COUNT), 0), MAX_COUNT)
        found = await call.read(kind.find, search, Window(offset=start - 1, limit=count))
        documents = (kind.table.render(row, call.location(kind.endpoint, row.id)) for row in found.rows)  # type: ignore[attr-defined]
        resources = [projection.applied(document) for document in documents]
        return list_response(resources, total=found.total, start_index=start)

    return listed
