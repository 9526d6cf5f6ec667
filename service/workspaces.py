"""Workspaces: a customer of the product, with a subdomain and a plan."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import bindparam, select
from sqlmodel import AutoString, Field, SQLModel

from service.actor import Permission, Role
from service.audit import Action, Event
from service.clock import now
from service.refusals import Invalid, NotFound, Refused, Taken
from service.store.columns import Instant, table_of
from service.text import unstorable
from service.unit_of_work import Lookup, UnitOfWork, narrowed

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
STAFF_REALM = "wsp_staff"
STAFF_SUBDOMAIN = "support"
_RESERVED = frozenset({"api", "www", STAFF_SUBDOMAIN})


class Plan(StrEnum):
    """What the customer pays for; flags have their defaults by plan."""

    ESSENTIAL = "ESSENTIAL"
    STANDARD = "STANDARD"
    PREMIUM = "PREMIUM"
    ENTERPRISE = "ENTERPRISE"


class LinkExistingUsers(StrEnum):
    """What happens when the directory writes to somebody whom it did not create."""

    AUTOMATIC = "AUTOMATIC"
    ASK = "ASK"


class ProvisioningSettings(SQLModel):
    """A workspace's own say in how its directory provisions people; `service.provisioning.settings` has the verbs.

    They stand in the workspace's row, which every look-up of a key reads anyway.
    """

    link_existing_users: LinkExistingUsers = Field(default=LinkExistingUsers.AUTOMATIC, sa_type=AutoString)
    default_role: Literal[Role.ADMIN, Role.MEMBER] = Field(default=Role.MEMBER, sa_type=AutoString)
    strict_scim: bool = False
    provisioning_log_days: int = Field(default=30, ge=1, le=365)
    breaker_percent: int = Field(default=20, ge=1, le=100)
    breaker_minimum: int = Field(default=25, ge=1, le=1_000_000)
    breaker_minutes: int = Field(default=10, ge=1, le=1_440)


class Workspace(ProvisioningSettings, table=True):
    """A workspace; its id leads every key of every other table."""

    id: str = Field(primary_key=True)
    subdomain: str = Field(unique=True)
    name: str
    plan: str
    seats: int | None = None
    provisioning_paused_at: datetime | None = Field(default=None, sa_type=Instant)
    provisioning_sweep: str | None = None  # what is still to be done for people: `service.provisioning.pausing.Sweep`
    created_at: datetime = Field(sa_type=Instant)


_WORKSPACE = table_of(Workspace)
_OWN = narrowed(Workspace)
_BY_SUBDOMAIN = select(_WORKSPACE).where(_WORKSPACE.c.subdomain == bindparam("subdomain"))
_BY_ID = select(_WORKSPACE).where(_WORKSPACE.c.id == bindparam("id"))
_ALL = select(_WORKSPACE).order_by(_WORKSPACE.c.subdomain)


def create_workspace(uow: UnitOfWork, *, subdomain: str, name: str, plan: Plan) -> Workspace:
    """Create the actor's workspace: its id is the one that the actor names.

    Refuses with Invalid where the subdomain is no DNS label of letters, digits and hyphens (Okta refuses a
    base URL with `_`) or is reserved, and with Taken where another workspace has it.
    """
    uow.demand(Permission.WORKSPACES_CREATE)
    if not _DNS_LABEL.fullmatch(subdomain):
        why = "must be a DNS label: 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
        raise Refused(Invalid("subdomain", why))
    if subdomain in _RESERVED and uow.actor.workspace_id != STAFF_REALM:
        raise Refused(Invalid("subdomain", f"must not be one of {', '.join(sorted(_RESERVED))}"))
    if not name.strip():
        raise Refused(Invalid("name", "must not be empty"))
    if bad := unstorable(name):
        raise Refused(Invalid("name", bad))
    workspace = uow.insert(
        Workspace,
        {
            **ProvisioningSettings().model_dump(),
            "subdomain": subdomain,
            "name": name.strip(),
            "plan": plan.value,
            "seats": None,
            "provisioning_paused_at": None,
            "provisioning_sweep": None,
            "created_at": now(),
        },
        or_else=Taken("Workspace", "subdomain", subdomain),
    )
    uow.record(Event(Action.WORKSPACE_CREATED, "Workspace", workspace.id, workspace.name))
    return workspace


def get_workspace(uow: UnitOfWork) -> Workspace:
    """The actor's workspace."""
    uow.demand(Permission.WORKSPACE_READ)
    workspace = uow.first(_OWN)
    if workspace is None:
        raise Refused(NotFound("Workspace", uow.actor.workspace_id))
    return workspace


def find_workspace(lookup: Lookup, subdomain: str) -> Workspace | None:
    """The workspace with this subdomain, for a door or a command that is about to act in it."""
    workspace: Workspace | None = lookup.first(_BY_SUBDOMAIN, subdomain=subdomain)
    return workspace


def find_workspace_by_id(lookup: Lookup, id: str) -> Workspace | None:
    """The workspace with this id, for staff who support it."""
    workspace: Workspace | None = lookup.first(_BY_ID, id=id)
    return workspace


def all_workspaces(lookup: Lookup) -> list[Workspace]:
    """Every workspace of the installation, by subdomain: for its operator, never for a door."""
    return lookup.all(_ALL)
