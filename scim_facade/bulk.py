"""/Bulk (RFC 7644, 3.7): many operations in one request, each served as the single request that it stands for.

Each is a transaction of its own with its own entry in the audit log. Nothing is undone when a later one fails.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import quote

import orjson
from starlette.responses import Response

from scim_facade.bulk_operations import Operation, in_order, makers, read_operations
from scim_facade.calls import Call
from scim_facade.messages import Document, Rejected, ScimResponse, error_response, member

MAX_OPERATIONS = 1_000
MAX_PAYLOAD = 5 << 20  # bytes
_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_MOST_BEGUN = 64  # operations at a time
_FAILED = 300  # what succeeds answers with 200, 201 or 204


async def bulk(call: Call) -> Response:
    """POST /Bulk: results in the order of the operations, up to the one that was one failure too many."""
    message = await call.document(MAX_PAYLOAD)
    under_way = _Bulk(call, read_operations(_operations(message)), _accepted_errors(message))
    await under_way.run()
    results = [under_way.results[number] for number in sorted(under_way.results)]
    return ScimResponse({"schemas": [_RESPONSE], "Operations": results})


class _Bulk:
    """A bulk request under way. `results` are those of the operations so far, by the operations' numbers."""

    def __init__(self, call: Call, operations: list[Operation], accepted_errors: int | None) -> None:
        self.results: dict[int, Document] = {}
        self._call = call
        self._operations = operations
        self._accepted_errors = accepted_errors
        self._errors = 0
        self._makers = makers(operations)
        self._order, circular = in_order(operations, self._makers)
        self._circular = dict.fromkeys(circular)
        self._ids: dict[str, str] = {}
        self._begun: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Run the operations, one after the other, until there have been too many errors."""
        for number in (*self._order, *self._circular):
            if not self._needs_no_result(self._operations[number]):
                await self._ended()
            if self._errors == self._accepted_errors:
                break
            asks = asyncio.Event()
            self._begun.append(asyncio.create_task(self._run_one(number, asks.set)))
            await asks.wait()
        await self._ended()

    def _needs_no_result(self, operation: Operation) -> bool:
        """Whether an operation can begin when those before it have only asked for their writes.

        Where writes keep their order nobody can tell, and all share the way to the disk. Only a POST: others may read
        before they write. And only while no error of those before could be the one too many.
        """
        errors = self._errors + len(self._begun)
        return (
            self._call.keeps_order
            and operation.method == "POST"
            and operation.references <= self._ids.keys()
            and len(self._begun) < _MOST_BEGUN
            and (self._accepted_errors is None or errors < self._accepted_errors)
        )

    async def _ended(self) -> None:
        await asyncio.gather(*self._begun)
        self._begun.clear()

    async def _run_one(self, number: int, asks: Callable[[], None]) -> None:
        operation = self._operations[number]
        address = operation.address(self._ids)
        try:
            refused = operation.refused or self._unresolved(operation, is_circular=number in self._circular)
            answer = await self._answer(operation, address, refused, asks)
        finally:
            asks()
        self.results[number] = _result(operation, address, answer, self._call)
        if answer.status_code >= _FAILED:
            self._errors += 1
        elif operation.method == "POST" and operation.bulk_id is not None:
            self._ids[operation.bulk_id] = answer.headers["location"].rpartition("/")[2]

    async def _answer(
        self, operation: Operation, address: str, refused: Rejected | None, asks: Callable[[], None]
    ) -> Response:
        if refused:
            return error_response(refused, self._call.request_id)
        body = operation.body(self._ids)
        return await self._call.answered(operation.method, address, body, operation.version, asks)

    def _unresolved(self, operation: Operation, *, is_circular: bool) -> Rejected | None:
        """Why an operation cannot be run because of what it refers to."""
        name = min(operation.references - self._ids.keys(), default=None)
        if name is None:
            return None
        if name not in self._makers:
            return Rejected(
                400, f"No POST of this request has the bulkId {name!r} that is referred to.", "invalidValue"
            )
        if is_circular:
            why = (
                f"The references go round in a circle by way of bulkId:{name}, so that nothing can be made first. "
                "Leave one of them out, and add it with a PATCH operation of the same request."
            )
            return Rejected(409, why)
        return Rejected(409, f"The operation with the bulkId {name!r} failed: mend that one, then send both again.")


def _accepted_errors(message: Document) -> int | None:
    """After how many failures to stop; None: never."""
    accepted = member(message, "failOnErrors")
    if accepted is None or (isinstance(accepted, int) and not isinstance(accepted, bool) and accepted > 0):
        return accepted
    raise Rejected(
        400, "failOnErrors must be a whole number from 1 on: after how many failures to stop.", "invalidValue"
    )


def _operations(message: Document) -> list[Document]:
    operations = member(message, "Operations")
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise Rejected(400, "A bulk request must have a list of Operations, each an object.", "invalidSyntax")
    if len(operations) > MAX_OPERATIONS:
        why = f"A bulk request must not have more than {MAX_OPERATIONS:,} operations: send several."
        raise Rejected(413, why)
    return operations


def _result(operation: Operation, address: str, answer: Response, call: Call) -> Document:
    """RFC 7644, 3.7: the location of all but a POST that failed; the body of failures only."""
    result: Document = {"method": operation.method, "status": str(answer.status_code)}
    if operation.bulk_id is not None:
        result["bulkId"] = operation.bulk_id
    if "location" in answer.headers:
        result["location"] = answer.headers["location"]
    elif operation.method != "POST":
        result["location"] = call.location(quote(address.lstrip("/"), safe="/:"))
    if "etag" in answer.headers:
        result["version"] = answer.headers["etag"]
    if answer.status_code >= _FAILED:
        result["response"] = orjson.Fragment(answer.body)
    return result
