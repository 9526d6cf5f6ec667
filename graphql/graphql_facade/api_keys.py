"""API keys: what the keys page shows and can do."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from graphql_facade.connections import Connection
from graphql_facade.context import Context, Info
from graphql_facade.enums import publish
from graphql_facade.nodes import Node, domain_id
from graphql_facade.refusals import BusyError, ForbiddenError, InvalidInputError, NotFoundError, UnauthenticatedError
from graphql_facade.resolvers import mutation
from service import api_keys
from service.api_keys import ApiKeyScope, ApiKeyStatus
from service.pages import PageRequest

publish(
    ApiKeyScope,
    "What an API key is for.",
    SCIM="An identity provider creates, updates and deactivates people through SCIM.",
)
publish(
    ApiKeyStatus,
    "Whether an API key opens its door.",
    ACTIVE="It does.",
    EXPIRED="Its time is over.",
    REVOKED="Somebody has revoked it.",
)


@strawberry.type(description="An API key. It belongs to the workspace and outlives the person who made it.")
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


@strawberry.input(description="Which API key to revoke.")
class ApiKeyRevokeInput:
    """A key's id."""

    id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="The new key and its secret.")
class ApiKeyCreatePayload:
    """The only answer that ever holds a secret."""

    api_key: ApiKey = strawberry.field(description="The key.")
    secret: str = strawberry.field(description="What its holder shows. Said this once: it is not kept.")


@strawberry.type(description="The key, which opens nothing any more.")
class ApiKeyRevokePayload:
    """The key as it is now."""

    api_key: ApiKey = strawberry.field(description="The key.")


_Nobody = ForbiddenError | UnauthenticatedError | BusyError

ApiKeyCreateResult = Annotated[
    ApiKeyCreatePayload | InvalidInputError | _Nobody,
    strawberry.union("ApiKeyCreateResult", description="The new key, or what stood in the way."),
]
ApiKeyRevokeResult = Annotated[
    ApiKeyRevokePayload | NotFoundError | _Nobody,
    strawberry.union("ApiKeyRevokeResult", description="The revoked key, or what stood in the way."),
]


@strawberry.type
class ApiKeyMutations:
    """What can be done to keys."""

    @mutation("Make an API key. Its secret is in the answer and nowhere else.")
    async def api_key_create(self, info: Info, input: ApiKeyCreateInput) -> ApiKeyCreateResult:
        """Create."""
        key, secret = await info.context.write(
            api_keys.create_api_key, name=input.name, scopes=input.scopes, expires_at=input.expires_at
        )
        return ApiKeyCreatePayload(api_key=ApiKey.of(key), secret=secret)

    @mutation("End an API key for good, from this moment on.")
    async def api_key_revoke(self, info: Info, input: ApiKeyRevokeInput) -> ApiKeyRevokeResult:
        """Revoke."""
        return ApiKeyRevokePayload(
            api_key=ApiKey.of(await info.context.write(api_keys.revoke_api_key, domain_id(input.id)))
        )


async def api_key_by_id(context: Context, id: str) -> ApiKey:
    """One key, or NotFound."""
    return ApiKey.of(await context.read(api_keys.get_api_key, id))


async def page_of_api_keys(context: Context, wanted: PageRequest) -> Connection[ApiKey]:
    """One page of the workspace's keys, the newest first."""
    page = await context.read(api_keys.page_api_keys, wanted)
    return Connection[ApiKey].of(page, ApiKey.of, lambda: context.read(api_keys.count_api_keys))
