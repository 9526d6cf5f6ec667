"""What resolvers have: verbs to run, and who the request comes from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from graphql_facade.rate_limits import RateLimit
from service.actor import Actor, Channel
from service.authentication import NOT_SIGNED_IN, Caller, recognise_key, recognise_session
from service.clock import now
from service.mail.carrier import Postman
from service.passwords import PasswordHasher
from service.refusals import Refused, Unauthenticated
from service.unit_of_work import UnitOfWork
from service.work import Work

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(kw_only=True)
class Context:
    """One request.

    `key` is an API key that the request shows, which goes before a session; `token` is the session's. `new_token` is
    one to set as a cookie, "" to clear the cookie, None to leave it as it is. `groups_of` finds the groups that a
    person is in, and `last_event_of` the newest entry of the provisioning log about one, each together with those of
    others. `rate_limit` is what the operation costs and what that leaves. `page_url` makes the address of
    a page of its name and a workspace's subdomain. `begun` is when the request came.
    """

    work: Work
    hasher: PasswordHasher
    caller: Caller
    postman: Postman
    scim_base_url: Callable[[str], str]
    page_url: Callable[[str, str], str]
    key: str | None
    token: str | None
    begun: datetime = field(default_factory=now)
    new_token: str | None = None
    groups_of: DataLoader[str, list[Any]] = field(init=False)
    last_event_of: DataLoader[str, Any] = field(init=False)
    rate_limit: RateLimit = field(init=False)
    _actor: Actor | None = field(default=None, repr=False)

    async def actor(self) -> Actor:
        """Who asks, or Unauthenticated. Looked up once for what a request reads."""
        return self._actor or await self.recognise()

    async def recognise(self) -> Actor:
        """Find out anew who asks, or Unauthenticated where what they have shown is good no more."""
        self._actor = await self._recognised()
        return self._actor

    def enter(self, actor: Actor, token: str) -> None:
        """Go on as the user who has just signed in, in a new session whatever cookie or key came."""
        self.key = None
        self._actor, self.token, self.new_token = actor, token, token

    def leave(self) -> None:
        """Go on as nobody; a key that the request shows is none that a browser could let go of."""
        if self.key is not None:
            return
        self._actor, self.token, self.new_token = None, None, ""

    async def read(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads, as whoever asks."""
        return await self.work.read(await self.actor(), verb, *args, **kwargs)

    async def write(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction, as whoever asks: found anew, since the mutation before may have ended that."""
        return await self.work.write(await self.recognise(), verb, *args, **kwargs)

    async def carry_mail(self) -> None:
        """Have what was posted in the workspace carried; nobody waits for it."""
        self.postman.soon((await self.actor()).workspace_id)

    async def _recognised(self) -> Actor:
        if self.key:
            return (await recognise_key(self.work, self.key, self.caller, Channel.API)).actor
        if not self.token:
            raise Refused(Unauthenticated(NOT_SIGNED_IN))
        return (await recognise_session(self.work, self.token, self.caller)).actor


Info = strawberry.Info[Context, Any]
