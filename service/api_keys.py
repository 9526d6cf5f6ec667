"""API keys: they belong to the workspace and outlive the person who made them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.audit import Action, Event
from service.clock import now
from service.ids import new_id
from service.pages import Order, Page, PageRequest, page_of
from service.refusals import Invalid, NotFound, Refused
from service.store.columns import Instant, Json, table_of
from service.text import unstorable
from service.tokens import TokenKind, hint, new_token
from service.unit_of_work import UnitOfWork, narrowed

_MAX_NAME = 100


class ApiKeyScope(StrEnum):
    """What a key is for; each opens one door with the permissions that door needs."""

    SCIM = "SCIM"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What a key with this scope may do."""
        return _SCOPE_PERMISSIONS[self]


_SCOPE_PERMISSIONS = {
    ApiKeyScope.SCIM: frozenset(
        {
            Permission.USERS_READ,
            Permission.USERS_WRITE,
            Permission.GROUPS_READ,
            Permission.GROUPS_WRITE,
            Permission.API_KEYS_USE,
        }
    )
}


class ApiKeyStatus(StrEnum):
    """Whether a key opens its door."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class ApiKey(SQLModel, table=True):
    """A key. The secret is kept as a keyed hash; `hint` is what may be shown of it."""

    __tablename__ = "api_key"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("api_key_secret", "secret_hash"),)  # 256 random bits: nothing needs to keep it unique

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    scopes: list[str] = Field(sa_type=Json)
    secret_hash: str
    hint: str
    created_by_id: str
    created_by_name: str
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by_name: str | None = None
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_ip: str | None = None
    last_used_client: str | None = None


_KEY = table_of(ApiKey)
_BY_ID = narrowed(ApiKey).where(_KEY.c.id == bindparam("id"))
_ALL = narrowed(ApiKey)
_NEWEST_FIRST = _ALL.order_by(_KEY.c.id.desc())
_ORDER = Order("API keys, the newest first", (_KEY.c.id,), descending=True)


def create_api_key(
    uow: UnitOfWork, *, name: str, scopes: list[ApiKeyScope], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key: the key, and its secret, which is not kept and cannot be shown again.

    Refuses with Invalid where the name is empty or too long, no scope is given, or the expiry has passed.
    """
    uow.demand(Permission.API_KEYS_WRITE)
    _check(name, scopes, expires_at)
    secret = new_token(TokenKind.SCIM_KEY)
    key = uow.insert(
        ApiKey,
        {
            "id": new_id("key"),
            "name": name.strip(),
            "scopes": sorted({scope.value for scope in scopes}),
            "secret_hash": uow.seal.of(secret, TokenKind.SCIM_KEY),
            "hint": hint(secret),
            "created_by_id": uow.actor.id,
            "created_by_name": uow.actor.name,
            "created_at": now(),
            "expires_at": expires_at,
        },
    )
    uow.record(Event(Action.API_KEY_CREATED, "ApiKey", key.id, key.name))
    return key, secret


def get_api_key(uow: UnitOfWork, key_id: str) -> ApiKey:
    """One key, or NotFound."""
    uow.demand(Permission.API_KEYS_READ)
    key = uow.first(_BY_ID, id=key_id)
    if key is None:
        raise Refused(NotFound("ApiKey", key_id))
    return key


def list_api_keys(uow: UnitOfWork) -> list[ApiKey]:
    """Every key of the workspace, the newest first, revoked and expired ones included."""
    uow.demand(Permission.API_KEYS_READ)
    return uow.all(_NEWEST_FIRST)


def page_api_keys(uow: UnitOfWork, wanted: PageRequest) -> Page[ApiKey]:
    """One page of the workspace's keys, the newest first."""
    uow.demand(Permission.API_KEYS_READ)
    return page_of(uow, _ALL, _ORDER, wanted, {})


def count_api_keys(uow: UnitOfWork) -> int:
    """How many keys the workspace has, revoked and expired ones included."""
    uow.demand(Permission.API_KEYS_READ)
    return uow.number(_ALL.count)


def revoke_api_key(uow: UnitOfWork, key_id: str) -> ApiKey:
    """End a key for good, from this moment on. Revoking twice is no change."""
    uow.demand(Permission.API_KEYS_WRITE)
    uow.claim(key_id)
    key = get_api_key(uow, key_id)
    if key.revoked_at is not None:
        return key
    revoked = uow.update(ApiKey, key_id, {"revoked_at": now(), "revoked_by_name": uow.actor.name})
    uow.record(Event(Action.API_KEY_REVOKED, "ApiKey", key.id, key.name))
    return revoked


def note_use(uow: UnitOfWork, *, client: str | None) -> None:
    """Note that the acting key was used now, from the actor's address and by this client."""
    uow.demand(Permission.API_KEYS_USE)
    uow.stamp(ApiKey, uow.actor.id, "last_used_at", last_used_ip=uow.actor.ip, last_used_client=client)


def status_of(key: ApiKey) -> ApiKeyStatus:
    """Whether the key opens its door at this moment."""
    if key.revoked_at is not None:
        return ApiKeyStatus.REVOKED
    if key.expires_at is not None and key.expires_at <= now():
        return ApiKeyStatus.EXPIRED
    return ApiKeyStatus.ACTIVE


def _check(name: str, scopes: list[ApiKeyScope], expires_at: datetime | None) -> None:
    if not name.strip() or len(name) > _MAX_NAME:
        raise Refused(Invalid("name", f"must have 1 to {_MAX_NAME} characters"))
    if why := unstorable(name):
        raise Refused(Invalid("name", why))
    if not scopes:
        raise Refused(Invalid("scopes", "must name at least one scope"))
    if expires_at is not None and expires_at <= now():
        raise Refused(Invalid("expires_at", "must be in the future"))
