"""The operations of a bulk request (RFC 7644, 3.7): what a client may write, in which order it is done, and `bulkId:`.

`bulkId:x` stands for the id of what the POST with the bulkId `x` makes: as a whole value anywhere in the data, as the
last part of an address, or in double quotes within a PATCH's path. Data is kept as JSON text, where all of these look
alike.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush
from urllib.parse import unquote

import orjson

from scim_facade.messages import Document, Rejected, member
from scim_facade.resource_types import RESOURCE_TYPES

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_ENDPOINTS = tuple(f"/{each.endpoint}" for each in RESOURCE_TYPES)
_PATH = re.compile(rf"(?:{'|'.join(_ENDPOINTS)})(?:/(?P<id>[^/?#]+))?")
_BULK_ID = re.compile(r'[^"\\/\x00-\x1f]+')
_REFERENCE = re.compile(rb'(?<=["/])bulkId:([^"\\/]+)(?=\\?")')
_IN_PATH = "bulkId:"


@dataclass(frozen=True)
class Operation:
    """One operation as the client wrote it; `refused` says why it cannot be tried."""

    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: bytes
    refused: Rejected | None = None

    @cached_property
    def references(self) -> frozenset[str]:
        """The bulkIds that it refers to."""
        found = {name.decode() for name in _REFERENCE.findall(self.data)}
        last = self.path.rpartition("/")[2]
        return frozenset(found | ({last.removeprefix(_IN_PATH)} if last.startswith(_IN_PATH) else set()))

    def address(self, ids: Mapping[str, str]) -> str:
        """Its path with the id of what that refers to, where there is one."""
        above, _, last = self.path.rpartition("/")
        name = last.removeprefix(_IN_PATH)
        return f"{above}/{ids.get(name, last)}" if last != name else self.path

    def body(self, ids: Mapping[str, str]) -> bytes:
        """Its data with the ids of all that it refers to."""
        return _REFERENCE.sub(lambda found: ids[found[1].decode()].encode(), self.data)


def read_operations(messages: Sequence[Document]) -> list[Operation]:
    """The operations of a request. What is wrong with one is its own affair, and none of the others'."""
    operations: list[Operation] = []
    seen: set[str] = set()
    for message in messages:
        operation = _read(message)
        if operation.bulk_id in seen:
            why = f"The bulkId {operation.bulk_id!r} is that of an earlier operation: each must have its own"
            operation = replace(operation, refused=_wrong(why))
        elif operation.bulk_id is not None:
            seen.add(operation.bulk_id)
        operations.append(operation)
    return operations


def makers(operations: Sequence[Operation]) -> dict[str, int]:
    """The bulkIds that can be referred to, each with the number of the operation that makes what it stands for."""
    found: dict[str, int] = {}
    for number, each in enumerate(operations):
        if each.bulk_id is not None and each.method == "POST":
            found.setdefault(each.bulk_id, number)
    return found


def in_order(operations: Sequence[Operation], makers: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """The numbers of the operations in the order to run them, and of those that cannot be brought into one.

    The order given stands, save that an operation comes after those that it refers to. What cannot be brought into one
    refers to each other in a circle, or to such.
    """
    awaited = [{makers[name] for name in each.references if name in makers} for each in operations]
    followers = defaultdict(list)
    for number, others in enumerate(awaited):
        for other in others:
            followers[other].append(number)
    ready = [number for number, others in enumerate(awaited) if not others]  # in order, so a heap already
    order: list[int] = []
    while ready:
        number = heappop(ready)
        order.append(number)
        for follower in followers[number]:
            awaited[follower].discard(number)
            if not awaited[follower]:
                heappush(ready, follower)
    return order, [number for number, others in enumerate(awaited) if others]


def _read(message: Document) -> Operation:
    method, path, bulk_id, version = (member(message, name) for name in ("method", "path", "bulkId", "version"))
    refused = None
    data = b""
    try:
        _check(method, path, bulk_id, version)
        if method != "DELETE":
            data = _data(message)
    except Rejected as why:
        refused = why
    return Operation(
        method=method if isinstance(method, str) else "",
        path=unquote(path) if isinstance(path, str) else "",
        bulk_id=bulk_id if isinstance(bulk_id, str) else None,
        version=version if isinstance(version, str) else None,
        data=data,
        refused=refused,
    )


def _check(method: object, path: object, bulk_id: object, version: object) -> None:
    if method not in _METHODS:
        raise _wrong(f"The method of a bulk operation must be one of {', '.join(_METHODS)}, not {method!r}")
    where = _PATH.fullmatch(path) if isinstance(path, str) else None
    if where is None or (where["id"] is None) != (method == "POST"):
        right = " or ".join(each if method == "POST" else f"{each}/<id>" for each in _ENDPOINTS)
        raise _wrong(f"The path of a {method} in a bulk request must be {right}, not {path!r}")
    if bulk_id is not None and not (isinstance(bulk_id, str) and _BULK_ID.fullmatch(bulk_id)):
        raise _wrong("A bulkId must be a text without quotes, slashes and control characters")
    if bulk_id is None and method == "POST":
        raise _wrong("A POST in a bulk request must have a bulkId, which is how its result is found")
    if version is not None and not isinstance(version, str):
        raise _wrong("The version of a bulk operation must be a text: the meta.version of the resource")


def _data(message: Document) -> bytes:
    data = member(message, "data")
    if data is None:
        raise _wrong("The operation needs data: what would be the body of the same request by itself")
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError as error:
        raise _wrong(f"The data cannot be read: {error}") from None


def _wrong(why: str) -> Rejected:
    return Rejected(400, f"{why}.", "invalidSyntax")
