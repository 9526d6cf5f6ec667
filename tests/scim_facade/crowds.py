"""A workspace with more people than one would send one by one."""

import asyncio
from datetime import timedelta

from sqlalchemy import Engine

from service.actor import Role, support
from service.audit import Action, Event
from service.clock import now
from service.ids import new_id
from service.store.opening import open_engine, open_store
from service.tokens import Seal
from service.unit_of_work import UnitOfWork
from service.users.fields import ManagedBy, User, UserEmail, initial_values, user_fields
from service.work import Work
from service.workspaces import find_workspace
from tests.stage import Server

_AN_HOUR_AGO = now() - timedelta(hours=1)
BATCH = 2_000  # people to a transaction


def database_url(server: Server) -> str:
    """The database of a running server."""
    return server.env.get("HEADCOUNT_DATABASE_URL", f"sqlite:///{server.folder}/var/headcount.sqlite3")


def owners_engine(server: Server) -> Engine:
    """The database of a running server, for whoever owns it: they may look into all of it and change it."""
    return open_engine(database_url(server).replace("headcount_server@", "headcount@"))


def crowd_in(server: Server, subdomain: str, number: int) -> list[str]:
    """Add this many people, `user0@crowd.example` and on, behind the server's back; their ids in their order."""
    return asyncio.run(_crowd_in(database_url(server), subdomain, number))


async def _crowd_in(url: str, subdomain: str, number: int) -> list[str]:
    work = Work(open_store(url), Seal("no token is made here"))
    try:
        workspace = await work.lookup(find_workspace, subdomain)
        assert workspace is not None
        ids = []
        for first in range(0, number, BATCH):
            ids += await work.write(support(workspace.id), add_crowd, range(first, min(first + BATCH, number)))
        return ids
    finally:
        await work.close()


def add_crowd(uow: UnitOfWork, numbers: range) -> list[str]:
    """People of these numbers, all at once; their ids."""
    people, addresses = [], []
    for number in numbers:
        address = f"user{number}@crowd.example"
        fields = user_fields({"user_name": address, "external_id": f"ext{number}", "emails": [{"value": address}]})
        people.append({"id": new_id("usr"), **initial_values(fields, Role.MEMBER, ManagedBy.DIRECTORY, _AN_HOUR_AGO)})
        people[-1] |= {"deactivated_at": None, "deactivated_by": None}
        addresses.append({"value_key": address, "user_id": people[-1]["id"]})
    uow.insert_all(User, people)
    uow.insert_all(UserEmail, addresses)
    uow.record(Event(Action.USER_CREATED, "User", people[0]["id"], f"{len(people):,} people"))
    return [person["id"] for person in people]
