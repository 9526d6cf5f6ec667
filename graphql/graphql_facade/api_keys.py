"""API keys: what the keys page shows and can do."""

from datetime import datetime
from typing import Annotated, Any, Self

import strawberry

from graphql_facade.connections import Connection
from graphql_facade.context import Context, Info
from graphql_facade.enums import publish
from graphql_facade.nodes import Node, domain_id
from graphql_facade.refusals import (
    BusyError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    ReauthenticationRequiredError,
    UnauthenticatedError,
)
from graphql_facade.resolvers import mutation
from service import api_keys
from service.api_keys import ApiKeyScope, ApiKeyStatus, RotationOverlap
from service.pages import PageRequest

publish(
    ApiKeyScope,
    "What an API key is for.",
    SCIM="An identity provider creates, updates and deactivates people through SCIM.",
    USERS_READ="This API: see the workspace, its people and groups.",
    USERS_WRITE="This API: see them, and add, change, deactivate, reactivate and delete people.",
)
publish(
    ApiKeyStatus,
    "Whether an API key opens its door.",
    ACTIVE="It does.",
    ROTATING="It does, until `expiresAt`: another key replaces it.",
    EXPIRED="Its time is over.",
    REVOKED="Somebody has revoked it, or it was a person's own and their access has ended.",
)
publish(
    RotationOverlap,
    "How long a key that is replaced goes on opening its door.",
    NONE="Not at all.",
    DAY="24 hours.",
    WEEK="7 days.",
)


@strawberry.type(description="An API key: the workspace's, which outlives the person who made it, or a person's own.")
class ApiKey(Node):
    """A row of `service.api_keys.ApiKey`, without anything of its secret but the hint."""

    display_name: str = strawberry.field(description="What people call it.")
    hint: str = strawberry.field(description="The secret's prefix and last characters, to tell keys apart.")
    scopes: list[ApiKeyScope] = strawberry.field(description="What it is for.")
    status: ApiKeyStatus = strawberry.field(description="Whether it opens its door.")
    created_by: str = strawberry.field(description="Who made it, by the name they had then.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it stops working, if ever.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to the minute.")
    last_used_ip: str | None = strawberry.field(description="From which address it was last used.")
    last_used_client: str | None = strawberry.field(description="What the client called itself when it was last used.")
    owner_id: strawberry.ID | None = strawberry.field(
        description="The person whose own it is and who it acts as; null: it is the workspace's."
    )
    rotated_to_id: strawberry.ID | None = strawberry.field(description="The key that replaces it, if one does.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked, if it was.")
    revoked_by: str | None = strawberry.field(description="Who revoked it, by the name they had then.")

    @classmethod
    def of(cls, row: api_keys.ApiKey) -> Self:
        """The key of a row."""
        return cls(
            id=strawberry.ID(row.id),
            display_name=row.name,
            hint=row.hint,
            scopes=[ApiKeyScope(scope) for scope in row.scopes],
            status=api_keys.status_of(row),
            created_by=row.created_by_name,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            last_used_ip=row.last_used_ip,
            last_used_client=row.last_used_client,
            owner_id=strawberry.ID(row.owner_id) if row.owner_id else None,
            rotated_to_id=strawberry.ID(row.rotated_to_id) if row.rotated_to_id else None,
            revoked_at=row.revoked_at,
            revoked_by=row.revoked_by_name,
        )


@strawberry.input(description="A new API key.")
class ApiKeyCreateInput:
    """What a key needs."""

    name: str = strawberry.field(description="What people will call it.")
    scopes: list[ApiKeyScope] = strawberry.field(description="What it is for: one scope at least.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it stops working; never, if left out."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A text of your choice that makes this request safe to repeat: the second time, the key that was "
        "made the first time is the answer, without its secret.",
    )

    def in_domain(self) -> dict[str, Any]:
        """As verbs take it."""
        return {
            "name": self.name,
            "scopes": self.scopes,
            "expires_at": self.expires_at,
            "idempotency_key": self.idempotency_key,
        }


@strawberry.input(description="A new API key that acts as the person who makes it, and ends with their access.")
class PersonalKeyCreateInput(ApiKeyCreateInput):
    """The same."""


@strawberry.input(description="Which API key to replace.")
class ApiKeyRotateInput:
    """A key, and for how long it is still good."""

    id: strawberry.ID = strawberry.field(description="The key.")
    overlap: RotationOverlap = strawberry.field(
        default=RotationOverlap.DAY, description="How long the old one goes on opening its door."
    )


@strawberry.input(description="Which of one's own API keys to replace.")
class PersonalKeyRotateInput(ApiKeyRotateInput):
    """The same."""


@strawberry.input(description="Which API key to revoke.")
class ApiKeyRevokeInput:
    """A key's id."""

    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.input(description="Which of one's own API keys to revoke.")
class PersonalKeyRevokeInput(ApiKeyRevokeInput):
    """The same."""


@strawberry.type(description="The new key and its secret.")
class ApiKeyCreatePayload:
    """The only answer that ever holds a secret."""

    api_key: ApiKey = strawberry.field(description="The key.")
    secret: str | None = strawberry.field(
        description="What its holder shows. Said this once: it is not kept, and null where the request is repeated."
    )

    @classmethod
    def of(cls, made: tuple[api_keys.ApiKey, str]) -> Self:
        """What a verb has made."""
        return cls(api_key=ApiKey.of(made[0]), secret=made[1] or None)


@strawberry.type(description="The key, which opens nothing any more.")
class ApiKeyRevokePayload:
    """The key as it is now."""

    api_key: ApiKey = strawberry.field(description="The key.")


_Nobody = ForbiddenError | UnauthenticatedError | BusyError

_Created = ApiKeyCreatePayload | InvalidInputError | ConflictError | ReauthenticationRequiredError | _Nobody
_Rotated = ApiKeyCreatePayload | InvalidInputError | NotFoundError | ReauthenticationRequiredError | _Nobody
_Revoked = ApiKeyRevokePayload | NotFoundError | _Nobody

ApiKeyCreateResult = Annotated[
    _Created, strawberry.union("ApiKeyCreateResult", description="The new key, or what stood in the way.")
]
PersonalKeyCreateResult = Annotated[
    _Created, strawberry.union("PersonalKeyCreateResult", description="The new key, or what stood in the way.")
]
ApiKeyRotateResult = Annotated[
    _Rotated, strawberry.union("ApiKeyRotateResult", description="The key that replaces it, or what stood in the way.")
]
PersonalKeyRotateResult = Annotated[
    _Rotated,
    strawberry.union("PersonalKeyRotateResult", description="The key that replaces it, or what stood in the way."),
]
ApiKeyRevokeResult = Annotated[
    _Revoked, strawberry.union("ApiKeyRevokeResult", description="The revoked key, or what stood in the way.")
]
PersonalKeyRevokeResult = Annotated[
    _Revoked, strawberry.union("PersonalKeyRevokeResult", description="The revoked key, or what stood in the way.")
]


@strawberry.type
class ApiKeyMutations:
    """What can be done to keys."""

    @mutation("Make an API key of the workspace's. Its secret is in the answer and nowhere else.")
    async def api_key_create(self, info: Info, input: ApiKeyCreateInput) -> ApiKeyCreateResult:
        """Create."""
        return ApiKeyCreatePayload.of(await info.context.write(api_keys.create_api_key, **input.in_domain()))

    @mutation("Make an API key of one's own. Its secret is in the answer and nowhere else.")
    async def personal_key_create(self, info: Info, input: PersonalKeyCreateInput) -> PersonalKeyCreateResult:
        """Create."""
        return ApiKeyCreatePayload.of(await info.context.write(api_keys.create_personal_key, **input.in_domain()))

    @mutation("Make an API key that replaces one of the workspace's, for the same and for as long.")
    async def api_key_rotate(self, info: Info, input: ApiKeyRotateInput) -> ApiKeyRotateResult:
        """Rotate."""
        rotated = info.context.write(api_keys.rotate_api_key, domain_id(input.id), input.overlap)
        return ApiKeyCreatePayload.of(await rotated)

    @mutation("Make an API key that replaces one of one's own, for the same and for as long.")
    async def personal_key_rotate(self, info: Info, input: PersonalKeyRotateInput) -> PersonalKeyRotateResult:
        """Rotate."""
        rotated = info.context.write(api_keys.rotate_personal_key, domain_id(input.id), input.overlap)
        return ApiKeyCreatePayload.of(await rotated)

    @mutation("End an API key for good, from this moment on.")
    async def api_key_revoke(self, info: Info, input: ApiKeyRevokeInput) -> ApiKeyRevokeResult:
        """Revoke."""
        row = await info.context.write(api_keys.revoke_api_key, domain_id(input.id))
        return ApiKeyRevokePayload(api_key=ApiKey.of(row))

    @mutation("End an API key of one's own for good, from this moment on.")
    async def personal_key_revoke(self, info: Info, input: PersonalKeyRevokeInput) -> PersonalKeyRevokeResult:
        """Revoke."""
        row = await info.context.write(api_keys.revoke_personal_key, domain_id(input.id))
        return ApiKeyRevokePayload(api_key=ApiKey.of(row))


async def api_key_by_id(context: Context, id: str) -> ApiKey:
    """One key, or NotFound."""
    return ApiKey.of(await context.read(api_keys.get_api_key, id))


async def page_of_api_keys(context: Context, wanted: PageRequest) -> Connection[ApiKey]:
    """One page of the workspace's keys, the newest first."""
    page = await context.read(api_keys.page_api_keys, wanted)
    return Connection[ApiKey].of(page, ApiKey.of, lambda: context.read(api_keys.count_api_keys))


async def page_of_personal_keys(context: Context, wanted: PageRequest) -> Connection[ApiKey]:
    """One page of the viewer's own keys, the newest first."""
    page = await context.read(api_keys.page_personal_keys, wanted)
    return Connection[ApiKey].of(page, ApiKey.of, lambda: context.read(api_keys.count_personal_keys))
