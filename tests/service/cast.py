"""The cast: Alice owns Acme, Ann is an admin there and Bob a member; Charlie owns Globex and is an outsider."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, select
from sqlmodel import SQLModel

import service.tables  # noqa: F401 - declares every table
from service.actor import Actor, ActorKind, Channel, Role, nobody, support
from service.api_keys import ApiKeyScope, create_api_key
from service.audit import AuditEvent
from service.authentication import Caller, SignedIn, sign_in
from service.founding import found_workspace
from service.passwords import PasswordHasher
from service.provisioning.log import Exchange, Operation, Outcome
from service.refusals import Reason, Refused
from service.sessions import store_password
from service.store.columns import table_of, workspace_column
from service.unit_of_work import Narrowed, UnitOfWork, narrowed
from service.users.commands import create_user
from service.users.fields import User, UserFields, user_fields
from service.users.queries import all_users
from service.work import Work
from service.workspaces import Plan, all_workspaces
from tests.stage import PASSWORD

_ALL_ROWS: dict[str, Narrowed[Any]] = {
    table.name: Narrowed(
        select(table).where(workspace_column(table) == bindparam("of_workspace")).order_by(*table.primary_key.columns)
    )
    for table in SQLModel.metadata.sorted_tables
}

SECRET_KEY = "the key under which the tests hash their tokens"


@dataclass(frozen=True)
class Company:
    """A workspace, the ids of its people by name, and an API key that a directory holds."""

    id: str
    subdomain: str
    people: dict[str, str]
    key_id: str
    key: str

    def acting(self, name: str, role: Role) -> Actor:
        """One of its people, signed in."""
        return Actor(
            kind=ActorKind.USER,
            id=self.people[name],
            name=name,
            workspace_id=self.id,
            permissions=role.permissions,
            channel=Channel.APP,
            role=role,
            ip="192.0.2.1",
            request_id="request-1",
        )

    @property
    def directory(self) -> Actor:
        """The identity provider, acting through SCIM."""
        return Actor(
            kind=ActorKind.API_KEY,
            id=self.key_id,
            name="Okta",
            workspace_id=self.id,
            permissions=ApiKeyScope.SCIM.permissions,
            channel=Channel.SCIM,
        )

    @property
    def support(self) -> Actor:
        """The operator of the installation."""
        return support(self.id)

    @property
    def nobody(self) -> Actor:
        """Somebody who has not signed in."""
        return nobody(self.id)

    def nobody_from(self, ip: str) -> Actor:
        """Somebody who has not signed in, at this address."""
        return nobody(self.id, ip=ip)


@dataclass(frozen=True)
class Acme(Company):
    """Alice's workspace."""

    @property
    def alice(self) -> Actor:
        """The owner."""
        return self.acting("Alice", Role.OWNER)

    @property
    def ann(self) -> Actor:
        """The admin."""
        return self.acting("Ann", Role.ADMIN)

    @property
    def bob(self) -> Actor:
        """The member."""
        return self.acting("Bob", Role.MEMBER)


@dataclass(frozen=True)
class Globex(Company):
    """Charlie's workspace."""

    @property
    def charlie(self) -> Actor:
        """The owner, and an outsider to Acme."""
        return self.acting("Charlie", Role.OWNER)


def person(user_name: str, **more: Any) -> UserFields:
    """The fields of somebody."""
    return user_fields({"user_name": user_name, **more})


def changed(**values: Any) -> Any:
    """A change for `update_user`: these fields, the others as they are."""

    def change(user: User) -> UserFields:
        kept = {name: getattr(user, name) for name in UserFields.model_fields}
        return user_fields(kept | values)

    return change


def caller(subdomain: str | None = None, *, ip: str = "192.0.2.1", client: str = "a browser") -> Caller:
    """A request from somewhere, at a host that names this workspace (or none)."""
    return Caller(subdomain=subdomain, ip=ip, client=client, request_id="request-1")


async def signed_in(work: Work, hasher: PasswordHasher, identifier: str) -> tuple[SignedIn, str]:
    """A session at Acme and its token."""
    return await sign_in(work, hasher, caller(), subdomain="acme", identifier=identifier, password=PASSWORD)


async def refusal(act: Awaitable[object]) -> Reason:
    """Why an act is refused."""
    with pytest.raises(Refused) as caught:
        await act
    return caught.value.reason


async def everything(work: Work, workspace_id: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, or of one workspace."""
    workspaces = [workspace_id] if workspace_id else [each.id for each in await work.lookup(all_workspaces)]

    def rows(uow: UnitOfWork) -> dict[str, list[tuple[Any, ...]]]:
        tables = SQLModel.metadata.sorted_tables
        return {table.name: [tuple(row) for row in uow.all(_ALL_ROWS[table.name])] for table in tables}

    found: dict[str, list[tuple[Any, ...]]] = {}
    for each in workspaces:
        for name, more in (await work.read(support(each), rows)).items():
            found.setdefault(name, []).extend(more)
    return found


@asynccontextmanager
async def nothing_changes(work: Work) -> AsyncIterator[None]:
    """The block must leave every table as it was, the audit log included."""
    before = await everything(work)
    yield
    assert await everything(work) == before


EXCHANGE = Exchange(
    at=datetime(2026, 11, 27, tzinfo=UTC),
    operation=Operation.LOOKUP,
    outcome=Outcome.DONE,
    status=200,
    duration_ms=1,
    api_key_id="key_x",
    api_key_name="Okta",
    client="Okta SCIM Client 1.0.0",
    ip="192.0.2.1",
    request_id="request-1",
    target_kind=None,
    target_id=None,
    target_name=None,
    changes=None,
    tolerances=None,
    method="GET",
    address="/Users?filter=x",
    request=None,
    response="{}",
)
"""What a directory asked and was told, for the provisioning log."""


async def events(work: Work, company: Company) -> list[AuditEvent]:
    """The company's audit log, the oldest event first."""
    query = narrowed(AuditEvent).order_by(table_of(AuditEvent).c.id)
    return await work.read(company.support, lambda uow: uow.all(query))


@asynccontextmanager
async def recorded(work: Work, company: Company) -> AsyncIterator[list[AuditEvent]]:
    """The events that the block adds to the audit log; there when it is over."""
    known = len(await events(work, company))
    new: list[AuditEvent] = []
    yield new
    new += (await events(work, company))[known:]


async def time_passes(work: Work, company: Company, model: type[SQLModel], id: str, **moments: datetime) -> None:
    """Set columns of a row to what they will be, or were, at another time; nobody has done anything."""

    def later(uow: UnitOfWork) -> None:
        uow.update(model, id, moments)
        uow._changed = False

    await work.write(company.support, later)


async def found_everybody(work: Work) -> tuple[Acme, Globex]:
    """The two workspaces and their people."""
    hasher = PasswordHasher()
    try:
        companies = {
            subdomain: await _found(work, hasher, subdomain, owner)
            for subdomain, owner in (("acme", "Alice"), ("globex", "Charlie"))
        }
        acme = Acme(**companies["acme"])
        password_hash = await hasher.hash(PASSWORD)
    finally:
        hasher.close()
    for name, role in (("Ann", Role.ADMIN), ("Bob", Role.MEMBER)):
        email = f"{name.lower()}@acme.example"
        fields = person(email, given_name=name, emails=[{"value": email, "type": "work", "primary": True}])
        user = await work.write(acme.alice, create_user, fields, role=role)
        named = {"user_id": user.id, "user_name": name}
        await work.write(acme.support, store_password, **named, password_hash=password_hash)
        acme.people[name] = user.id
    return acme, Globex(**companies["globex"])


async def _found(work: Work, hasher: PasswordHasher, subdomain: str, owner: str) -> dict[str, Any]:
    workspace = await found_workspace(
        work,
        hasher,
        subdomain=subdomain,
        name=subdomain.title(),
        plan=Plan.ENTERPRISE,
        owner_email=f"{owner.lower()}@{subdomain}.example",
        owner_name=f"{owner} Archer",
        password=PASSWORD,
    )
    operator = support(workspace.id)
    (user,) = await work.read(operator, all_users)
    key, secret = await work.write(operator, create_api_key, name="Okta", scopes=[ApiKeyScope.SCIM])
    return {
        "id": workspace.id,
        "subdomain": subdomain,
        "people": {owner: user.id},
        "key_id": key.id,
        "key": secret,
    }
