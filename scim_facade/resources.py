"""Resources on their way out: a row and what it is linked with, as a document in a response."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sqlmodel import SQLModel
from starlette.responses import Response

from scim_facade.attributes import etag
from scim_facade.calls import Call
from scim_facade.messages import Document, ScimResponse
from scim_facade.preconditions import Preconditions
from scim_facade.projection import Projection
from scim_facade.resource_types import ResourceType
from service.groups.queries import Link
from service.refusals import Refused, Stale
from service.unit_of_work import UnitOfWork

M = TypeVar("M", bound=SQLModel)
P = ParamSpec("P")
T = TypeVar("T")

_MANY = 1_000  # links
_AT_A_TIME = 100  # documents that are made before others have their turn

Linked = Mapping[str, list[Link]]


@dataclass(frozen=True)
class Resource(Generic[M]):
    """A row, and what it is linked with."""

    row: M
    linked: Linked

    async def response(self, call: Call, kind: ResourceType[M], projection: Projection, status: int = 200) -> Response:
        """The resource as an answer."""
        return await _made_aside(self.linked, self._response, call, kind, projection, status)

    def _response(self, call: Call, kind: ResourceType[M], projection: Projection, status: int) -> Response:
        document = document_of(call, kind, self.row, self.linked, projection)
        version: int = self.row.version  # type: ignore[attr-defined]  # every resource has one
        location = call.location(kind.endpoint, self.row.id)  # type: ignore[attr-defined]
        return ScimResponse(document, status, headers={"Location": location, "ETag": etag(version)})


def with_links(
    kind: ResourceType[M], projection: Projection, verb: Callable[Concatenate[UnitOfWork, P], M]
) -> Callable[Concatenate[UnitOfWork, P], Resource[M]]:
    """A verb that also reads what its row is linked with, where that is wanted, in the same transaction."""

    def both(uow: UnitOfWork, /, *args: P.args, **kwargs: P.kwargs) -> Resource[M]:
        row = verb(uow, *args, **kwargs)
        return Resource(row, linked(uow, kind, projection, [row]))

    return both


def linked(uow: UnitOfWork, kind: ResourceType[M], projection: Projection, rows: Sequence[M]) -> Linked:
    """What some rows are linked with, in one statement; nothing is read where nothing is wanted."""
    if not projection.wants(kind.links.attribute):
        return {}
    return kind.links.of(uow, [row.id for row in rows])  # type: ignore[attr-defined]


async def documents_of(
    call: Call, kind: ResourceType[M], rows: Sequence[M], linked: Linked, projection: Projection
) -> list[Document]:
    """Some rows as the client wants to see them."""
    documents: list[Document] = []
    for first in range(0, len(rows), _AT_A_TIME):
        if first:
            await asyncio.sleep(0)
        some = rows[first : first + _AT_A_TIME]
        documents += await _made_aside(linked, _documents_of, call, kind, some, linked, projection)
    return documents


def _documents_of(
    call: Call, kind: ResourceType[M], rows: Sequence[M], linked: Linked, projection: Projection
) -> list[Document]:
    return [document_of(call, kind, row, linked, projection) for row in rows]


async def _made_aside(linked: Linked, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What is made of some links; of many, in a thread, so that nobody waits for that."""
    if sum(map(len, linked.values())) > _MANY:
        return await asyncio.to_thread(make, *args, **kwargs)
    return make(*args, **kwargs)


def document_of(call: Call, kind: ResourceType[M], row: Any, linked: Linked, projection: Projection) -> Document:
    """A row as the client wants to see it."""
    document = kind.table.render(row, call.location(kind.endpoint, row.id))
    links = kind.links
    if links.always or row.id in linked:
        place = call.location(links.endpoint)
        document[links.attribute] = [
            {
                "value": each.id,
                "$ref": f"{place}/{each.id}",
                "display": each.name,
                "type": links.type,
            }
            for each in linked.get(row.id, ())
        ]
    return projection.applied(document)


async def created(
    call: Call,
    kind: ResourceType[M],
    projection: Projection,
    verb: Callable[Concatenate[UnitOfWork, P], M],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """The answer to a POST."""
    resource = await call.write(with_links(kind, projection, verb), *args, **kwargs)
    return await resource.response(call, kind, projection, status=201)


async def read_one(
    call: Call, kind: ResourceType[M], projection: Projection, verb: Callable[[UnitOfWork, str], M]
) -> Response:
    """The answer to a GET of one resource; 304 where If-None-Match names the version."""
    preconditions = Preconditions.of(call)
    resource = await call.read(with_links(kind, projection, verb), call.id)
    version: int = resource.row.version  # type: ignore[attr-defined]
    if version not in preconditions.wanted:
        raise Refused(Stale(kind.table.name, call.id))
    if version in preconditions.unwanted:
        return Response(status_code=304, headers={"ETag": etag(version)})
    return await resource.response(call, kind, projection)
