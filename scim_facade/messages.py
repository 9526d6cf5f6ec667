"""SCIM's messages (RFC 7644, 3.4.2 and 3.12) as HTTP responses."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson
from starlette.responses import Response

from scim_facade.advice import ADVICE, Provider, Step

Document = dict[str, Any]

MEDIA_TYPE = "application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

ScimType = Literal[
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidCursor",
    "invalidCount",
]


_MAPPED: tuple[ScimType, ...] = ("invalidValue", "mutability", "uniqueness")  # what is wrong with a value


class Rejected(Exception):  # noqa: N818 - an answer, not a fault
    """A request that SCIM itself refuses, before or without the domain: status, scimType and a detail for the admin.

    `step` is what the admin of the identity provider has to do there, if that is known.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: ScimType | None = None,
        headers: Mapping[str, str] | None = None,
        step: Step | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = headers
        self.step = Step.MAPPING if step is None and scim_type in _MAPPED else step


class ScimResponse(Response):
    """A response with a SCIM document in it."""

    media_type = MEDIA_TYPE

    def render(self, content: Document | None) -> bytes:
        """The document as JSON; nothing where there is none."""
        return b"" if content is None else orjson.dumps(content)


def member(message: Document, name: str) -> Any:
    """A member of a message by its name in any case (RFC 7643, 2.1); None where there is none."""
    if name in message:
        return message[name]
    return next((value for key, value in message.items() if key.lower() == name.lower()), None)


def error_response(rejected: Rejected, request_id: str | None, provider: Provider | None = None) -> ScimResponse:
    """A SCIM Error. Its detail is all that an identity provider shows its admin: it says what to do on that provider's
    pages, and ends with the request id."""
    advice = ADVICE[provider][rejected.step] if provider and rejected.step else None
    detail = " ".join(filter(None, (rejected.detail, advice, f"(request {request_id})" if request_id else None)))
    body: Document = {"schemas": [_ERROR], "status": str(rejected.status), "detail": detail}
    if rejected.scim_type:
        body["scimType"] = rejected.scim_type
    return ScimResponse(body, rejected.status, headers=dict(rejected.headers or {}))


def list_response(resources: list[Document], *, total: int, start_index: int) -> ScimResponse:
    """A page of resources, of `total` in all, the first of which is number `start_index` (counted from 1)."""
    return ScimResponse(
        {
            "schemas": [_LIST],
            "totalResults": total,
            "startIndex": start_index,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )
