"""Who acts, in which workspace, through which door, and what they may do."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """What a verb may demand. The set is closed: a role or a key grants some of these and nothing else."""

    WORKSPACE_READ = "workspace:read"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    GROUP_ROLES_WRITE = "group_roles:write"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    PERSONAL_KEYS_WRITE = "personal_keys:write"
    FLAGS_READ = "flags:read"
    FLAGS_WRITE = "flags:write"
    AUDIT_READ = "audit:read"
    PROVISIONING_READ = "provisioning:read"
    PROVISIONING_WRITE = "provisioning:write"
    PROVISIONING_SWEEP = "provisioning:sweep"
    SEATS_WRITE = "seats:write"
    PLANS_WRITE = "plans:write"
    WORKSPACES_SUPPORT = "workspaces:support"
    WORKSPACES_CREATE = "workspaces:create"
    PASSWORDS_WRITE = "passwords:write"
    SESSIONS_OPEN = "sessions:open"
    SESSIONS_USE = "sessions:use"
    API_KEYS_USE = "api_keys:use"
    RETENTION_ENFORCE = "retention:enforce"
    MAIL_CARRY = "mail:carry"
    PROVISIONING_LOG_WRITE = "provisioning_log:write"


class Role(StrEnum):
    """Access of a user in a workspace, highest first. A job title is another thing: `title`."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role may do."""
        return _ROLE_PERMISSIONS[self]

    def may_grant(self, other: "Role") -> bool:
        """Nobody grants above themselves."""
        ranks = list(Role)
        return ranks.index(self) <= ranks.index(other)


_MEMBER = frozenset(
    {
        Permission.WORKSPACE_READ,
        Permission.USERS_READ,
        Permission.GROUPS_READ,
        Permission.SESSIONS_USE,
        Permission.PERSONAL_KEYS_WRITE,
    }
)
_ADMIN = _MEMBER | {
    Permission.USERS_WRITE,
    Permission.GROUP_ROLES_WRITE,
    Permission.API_KEYS_READ,
    Permission.API_KEYS_WRITE,
    Permission.FLAGS_READ,
    Permission.AUDIT_READ,
    Permission.PROVISIONING_READ,
    Permission.PROVISIONING_WRITE,
}
_ROLE_PERMISSIONS = {Role.OWNER: _ADMIN, Role.ADMIN: _ADMIN, Role.MEMBER: _MEMBER}


# Of a member of staff: in the realm of their own, and in a workspace that they support.
STAFF = frozenset(
    {Permission.WORKSPACE_READ, Permission.USERS_READ, Permission.SESSIONS_USE, Permission.WORKSPACES_SUPPORT}
)
_SUPPORTING = frozenset(
    {
        Permission.WORKSPACE_READ,
        Permission.FLAGS_READ,
        Permission.FLAGS_WRITE,
        Permission.PLANS_WRITE,
        Permission.SEATS_WRITE,
        Permission.AUDIT_READ,
    }
)


class ActorKind(StrEnum):
    """What the actor is; the audit log shows it."""

    USER = "USER"
    API_KEY = "API_KEY"
    SUPPORT = "SUPPORT"
    SYSTEM = "SYSTEM"
    NOBODY = "NOBODY"


class Channel(StrEnum):
    """The door an act came through."""

    APP = "APP"
    API = "API"
    SCIM = "SCIM"
    SUPPORT = "SUPPORT"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The acting party of one request.

    Users have a `role`, which bounds which roles they may grant, and act with a session, whose password was shown at
    `confirmed_at`, or with a key of their own.
    """

    kind: ActorKind
    id: str
    name: str
    workspace_id: str
    permissions: frozenset[Permission]
    channel: Channel
    role: Role | None = None
    session_id: str | None = None
    confirmed_at: datetime | None = None
    personal_key_id: str | None = None
    ip: str | None = None
    request_id: str | None = None

    @property
    def is_directory(self) -> bool:
        """Whether this is an identity provider, acting through SCIM."""
        return self.channel is Channel.SCIM


def support(workspace_id: str, *, name: str = "command line", ip: str | None = None) -> Actor:
    """The operator of this installation, who may do everything in the named workspace."""
    return Actor(
        kind=ActorKind.SUPPORT,
        id="cli",
        name=name,
        workspace_id=workspace_id,
        permissions=frozenset(Permission),
        channel=Channel.SUPPORT,
        ip=ip,
    )


def supporting(staff: Actor, workspace_id: str) -> Actor:
    """A member of staff in the workspace that they support, which sees their name: no people, keys or directories."""
    return replace(
        staff,
        kind=ActorKind.SUPPORT,
        workspace_id=workspace_id,
        permissions=_SUPPORTING,
        channel=Channel.SUPPORT,
        role=None,
        session_id=None,
    )


def system(workspace_id: str) -> Actor:
    """The service itself, at its background work in the named workspace."""
    return Actor(
        kind=ActorKind.SYSTEM,
        id="system",
        name="background work",
        workspace_id=workspace_id,
        permissions=frozenset(
            {
                Permission.RETENTION_ENFORCE,
                Permission.MAIL_CARRY,
                Permission.PROVISIONING_LOG_WRITE,
                Permission.PROVISIONING_SWEEP,
            }
        ),
        channel=Channel.SYSTEM,
    )


def nobody(workspace_id: str, *, ip: str | None = None, request_id: str | None = None) -> Actor:
    """Somebody who has not signed in yet: may try to, and nothing else."""
    return Actor(
        kind=ActorKind.NOBODY,
        id="-",
        name="not signed in",
        workspace_id=workspace_id,
        permissions=frozenset({Permission.SESSIONS_OPEN}),
        channel=Channel.APP,
        ip=ip,
        request_id=request_id,
    )
