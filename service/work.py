"""Running verbs: `await work.read(actor, get_user, user_id)`, `await work.write(actor, create_user, fields)`.

The one place where a unit of work begins and ends. Verbs are plain functions; how an engine
waits is the store's matter.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from service.actor import Actor
from service.credentials import refuse_unless_good, shown_by
from service.refusals import Refused
from service.store.statements import Connection
from service.tokens import Seal
from service.unit_of_work import Lookup, UnitOfWork

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("headcount.work")


class Store(Protocol):
    """What an engine must be able to do."""

    @property
    def keeps_order(self) -> bool:
        """Whether writes that are waited for at the same time are done in the order in which they were asked for."""
        ...

    async def lookup(self, job: Callable[[Connection], T]) -> T:
        """Run the job, which is one statement and writes nothing, across workspaces."""
        ...

    async def read(self, workspace_id: str, job: Callable[[Connection], T]) -> T:
        """Run the job on one consistent state of the workspace's rows, in which it writes nothing."""
        ...

    async def write(self, workspace_id: str, job: Callable[[Connection], T], *, sharing: Sequence[str] = ()) -> T:
        """Run the job in a transaction on the workspace's rows; answer when it is durable, or raise and leave no trace.

        An engine may run the job several times until it goes through. From before its first statement until its end,
        the transaction shares these names with others: see `Connection.claim`.
        """
        ...

    def alone(self, name: str) -> AbstractAsyncContextManager[Callable[[], bool]]:
        """For the block, be the only process of this database that has the name; of several, one gets in.

        What the block is given says whether that is so, at first and still: a process that others hold the name against
        is told False, and one whose lock is lost, because the database went away, is told so as well.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...


class Work:
    """The store, and the seal that verbs keep secrets under."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self._soon: dict[object, asyncio.Task[object]] = {}

    @property
    def keeps_order(self) -> bool:
        """Whether writes that are waited for at the same time are done in the order in which they were asked for."""
        return self._store.keeps_order

    async def read(
        self, actor: Actor, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a verb that only reads."""
        seal = self._seal
        return await self._store.read(
            actor.workspace_id, lambda connection: verb(UnitOfWork(connection, actor, seal), *args, **kwargs)
        )

    async def write(
        self, actor: Actor, verb: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a verb in a transaction that commits, durably, when it returns and is undone when it raises.

        Refuses with Unauthenticated where what the actor has shown is not good any more: whoever ends a key, a session
        or a person's access claims its name first, so that nothing is done with it after that has been acknowledged.
        A refusal may leave word of itself: see `Refused.note`.
        """

        def job(connection: Connection) -> T:
            uow = UnitOfWork(connection, actor, self._seal)
            refuse_unless_good(uow)
            result = verb(uow, *args, **kwargs)
            uow.finish()
            return result

        try:
            return await self._store.write(actor.workspace_id, job, sharing=shown_by(actor))
        except Refused as refused:
            if refused.note is not None:
                await self._leave_word(actor, refused.note)
            raise

    async def _leave_word(self, actor: Actor, note: Callable[[UnitOfWork], object]) -> None:
        """Write a refusal's note; where that fails, the refusal stands all the same."""
        try:
            await self.write(actor, note)
        except Exception as error:
            _log.warning("a note of a refusal was not written: %r", error)

    async def lookup(self, verb: Callable[Concatenate[Lookup, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that reads across workspaces to find out who is asking."""
        return await self._store.lookup(lambda connection: verb(Lookup(connection, self._seal), *args, **kwargs))

    def alone(self, name: str) -> AbstractAsyncContextManager[Callable[[], bool]]:
        """For the block, be the only process that has this name; see `Store.alone`."""
        return self._store.alone(name)

    def soon(
        self,
        actor: Actor,
        verb: Callable[Concatenate[UnitOfWork, P], object],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Run a verb that nobody waits for, once for however many ask while it is under way. A failure is logged."""
        note = (actor.id, verb, args)
        if note not in self._soon:
            self._soon[note] = task = asyncio.ensure_future(self.write(actor, verb, *args, **kwargs))
            task.add_done_callback(lambda done: self._forget(note, done))

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.gather(*self._soon.values(), return_exceptions=True)
        await self._store.close()

    def _forget(self, note: object, task: "asyncio.Task[object]") -> None:
        del self._soon[note]
        if not task.cancelled() and (error := task.exception()):
            _log.warning("a note of last use was not written: %r", error)
