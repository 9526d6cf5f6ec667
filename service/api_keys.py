"""API keys. A workspace's outlive the person who made them; a person's own die with that person's access."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.actor import ActorKind, Channel, Permission
from service.audit import Action, Event, change_of
from service.clock import now
from service.ids import new_id
from service.pages import Order, Page, PageRequest, page_of
from service.refusals import Forbidden, Invalid, NotFound, Refused, Taken
from service.store.columns import Instant, Json, table_of
from service.text import unstorable
from service.tokens import TokenKind, hint, new_token
from service.unit_of_work import UnitOfWork, narrowed

_MAX_NAME = 100


class ApiKeyScope(StrEnum):
    """What a key is for; each opens one door with the permissions that it takes there."""

    SCIM = "SCIM"
    USERS_READ = "USERS_READ"
    USERS_WRITE = "USERS_WRITE"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What a key with this scope may do."""
        return _SCOPE_PERMISSIONS[self]

    @property
    def channel(self) -> Channel:
        """The door that it opens."""
        return Channel.SCIM if self is ApiKeyScope.SCIM else Channel.API


_READS = frozenset({Permission.WORKSPACE_READ, Permission.USERS_READ, Permission.GROUPS_READ, Permission.API_KEYS_USE})
_SCOPE_PERMISSIONS = {
    ApiKeyScope.SCIM: (_READS - {Permission.WORKSPACE_READ}) | {Permission.USERS_WRITE, Permission.GROUPS_WRITE},
    ApiKeyScope.USERS_READ: _READS,
    ApiKeyScope.USERS_WRITE: _READS | {Permission.USERS_WRITE},
}


def permissions_of(scopes: Iterable[ApiKeyScope], channel: Channel) -> frozenset[Permission]:
    """What a key with these scopes may do at this door; nothing where none of them opens it."""
    return frozenset().union(*(scope.permissions for scope in scopes if scope.channel is channel))


class ApiKeyStatus(StrEnum):
    """Whether a key opens its door."""

    ACTIVE = "ACTIVE"
    ROTATING = "ROTATING"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class RotationOverlap(Enum):
    """How long a key that is replaced goes on opening its door."""

    NONE = timedelta()
    DAY = timedelta(days=1)
    WEEK = timedelta(days=7)


class ApiKey(SQLModel, table=True):
    """A key. The secret is kept as a keyed hash; `hint` is what may be shown of it.

    `owner_id` is the person whose own it is; None: it is the workspace's. `rotated_to_id` is the key that replaces it.
    """

    __tablename__ = "api_key"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("api_key_secret", "secret_hash"),  # 256 random bits: nothing needs to keep it unique
        Index("api_key_owner", "workspace_id", "owner_id"),
        Index("api_key_idempotency", "workspace_id", "created_by_id", "idempotency_key", unique=True),
    )

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
    owner_id: str | None = None
    rotated_to_id: str | None = None
    idempotency_key: str | None = None
    warned_days: int | None = None  # how long before its end people were told of it last: `service.expiry`


_KEY = table_of(ApiKey)
_BY_ID = narrowed(ApiKey).where(_KEY.c.id == bindparam("id"))
_ALL = narrowed(ApiKey)
_OWN = _ALL.where(_KEY.c.owner_id == bindparam("owner_id"))
_OWN_BY_ID = _BY_ID.where(_KEY.c.owner_id == bindparam("owner_id"))
_OWN_IN_USE = _OWN.where(_KEY.c.revoked_at.is_(None))
_REPLAYED = _ALL.where(
    _KEY.c.created_by_id == bindparam("created_by_id"), _KEY.c.idempotency_key == bindparam("idempotency_key")
)
_NEWEST_FIRST = _ALL.order_by(_KEY.c.id.desc())
_ORDER = Order("API keys, the newest first", (_KEY.c.id,), descending=True)


def create_api_key(
    uow: UnitOfWork,
    *,
    name: str,
    scopes: list[ApiKeyScope],
    expires_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of the workspace's: the key, and its secret, which is not kept and cannot be shown again.

    With an `idempotency_key` that the actor has used before there is no new key, and "" for a secret: the one made then
    is the answer. Refuses with Invalid where the name is empty or too long, no scope is given, or the expiry has
    passed, and with Taken where the idempotency key was used for another request.
    """
    uow.demand(Permission.API_KEYS_WRITE)
    uow.demand_recent_password()
    return _create(uow, None, name, scopes, expires_at, idempotency_key)


def create_personal_key(
    uow: UnitOfWork,
    *,
    name: str,
    scopes: list[ApiKeyScope],
    expires_at: datetime | None = None,
    idempotency_key: str | None = None,
) -> tuple[ApiKey, str]:
    """Make a key that acts as the person who makes it and ends with that person's access; else as `create_api_key`.

    Refuses with Forbidden where it would have more permissions than the person.
    """
    uow.demand(Permission.PERSONAL_KEYS_WRITE)
    uow.demand_recent_password()
    if uow.actor.kind is not ActorKind.USER:
        raise Refused(Forbidden(Permission.PERSONAL_KEYS_WRITE.value))
    if ApiKeyScope.SCIM in scopes:
        raise Refused(Invalid("scopes", "must not have SCIM: a directory's key is the workspace's"))
    lacking = permissions_of(scopes, Channel.API) - uow.actor.permissions - {Permission.API_KEYS_USE}
    if lacking:
        raise Refused(Forbidden(min(lacking).value))
    return _create(uow, uow.actor.id, name, scopes, expires_at, idempotency_key)


def _create(
    uow: UnitOfWork,
    owner_id: str | None,
    name: str,
    scopes: list[ApiKeyScope],
    expires_at: datetime | None,
    idempotency_key: str | None,
) -> tuple[ApiKey, str]:
    _check(name, scopes, expires_at, idempotency_key)
    said = {
        "name": name.strip(),
        "scopes": sorted({scope.value for scope in scopes}),
        "expires_at": expires_at,
        "owner_id": owner_id,
    }
    if idempotency_key is not None:
        uow.claim(f"{uow.actor.id} {idempotency_key}")
        made = uow.first(_REPLAYED, created_by_id=uow.actor.id, idempotency_key=idempotency_key)
        if made is not None and all(getattr(made, field) == value for field, value in said.items()):
            return made, ""
        if made is not None:
            why = "was used for another API key: choose a new one for a new key"
            raise Refused(Taken("ApiKey", "idempotency_key", idempotency_key, why))
    return _insert(uow, {**said, "idempotency_key": idempotency_key})


def _insert(uow: UnitOfWork, values: dict[str, Any]) -> tuple[ApiKey, str]:
    kind = TokenKind.SCIM_KEY if ApiKeyScope.SCIM in values["scopes"] else TokenKind.API_KEY
    secret = new_token(kind)
    key = uow.insert(
        ApiKey,
        {
            "id": new_id("key"),
            "secret_hash": uow.seal.of(secret, kind),
            "hint": hint(secret),
            "created_by_id": uow.actor.id,
            "created_by_name": uow.actor.name,
            "created_at": now(),
            **values,
        },
    )
    uow.record(Event(Action.API_KEY_CREATED, "ApiKey", key.id, key.name))
    return key, secret


def rotate_api_key(uow: UnitOfWork, key_id: str, overlap: RotationOverlap) -> tuple[ApiKey, str]:
    """Make a key that replaces one of the workspace's: the new key and its secret. The old one ends after `overlap`.

    The new one is for the same and lasts as long as the old one did. Refuses with Invalid where the old one is not
    active, or is being replaced already.
    """
    uow.demand(Permission.API_KEYS_WRITE)
    uow.demand_recent_password()
    return _rotate(uow, key_id, None, overlap)


def rotate_personal_key(uow: UnitOfWork, key_id: str, overlap: RotationOverlap) -> tuple[ApiKey, str]:
    """The same with a key of the actor's own."""
    uow.demand(Permission.PERSONAL_KEYS_WRITE)
    uow.demand_recent_password()
    return _rotate(uow, key_id, uow.actor.id, overlap)


def _rotate(uow: UnitOfWork, key_id: str, owner_id: str | None, overlap: RotationOverlap) -> tuple[ApiKey, str]:
    uow.claim(key_id)
    old = uow.first(_BY_ID, id=key_id)
    if old is None or old.owner_id != owner_id:
        raise Refused(NotFound("ApiKey", key_id))
    status = status_of(old)
    if status is not ApiKeyStatus.ACTIVE:
        raise Refused(Invalid("id", f"is of a key that is {status.lower()}: only an active one can be replaced"))
    at = now()
    same = {"name": old.name, "scopes": old.scopes, "owner_id": old.owner_id}
    lifetime = old.expires_at - old.created_at if old.expires_at is not None else None
    new, secret = _insert(uow, {**same, "expires_at": at + lifetime if lifetime is not None else None})
    end = at + overlap.value
    ending: dict[str, Any] = {"expires_at": end if old.expires_at is None else min(end, old.expires_at)}
    if overlap is RotationOverlap.NONE:
        ending = {"revoked_at": at, "revoked_by_name": uow.actor.name}
    uow.update(ApiKey, old.id, {"rotated_to_id": new.id, **ending})
    changes = [change_of(field, getattr(old, field), value) for field, value in ending.items()]
    changes.append(change_of("rotated_to", None, new.id))
    uow.record(Event(Action.API_KEY_ROTATED, "ApiKey", old.id, old.name, tuple(changes)))
    return new, secret


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


def page_personal_keys(uow: UnitOfWork, wanted: PageRequest) -> Page[ApiKey]:
    """One page of the actor's own keys, the newest first."""
    uow.demand(Permission.PERSONAL_KEYS_WRITE)
    return page_of(uow, _OWN, _ORDER, wanted, {"owner_id": uow.actor.id})


def count_personal_keys(uow: UnitOfWork) -> int:
    """How many keys the actor has made for themselves, revoked and expired ones included."""
    uow.demand(Permission.PERSONAL_KEYS_WRITE)
    return uow.number(_OWN.count, owner_id=uow.actor.id)


def revoke_api_key(uow: UnitOfWork, key_id: str) -> ApiKey:
    """End a key for good, anybody's, from this moment on. Revoking twice is no change."""
    uow.demand(Permission.API_KEYS_WRITE)
    return _revoke(uow, key_id, uow.first(_BY_ID, id=key_id))


def revoke_personal_key(uow: UnitOfWork, key_id: str) -> ApiKey:
    """The same with a key of the actor's own."""
    uow.demand(Permission.PERSONAL_KEYS_WRITE)
    return _revoke(uow, key_id, uow.first(_OWN_BY_ID, id=key_id, owner_id=uow.actor.id))


def _revoke(uow: UnitOfWork, key_id: str, key: ApiKey | None) -> ApiKey:
    if key is None:
        raise Refused(NotFound("ApiKey", key_id))
    uow.claim(key_id)
    if key.revoked_at is not None:
        return key
    revoked = uow.update(ApiKey, key_id, {"revoked_at": now(), "revoked_by_name": uow.actor.name})
    uow.record(Event(Action.API_KEY_REVOKED, "ApiKey", key.id, key.name))
    return revoked


def end_personal_keys(uow: UnitOfWork, user_id: str) -> int:
    """Revoke what acts as a person whose access ends, which whoever calls this records: how many keys."""
    ended = uow.all(_OWN_IN_USE, owner_id=user_id)
    for key in ended:
        uow.update(ApiKey, key.id, {"revoked_at": now(), "revoked_by_name": uow.actor.name})
    return len(ended)


def note_use(uow: UnitOfWork, *, client: str | None) -> None:
    """Note that the acting key was used now, from the actor's address and by this client."""
    uow.demand(Permission.API_KEYS_USE)
    key_id = uow.actor.personal_key_id or uow.actor.id
    uow.stamp(ApiKey, key_id, "last_used_at", last_used_ip=uow.actor.ip, last_used_client=client)


def status_of(key: ApiKey) -> ApiKeyStatus:
    """Whether the key opens its door at this moment."""
    if key.revoked_at is not None:
        return ApiKeyStatus.REVOKED
    if key.expires_at is not None and key.expires_at <= now():
        return ApiKeyStatus.EXPIRED
    return ApiKeyStatus.ACTIVE if key.rotated_to_id is None else ApiKeyStatus.ROTATING


def _check(name: str, scopes: list[ApiKeyScope], expires_at: datetime | None, idempotency_key: str | None) -> None:
    for field, text in (("name", name), ("idempotency_key", idempotency_key)):
        if text is None:
            continue
        if not text.strip() or len(text) > _MAX_NAME:
            raise Refused(Invalid(field, f"must have 1 to {_MAX_NAME} characters"))
        if why := unstorable(text):
            raise Refused(Invalid(field, why))
    if not scopes:
        raise Refused(Invalid("scopes", "must name at least one scope"))
    if expires_at is not None and expires_at <= now():
        raise Refused(Invalid("expires_at", "must be in the future"))
