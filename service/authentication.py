"""Who is asking: API keys, sessions, and the way from a password to a session.

State is read on every request: a key that was revoked, a session that was ended or a user who was deactivated
a moment ago is not let in. Unknown, malformed, revoked, expired and foreign credentials get one and the same answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import bindparam, select

from service.actor import STAFF, Actor, ActorKind, Channel, Permission, Role, nobody
from service.api_keys import ApiKey, ApiKeyScope, note_use, permissions_of
from service.clock import now
from service.flags import Flag, FlagOverride, is_on
from service.passwords import PasswordHasher
from service.refusals import Busy, Refused, Unauthenticated
from service.sessions import Credential, Session, note_activity, note_password_shown, open_session
from service.sign_in_attempts import count_attempt, forget_attempt, take_back_attempt
from service.store.columns import table_of
from service.text import canonical, unstorable
from service.tokens import TokenKind, is_well_formed
from service.unit_of_work import STAMPED_EVERY, Lookup, UnitOfWork, narrowed
from service.users.fields import Named, User, UserEmail, shown_name
from service.work import Work
from service.workspaces import STAFF_REALM, Workspace, find_workspace

BAD_KEY = (
    "The API key is not valid here. Check that it was copied whole, that it has not been revoked or has expired, "
    "and that the base URL is that of the workspace it was created in."
)
BAD_SIGN_IN = "The e-mail address or the password is wrong, or the account is not active."
NOWHERE = "-"  # the workspace of whoever names one that there is not
NOT_SIGNED_IN = "Nobody is signed in: sign in first."


@dataclass(frozen=True, slots=True)
class Caller:
    """What a door knows of a request before anybody is recognised. `subdomain` is None where the host names none."""

    subdomain: str | None
    ip: str | None
    client: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A recognised API key."""

    actor: Actor
    scopes: tuple[ApiKeyScope, ...]
    provisioning_is_on: bool
    provisioning_is_paused: bool
    is_strict: bool
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A recognised session."""

    actor: Actor
    session_id: str
    last_active_at: datetime


class _KeyRow(Named, Protocol):
    id: str
    workspace_id: str
    name: str
    scopes: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    subdomain: str
    plan: str
    scim_override: bool | None
    scim_override_expires_at: datetime | None
    strict_scim: bool
    provisioning_paused_at: datetime | None
    owner_id: str | None
    user_active: bool | None
    role: str | None


class _SessionRow(Named, Protocol):
    id: str
    workspace_id: str
    user_id: str
    role: str
    last_active_at: datetime
    expires_at: datetime
    created_at: datetime
    confirmed_at: datetime | None
    subdomain: str


_W, _K, _S, _U = table_of(Workspace), table_of(ApiKey), table_of(Session), table_of(User)
_F, _C, _E = table_of(FlagOverride), table_of(Credential), table_of(UserEmail)

_NAMES = (_U.c.user_name, _U.c.display_name, _U.c.formatted_name, _U.c.given_name, _U.c.family_name)
_owner = (_U.c.workspace_id == _K.c.workspace_id) & (_U.c.id == _K.c.owner_id)
_scim_override = (_F.c.workspace_id == _K.c.workspace_id) & (_F.c.id == Flag.SCIM_PROVISIONING.value)
_KEY_BY_HASH = (
    select(
        *(_K.c.id, _K.c.workspace_id, _K.c.name, _K.c.scopes, _K.c.expires_at, _K.c.last_used_at),
        *(
            _W.c.subdomain,
            _W.c.plan,
            _W.c.strict_scim,
            _W.c.provisioning_paused_at,
            _F.c.enabled.label("scim_override"),
            _F.c.expires_at.label("scim_override_expires_at"),
        ),
        *(_K.c.owner_id, _U.c.active.label("user_active"), _U.c.role, *_NAMES),
    )
    .select_from(_K.join(_W, _W.c.id == _K.c.workspace_id).outerjoin(_F, _scim_override).outerjoin(_U, _owner))
    .where(_K.c.secret_hash == bindparam("secret_hash"), _K.c.revoked_at.is_(None))
)
_SESSION_BY_HASH = (
    select(
        *(_S.c.id, _S.c.workspace_id, _S.c.user_id, _S.c.last_active_at, _S.c.expires_at, _W.c.subdomain),
        *(_S.c.created_at, _S.c.confirmed_at),
        *(_U.c.role, *_NAMES),
    )
    .select_from(
        _S.join(_W, _W.c.id == _S.c.workspace_id).join(
            _U, (_U.c.workspace_id == _S.c.workspace_id) & (_U.c.id == _S.c.user_id)
        )
    )
    .where(_S.c.token_hash == bindparam("token_hash"), _U.c.active.is_(True))
)
_active_users = narrowed(User).where(_U.c.active.is_(True))
_BY_USER_NAME = _active_users.where(_U.c.user_name_key == bindparam("key"))
_BY_ADDRESS = _active_users.where(
    _U.c.id.in_(
        select(_E.c.user_id).where(_E.c.workspace_id == bindparam("of_workspace"), _E.c.value_key == bindparam("key"))
    )
)
_BY_ID = _active_users.where(_U.c.id == bindparam("id"))
_KEY_KINDS = (TokenKind.SCIM_KEY, TokenKind.API_KEY)
_CREDENTIAL = narrowed(Credential).where(_C.c.user_id == bindparam("user_id"))


async def recognise_key(work: Work, token: str, caller: Caller, channel: Channel = Channel.SCIM) -> KeyHolder:
    """The holder of an API key at a door, or Unauthenticated. A typo is refused without a query.

    A key whose scopes do not open this door is recognised, with no permissions.
    """
    kind = next((kind for kind in _KEY_KINDS if is_well_formed(token, kind)), None)
    if kind is None:
        raise Refused(Unauthenticated(BAD_KEY))
    holder = await work.lookup(_key_holder, token, kind, caller, channel)
    if holder.actor.permissions and _is_due(holder.last_used_at):
        work.soon(holder.actor, note_use, client=caller.client)
    return holder


async def recognise_session(work: Work, token: str, caller: Caller) -> SignedIn:
    """The user of a session, or Unauthenticated."""
    if not is_well_formed(token, TokenKind.SESSION):
        raise Refused(Unauthenticated(NOT_SIGNED_IN))
    signed_in = await work.lookup(_signed_in, token, caller)
    if _is_due(signed_in.last_active_at):
        work.soon(signed_in.actor, note_activity, signed_in.session_id)
    return signed_in


async def sign_in(
    work: Work, hasher: PasswordHasher, caller: Caller, *, subdomain: str, identifier: str, password: str
) -> tuple[SignedIn, str]:
    """Begin a session in one workspace for a userName, or an address that one active user has, and a password.

    The session and its token. Refuses with one Unauthenticated, after similar work, whichever part was wrong, and with
    LimitReached where too many attempts have failed.
    """
    if caller.subdomain not in (None, subdomain):
        raise Refused(Unauthenticated(BAD_SIGN_IN))  # the session would not be let in on this host
    guest = await guest_in(work, caller, subdomain)
    if guest.workspace_id != NOWHERE:
        await work.write(guest, count_attempt, identifier)
    found = await work.read(guest, _find_credential, identifier)
    user_id, known_hash = found or (None, None)
    right = await _is_right(work, hasher, guest, identifier, password, known_hash)
    if not right or user_id is None:
        raise Refused(Unauthenticated(BAD_SIGN_IN))
    token = await work.write(guest, _admit, user_id, identifier, caller.client or "unknown client")
    return await session_of(work, token, caller), token


async def guest_in(work: Work, caller: Caller, subdomain: str) -> Actor:
    """Somebody who has not signed in, in the workspace with this subdomain, or NOWHERE."""
    workspace = await work.lookup(find_workspace, subdomain)
    return nobody(workspace.id if workspace else NOWHERE, ip=caller.ip, request_id=caller.request_id)


async def session_of(work: Work, token: str, caller: Caller) -> SignedIn:
    """The session that has just begun with this token."""
    return await work.lookup(_signed_in, token, caller)


async def check_password(work: Work, hasher: PasswordHasher, actor: Actor, password: str) -> None:
    """Refuse with Unauthenticated unless this is the password of whoever acts, and with LimitReached where it has been
    wrong too often."""
    guest = nobody(actor.workspace_id, ip=actor.ip, request_id=actor.request_id)
    await work.write(guest, count_attempt, actor.id)
    credential = await work.read(guest, lambda uow: uow.first(_CREDENTIAL, user_id=actor.id))
    known_hash = credential.password_hash if credential else None
    if not await _is_right(work, hasher, guest, actor.id, password, known_hash):
        raise Refused(Unauthenticated(BAD_SIGN_IN))
    await work.write(guest, forget_attempt, actor.id)


async def reauthenticate(work: Work, hasher: PasswordHasher, actor: Actor, password: str) -> None:
    """Have a session's user show the password again, for what takes one that was shown a short time ago; refuses as
    `check_password` does."""
    await check_password(work, hasher, actor, password)
    await work.write(actor, note_password_shown)


async def _is_right(
    work: Work, hasher: PasswordHasher, guest: Actor, identifier: str, password: str, known_hash: str | None
) -> bool:
    """Whether the password is the one. Where nobody has the time to look at it, the attempt does not count."""
    try:
        return await hasher.verify(password, known_hash)
    except Refused as refused:
        if isinstance(refused.reason, Busy):
            await work.write(guest, take_back_attempt, identifier)
        raise


def find_person(uow: UnitOfWork, identifier: str) -> User | None:
    """The one active user with this userName, or else with this address."""
    if unstorable(identifier):
        return None
    key = canonical(identifier)
    found = uow.all(_BY_USER_NAME, key=key) or uow.all(_BY_ADDRESS, key=key)
    return found[0] if len(found) == 1 else None


def _key_holder(lookup: Lookup, token: str, kind: TokenKind, caller: Caller, channel: Channel) -> KeyHolder:
    row: _KeyRow | None = lookup.first(_KEY_BY_HASH, secret_hash=lookup.seal.of(token, kind))
    if row is None or not _is_here(row.subdomain, caller) or (row.expires_at and row.expires_at <= now()):
        raise Refused(Unauthenticated(BAD_KEY))
    scopes = tuple(ApiKeyScope(scope) for scope in row.scopes)
    permissions = permissions_of(scopes, channel)
    if row.owner_id is None:
        who: dict[str, Any] = {"kind": ActorKind.API_KEY, "id": row.id, "name": row.name}
    elif row.role is not None and row.user_active:
        role = Role(row.role)
        permissions &= role.permissions | {Permission.API_KEYS_USE}
        who = {"kind": ActorKind.USER, "id": row.owner_id, "name": shown_name(row), "role": role}
        who["personal_key_id"] = row.id
    else:
        raise Refused(Unauthenticated(BAD_KEY))
    actor = Actor(
        **who,
        workspace_id=row.workspace_id,
        permissions=permissions,
        channel=channel,
        ip=caller.ip,
        request_id=caller.request_id,
    )
    provisioning = is_on(Flag.SCIM_PROVISIONING, row.plan, row.scim_override, row.scim_override_expires_at)
    is_paused = row.provisioning_paused_at is not None
    return KeyHolder(actor, scopes, provisioning, is_paused, row.strict_scim, row.last_used_at)


def _signed_in(lookup: Lookup, token: str, caller: Caller) -> SignedIn:
    token_hash = lookup.seal.of(token, TokenKind.SESSION)
    row: _SessionRow | None = lookup.first(_SESSION_BY_HASH, token_hash=token_hash)
    if row is None or not _is_here(row.subdomain, caller) or row.expires_at <= now():
        raise Refused(Unauthenticated(NOT_SIGNED_IN))
    role = Role(row.role)
    actor = Actor(
        kind=ActorKind.USER,
        id=row.user_id,
        name=shown_name(row),
        workspace_id=row.workspace_id,
        permissions=STAFF if row.workspace_id == STAFF_REALM else role.permissions,
        channel=Channel.APP,
        role=role,
        session_id=row.id,
        confirmed_at=row.confirmed_at or row.created_at,
        ip=caller.ip,
        request_id=caller.request_id,
    )
    return SignedIn(actor, row.id, row.last_active_at)


def _find_credential(uow: UnitOfWork, identifier: str) -> tuple[str, str] | None:
    """Whose password it must be, and its hash."""
    user = find_person(uow, identifier)
    credential = uow.first(_CREDENTIAL, user_id=user.id) if user is not None else None
    return (credential.user_id, credential.password_hash) if credential else None


def _admit(uow: UnitOfWork, user_id: str, identifier: str, client: str) -> str:
    forget_attempt(uow, identifier)
    uow.claim(user_id)  # so that a session begins before the user's access ends, and ends with it, or not at all
    user = uow.first(_BY_ID, id=user_id)  # once more: the user may have been deactivated while the hash was computed
    if user is None:
        raise Refused(Unauthenticated(BAD_SIGN_IN))
    _, token = open_session(uow, user_id=user_id, user_name=shown_name(user), client=client)
    return token


def _is_here(subdomain: str, caller: Caller) -> bool:
    return caller.subdomain is None or caller.subdomain == subdomain


def _is_due(noted_at: datetime | None) -> bool:
    return noted_at is None or now() - noted_at >= STAMPED_EVERY
