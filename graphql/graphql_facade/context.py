"""What resolvers have: verbs to run, and the session that the request shows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from service.authentication import NOT_SIGNED_IN, Caller, SignedIn, recognise_session
from service.passwords import PasswordHasher
from service.refusals import Refused, Unauthenticated
from service.unit_of_work import UnitOfWork
from service.work import Work

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(kw_only=True)
class Context:
    """One request.

    `token` is the session's, as the request shows it. `new_token` is one to set as a cookie, "" to clear the cookie,
    None to leave it as it is. `groups_of` finds the groups that a person is in, together with those of others.
    """

    work: Work
    hasher: PasswordHasher
    caller: Caller
    scim_base_url: Callable[[str], str]
    token: str | None
    new_token: str | None = None
    groups_of: DataLoader[str, list[Any]] = field(init=False)
    _signed_in: SignedIn | None = field(default=None, repr=False)

    async def signed_in(self) -> SignedIn:
        """The session, or Unauthenticated. Looked up once for what a request reads."""
        if self._signed_in is None:
            self._signed_in = await self._recognised()
        return self._signed_in

    def enter(self, signed_in: SignedIn, token: str) -> None:
        """Go on as the user who has just signed in, in a new session whatever cookie came."""
        self._signed_in, self.token, self.new_token = signed_in, token, token

    def leave(self) -> None:
        """Go on as nobody."""
        self._signed_in, self.token, self.new_token = None, None, ""

    async def read(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads, as the user."""
        return await self.work.read((await self.signed_in()).actor, verb, *args, **kwargs)

    async def write(self, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction, as the user: read anew, since the mutation before may have ended the session."""
        self._signed_in = await self._recognised()
        return await self.work.write(self._signed_in.actor, verb, *args, **kwargs)

    async def _recognised(self) -> SignedIn:
        if not self.token:
            raise Refused(Unauthenticated(NOT_SIGNED_IN))
        return await recognise_session(self.work, self.token, self.caller)


Info = strawberry.Info[Context, Any]
