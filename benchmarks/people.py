"""The people that a database holds before anything is measured, made by the domain's own verbs."""

import asyncio
from dataclasses import dataclass
from typing import Any

from service.actor import Actor, ActorKind, Channel, support
from service.api_keys import ApiKeyScope, create_api_key
from service.flags import Flag, set_flag
from service.founding import found_workspace
from service.ids import new_id
from service.passwords import PasswordHasher
from service.provisioning.settings import set_provisioning_settings
from service.store.opening import open_engine, open_store
from service.store.schema import migrate
from service.tokens import Seal
from service.unit_of_work import UnitOfWork
from service.users.commands import create_user
from service.users.fields import user_fields
from service.work import Work
from service.workspaces import Plan, create_workspace

PASSWORD = "correct horse battery staple"  # noqa: S105 - of a database that lives for minutes
READ, WRITTEN = "read", "written"
"""The two workspaces: one that nobody changes, so that its answers are known byte for byte, and one for changes."""

_BATCH = 50  # people to a transaction


@dataclass(frozen=True)
class Person:
    """Somebody, as an identity provider tells of them."""

    user_name: str
    given: str
    family: str
    external_id: str

    @property
    def document(self) -> dict[str, Any]:
        """What SCIM must say of them; id, schemas and meta come on top."""
        return {
            "userName": self.user_name,
            "name": {"givenName": self.given, "familyName": self.family},
            "emails": [{"primary": True, "value": self.user_name, "type": "work"}],
            "displayName": f"{self.given} {self.family}",
            "locale": "en-US",
            "externalId": self.external_id,
            "active": True,
        }


@dataclass(frozen=True)
class Tenant:
    """A workspace: its owner, a SCIM key, and its people by id in the order of their creation."""

    subdomain: str
    owner_email: str
    key: str
    people: dict[str, Person]


def person(number: int) -> Person:
    """One of as many as there are numbers."""
    name = f"ada.lovelace.{number:07}"
    return Person(f"{name}@corp.example", "Ada", f"Lovelace {number:07}", f"00u{number:012}")


def load(url: str, secret_key: str, users: int, others: int = 0) -> dict[str, Tenant]:
    """Migrate an empty database, fill both workspaces with this many people each, and add other, empty workspaces."""
    migrate(open_engine(url))
    return asyncio.run(_load(url, secret_key, users, others))


async def _load(url: str, secret_key: str, users: int, others: int) -> dict[str, Tenant]:
    work, hasher = Work(open_store(url), Seal(secret_key)), PasswordHasher()
    try:
        for number in range(others):
            operator, name = support(new_id("wsp")), f"other-{number}"
            await work.write(operator, create_workspace, subdomain=name, name=name, plan=Plan.PREMIUM)
        return {subdomain: await _tenant(work, hasher, subdomain, users) for subdomain in (READ, WRITTEN)}
    finally:
        hasher.close()
        await work.close()


async def _tenant(work: Work, hasher: PasswordHasher, subdomain: str, users: int) -> Tenant:
    email = f"alice@{subdomain}.example"
    workspace = await found_workspace(
        work,
        hasher,
        subdomain=subdomain,
        name=subdomain.title(),
        plan=Plan.ENTERPRISE,
        owner_email=email,
        owner_name="Alice Archer",
        password=PASSWORD,
    )
    operator = support(workspace.id)
    await work.write(operator, set_flag, Flag.SCIM_PROVISIONING, enabled=True, reason="measuring")
    # More people lose their access, and get it back, than any directory may without being asked.
    unbroken = {"breaker_percent": 100, "breaker_minimum": 1_000_000}
    await work.write(operator, set_provisioning_settings, unbroken)
    key, secret = await work.write(
        operator, create_api_key, name="Okta SCIM Integration", scopes=[ApiKeyScope.SCIM], expires_at=None
    )
    directory = Actor(
        kind=ActorKind.API_KEY,
        id=key.id,
        name=key.name,
        workspace_id=workspace.id,
        permissions=ApiKeyScope.SCIM.permissions,
        channel=Channel.SCIM,
    )
    people: dict[str, Person] = {}
    for begin in range(0, users, _BATCH):
        people |= await work.write(directory, _provision, range(begin, min(begin + _BATCH, users)))
    return Tenant(subdomain, email, secret, people)


def _provision(uow: UnitOfWork, numbers: range) -> dict[str, Person]:
    made = map(person, numbers)
    return {create_user(uow, _fields(each)).id: each for each in made}


def _fields(each: Person) -> Any:
    document = each.document
    return user_fields(
        {
            "user_name": each.user_name,
            "given_name": each.given,
            "family_name": each.family,
            "emails": document["emails"],
            "display_name": document["displayName"],
            "locale": document["locale"],
            "external_id": each.external_id,
        }
    )
