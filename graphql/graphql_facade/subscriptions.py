"""Subscriptions: what happens in the workspace, told as it happens.

Each looks once a second, and finds out anew who asks before every look and every event: it ends within a second with
the session, the key or the person's access, and tells nothing that the person may not read any more.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

import strawberry

from graphql_facade.context import Context, Info
from graphql_facade.provisioning_log import ProvisioningEvent
from graphql_facade.resolvers import subscription
from graphql_facade.users import User
from service.audit import AuditEvent
from service.audit_log import events_about_people_since
from service.feed import Feed
from service.provisioning import log
from service.refusals import NotFound, Refused
from service.unit_of_work import UnitOfWork
from service.users.queries import get_user

R = TypeVar("R", AuditEvent, log.ProvisioningEvent)

_LOOK_SECONDS = 1.0


@strawberry.type(description="What can be listened to, over Server-Sent Events.")
class Subscription:
    """The events."""

    @subscription("Every request of the directory, a moment after it was answered.")
    async def provisioning_event(self, info: Info) -> AsyncGenerator[ProvisioningEvent, None]:
        """Entries of the provisioning log."""
        async for rows in _news(info.context, "pev", log.provisioning_events_since):
            for row in rows:
                await info.context.recognise()
                yield ProvisioningEvent.of(row)

    @subscription("Everybody who is added or about whom something changes, as they are then.")
    async def user_changed(self, info: Info) -> AsyncGenerator[User, None]:
        """People whom the audit log names; those who are gone by then are passed over."""
        async for events in _news(info.context, "aud", events_about_people_since):
            for user_id in dict.fromkeys(event.target_id for event in events):
                await info.context.recognise()
                try:
                    yield User.of(await info.context.read(get_user, user_id))
                except Refused as refused:
                    if not isinstance(refused.reason, NotFound):
                        raise


async def _news(
    context: Context, prefix: str, verb: Callable[[UnitOfWork, str], list[R]]
) -> AsyncGenerator[list[R], None]:
    """What each look brings that the looks before did not, from when the request came on."""
    feed = Feed(prefix, context.begun)
    while True:
        await context.recognise()
        since = feed.since
        yield feed.news(await context.read(verb, since), since)
        await asyncio.sleep(_LOOK_SECONDS)
