"""/ServiceProviderConfig, /ResourceTypes and /Schemas (RFC 7643, 5 to 7), made from what the code runs on."""

from typing import Any

from starlette.responses import Response

from scim_facade.attributes import Attribute
from scim_facade.bulk import MAX_OPERATIONS, MAX_PAYLOAD
from scim_facade.calls import Call
from scim_facade.lists import DEFAULT_COUNT, MAX_COUNT
from scim_facade.messages import Document, Rejected, ScimResponse, list_response
from scim_facade.resource_types import RESOURCE_TYPES, ResourceType

_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_RESOURCE_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


async def service_provider_config(call: Call) -> Response:
    """GET /ServiceProviderConfig."""
    unsupported = {"supported": False}
    return ScimResponse(
        {
            "schemas": [_CONFIG],
            "patch": {"supported": True},
            "bulk": {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD},
            "filter": {"supported": True, "maxResults": MAX_COUNT},
            "changePassword": unsupported,
            "sort": {"supported": True},
            "etag": {"supported": True},
            "pagination": {
                "cursor": True,
                "index": True,
                "defaultPaginationMethod": "index",
                "defaultPageSize": DEFAULT_COUNT,
                "maxPageSize": MAX_COUNT,
            },
            **({"interopProfileConformant": True} if call.tolerances.strict else {}),  # no RFC has it: strict readers
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "API key",
                    "description": "An API key of the workspace with the SCIM scope, as a bearer token (RFC 6750).",
                    "primary": True,
                }
            ],
            "meta": {"resourceType": "ServiceProviderConfig", "location": call.location("ServiceProviderConfig")},
        }
    )


async def resource_types(call: Call) -> Response:
    """GET /ResourceTypes."""
    _refuse_filter(call)
    described = [_resource_type(each, call) for each in RESOURCE_TYPES]
    return list_response(described, total=len(described), start_index=1)


async def resource_type(call: Call) -> Response:
    """GET /ResourceTypes/{name}."""
    for each in RESOURCE_TYPES:
        if each.table.name == call.id:
            return ScimResponse(_resource_type(each, call))
    known = ", ".join(each.table.name for each in RESOURCE_TYPES)
    raise Rejected(404, f"There is no resource type {call.id!r}; there are: {known}.")


async def schemas(call: Call) -> Response:
    """GET /Schemas."""
    _refuse_filter(call)
    described = [_described(urn, call) for urn in _ATTRIBUTES]
    return list_response(described, total=len(described), start_index=1)


async def schema(call: Call) -> Response:
    """GET /Schemas/{urn}."""
    if call.id not in _ATTRIBUTES:
        raise Rejected(404, f"There is no schema {call.id!r}; there are {', '.join(_ATTRIBUTES)}.")
    return ScimResponse(_described(call.id, call))


_COMMON = frozenset({"id", "externalId", "meta"})  # every resource has these: no schema lists them (RFC 7643, 3.1)
_ATTRIBUTES: dict[str, tuple[Attribute, ...]] = {}
_NAMES: dict[str, tuple[str, str]] = {}
for _type in RESOURCE_TYPES:
    _ATTRIBUTES[_type.table.urn] = tuple(each for each in _type.table.attributes if each.name not in _COMMON)
    _ATTRIBUTES |= {each.name: each.sub for each in _type.table.extensions}
    _NAMES[_type.table.urn] = (_type.table.name, _type.description)
    _NAMES |= {each.name: (each.doc.replace(" ", ""), each.doc) for each in _type.table.extensions}


def _refuse_filter(call: Call) -> None:
    if call.text("filter"):  # RFC 7644, 4: 403, so that nobody takes the whole list for the filtered one
        raise Rejected(403, "Discovery cannot be filtered: leave the filter out.")


def _resource_type(kind: ResourceType[Any], call: Call) -> Document:
    table = kind.table
    return {
        "schemas": [_RESOURCE_TYPE],
        "id": table.name,
        "name": table.name,
        "description": kind.description,
        "endpoint": f"/{kind.endpoint}",
        "schema": table.urn,
        "schemaExtensions": [{"schema": each.name, "required": each.required} for each in table.extensions],
        "meta": {"resourceType": "ResourceType", "location": call.location("ResourceTypes", table.name)},
    }


def _described(urn: str, call: Call) -> Document:
    name, description = _NAMES[urn]
    return {
        "schemas": [_SCHEMA],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": [_characteristics(attribute) for attribute in _ATTRIBUTES[urn]],
        "meta": {"resourceType": "Schema", "location": call.location("Schemas", urn)},
    }


def _characteristics(attribute: Attribute) -> Document:
    described: Document = {
        "name": attribute.name,
        "type": attribute.type,
        "multiValued": attribute.multi_valued,
        "description": attribute.doc,
        "required": attribute.required,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
    }
    if attribute.type == "complex":
        return described | {"subAttributes": [_characteristics(sub) for sub in attribute.sub]}
    described |= {"caseExact": attribute.case_exact, "uniqueness": attribute.uniqueness}
    if attribute.canonical_values:
        described["canonicalValues"] = list(attribute.canonical_values)
    if attribute.reference_types:
        described["referenceTypes"] = list(attribute.reference_types)
    return described
