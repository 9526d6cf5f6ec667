"""Several processes that change the same things at once, on both engines: nothing twice, nothing lost, nothing late."""

import asyncio
import collections
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from sqlalchemy.util.concurrency import await_

from service.actor import Actor, Role
from service.api_keys import RotationOverlap, revoke_api_key, rotate_api_key
from service.audit import Action
from service.flags import Flag, set_flag
from service.ids import new_id
from service.passwords import PasswordHasher
from service.refusals import Refused, Stale, Taken, Unauthenticated
from service.sessions import end_session, open_session, revoke_session, revoke_sessions
from service.store.opening import open_store
from service.tokens import Seal
from service.unit_of_work import UnitOfWork
from service.users.commands import create_user, deactivate_user, delete_user, set_role, update_user
from service.users.fields import User, UserFields
from service.users.queries import all_users, get_user
from service.work import Work
from tests.service.cast import Acme, changed, everything, person, recorded, refusal, signed_in

pytestmark = pytest.mark.anyio

RACERS = 20
ROUNDS = 5
WRITERS = 8
SIGN_INS = 8
CHANGES = 40
BEFORE = 5  # changes that somebody has made before what they act by is ended
MOST = 10_000  # changes that they would make


@pytest.fixture
async def other(database_url: str, seal: Seal) -> AsyncIterator[Work]:
    """Another process."""
    work = Work(open_store(database_url), seal)
    yield work
    await work.close()


async def test_of_twenty_who_want_one_user_name_one_gets_it(work: Work, other: Work, acme: Acme) -> None:
    for number in range(ROUNDS):
        names = (f"racer{number}@acme.example", f"RACER{number}@Acme.example")
        async with recorded(work, acme) as new:
            answers = await asyncio.gather(
                *(
                    (work, other)[at % 2].write(acme.alice, create_user, person(names[at // 2 % 2], title=f"{at}"))
                    for at in range(RACERS)
                ),
                return_exceptions=True,
            )
        reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
        assert collections.Counter(map(type, reasons)) == {Taken: RACERS - 1}
        (winner,) = (answer for answer in answers if not isinstance(answer, BaseException))
        assert [(event.action, event.target_id) for event in new] == [(Action.USER_CREATED, winner.id)]
        keys = [user.user_name_key for user in await work.read(acme.alice, all_users)]
        assert keys.count(f"racer{number}@acme.example") == 1


async def test_of_twenty_who_are_to_be_called_the_same_one_is(work: Work, other: Work, acme: Acme) -> None:
    people = [await work.write(acme.alice, create_user, person(f"p{number}")) for number in range(RACERS)]
    renaming = (
        (work, other)[at % 2].write(acme.alice, update_user, user.id, changed(user_name="THE one"))
        for at, user in enumerate(people)
    )
    answers = await asyncio.gather(*renaming, return_exceptions=True)
    reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert collections.Counter(map(type, reasons)) == {Taken: RACERS - 1}
    names = {user.user_name for user in await work.read(acme.alice, all_users)}
    assert len(names & {f"p{number}" for number in range(RACERS)}) == RACERS - 1
    assert "THE one" in names


async def test_changes_of_different_fields_of_one_person_all_survive(work: Work, other: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    fields = ("title", "nick_name", "department", "division", "locale", "timezone", "user_type", "cost_center")
    async with recorded(work, acme) as new:
        await asyncio.gather(
            *(
                (work, other)[at % 2].write(acme.alice, update_user, bob, changed(**{field: f"new {field}"}))
                for at, field in enumerate(fields)
            )
        )
    user = await work.read(acme.alice, get_user, bob)
    assert {field: getattr(user, field) for field in fields} == {field: f"new {field}" for field in fields}
    assert user.version == 1 + len(fields)
    assert {change["field"] for event in new for change in event.changes or ()} == set(fields)


async def test_changes_that_build_on_what_is_there_build_on_each_other(work: Work, other: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]

    def one_more(user: User) -> UserFields:
        fields: UserFields = changed(title=f"{int(user.title or 0) + 1}")(user)
        return fields

    adding = ((work, other)[at % 2].write(acme.alice, update_user, bob, one_more) for at in range(CHANGES))
    await asyncio.gather(*adding)
    user = await work.read(acme.alice, get_user, bob)
    assert (user.title, user.version) == (f"{CHANGES}", 1 + CHANGES)


async def test_of_many_who_change_the_version_that_they_read_one_does(work: Work, other: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    answers = await asyncio.gather(
        *(
            (work, other)[at % 2].write(acme.alice, update_user, bob, changed(title=f"{at}"), if_version={1})
            for at in range(RACERS)
        ),
        return_exceptions=True,
    )
    reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert collections.Counter(map(type, reasons)) == {Stale: RACERS - 1}
    assert (await work.read(acme.alice, get_user, bob)).version == 2


async def test_what_many_switch_on_at_once_is_switched_on_once(work: Work, other: Work, acme: Acme) -> None:
    async with recorded(work, acme) as new:
        states = await asyncio.gather(
            *(
                (work, other)[at % 2].write(
                    acme.support, set_flag, Flag.SCIM_PROVISIONING, enabled=True, reason=f"reason {at}"
                )
                for at in range(RACERS)
            )
        )
    assert all(state.enabled for state in states)
    (event,) = new
    assert {state.override.reason for state in states if state.override} == {event.reason}


async def test_owners_who_all_step_down_at_once_leave_one(work: Work, other: Work, acme: Acme) -> None:
    await work.write(acme.alice, set_role, acme.people["Ann"], Role.OWNER)
    await work.write(acme.alice, set_role, acme.people["Bob"], Role.OWNER)
    owners = ("Alice", "Ann", "Bob")
    answers = await asyncio.gather(
        *(
            (work, other)[at % 2].write(acme.acting(name, Role.OWNER), set_role, acme.people[name], Role.MEMBER)
            for at, name in enumerate(owners)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 1
    assert [user.role for user in await work.read(acme.support, all_users)].count(Role.OWNER) == 1


# What somebody acts by, and its end

Verb = Callable[[UnitOfWork], object]


WAYS = (
    *("deactivated", "deleted", "demoted", "signed out", "session revoked", "all sessions revoked"),
    *("key revoked", "key replaced at once"),
)


@pytest.fixture(params=WAYS)
async def ended(request: pytest.FixtureRequest, work: Work, acme: Acme) -> tuple[Actor, Actor, Verb]:
    """Each way in which what somebody acts by stops being good: who acts by it, who ends it, and how."""
    ann = acme.people["Ann"]
    session, _ = await work.write(acme.nobody, open_session, user_id=ann, user_name="Ann", client="a browser")
    as_ann = replace(acme.ann, session_id=session.id)
    ways: dict[str, tuple[Actor, Actor, Verb]] = {
        "deactivated": (as_ann, acme.alice, lambda uow: deactivate_user(uow, ann)),
        "deleted": (as_ann, acme.alice, lambda uow: delete_user(uow, ann)),
        "demoted": (as_ann, acme.alice, lambda uow: set_role(uow, ann, Role.MEMBER)),
        "signed out": (as_ann, as_ann, lambda uow: end_session(uow, session.id)),
        "session revoked": (as_ann, acme.alice, lambda uow: revoke_session(uow, session.id)),
        "all sessions revoked": (as_ann, acme.alice, lambda uow: revoke_sessions(uow, ann)),
        "key replaced at once": (
            *(acme.directory, acme.alice),
            lambda uow: rotate_api_key(uow, acme.key_id, RotationOverlap.NONE),
        ),
        "key revoked": (acme.directory, acme.alice, lambda uow: revoke_api_key(uow, acme.key_id)),
    }
    return ways[request.param]


async def test_once_an_end_has_been_acknowledged_nothing_is_done_any_more(
    work: Work, other: Work, acme: Acme, ended: tuple[Actor, Actor, Verb]
) -> None:
    actor, ending, end = ended
    enough = asyncio.Event()

    async def act_without_end(process: Work) -> None:
        for number in range(MOST):
            await process.write(actor, create_user, person(new_id("name")))
            if number == BEFORE:
                enough.set()

    acting = [asyncio.ensure_future(refusal(act_without_end((work, other)[at % 2]))) for at in range(WRITERS)]
    await enough.wait()
    await other.write(ending, end)
    then = await everything(work)
    assert all(isinstance(reason, Unauthenticated) for reason in await asyncio.gather(*acting))
    assert await everything(work) == then
    created = [event for event in then["audit_event"] if Action.USER_CREATED.value in event and actor.id in event]
    assert len(created) > BEFORE


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # on SQLite one writes at a time
async def test_an_end_waits_for_what_is_under_way(
    work: Work, other: Work, acme: Acme, ended: tuple[Actor, Actor, Verb]
) -> None:
    actor, ending, end = ended
    under_way, may_go_on = asyncio.Event(), asyncio.Event()

    def slowly(uow: UnitOfWork) -> None:
        create_user(uow, person("somebody"))
        under_way.set()
        await_(may_go_on.wait())

    acting = asyncio.ensure_future(work.write(actor, slowly))
    await under_way.wait()
    end_of_it = asyncio.ensure_future(other.write(ending, end))
    await asyncio.sleep(0.3)
    assert not end_of_it.done()
    may_go_on.set()
    await acting
    await end_of_it


async def test_who_signs_in_while_they_are_deactivated_is_out(
    work: Work, other: Work, acme: Acme, hasher: PasswordHasher
) -> None:
    ann = acme.people["Ann"]
    signing_in = [
        asyncio.ensure_future(signed_in((work, other)[at % 2], hasher, "ann@acme.example")) for at in range(SIGN_INS)
    ]
    await asyncio.wait(signing_in, return_when=asyncio.FIRST_COMPLETED)
    await work.write(acme.alice, deactivate_user, ann)
    answers = await asyncio.gather(*signing_in, return_exceptions=True)
    reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert set(map(type, reasons)) == {Unauthenticated}
    assert len(reasons) < SIGN_INS
    assert [row for row in (await everything(work))["session"] if ann in row] == []


async def test_a_process_that_writes_without_end_lets_another_one_in(work: Work, other: Work, acme: Acme) -> None:
    stopping = asyncio.Event()

    async def write_without_end() -> None:
        while not stopping.is_set():
            await work.write(acme.alice, create_user, person(new_id("name")))

    busy = [asyncio.ensure_future(write_without_end()) for _ in range(WRITERS)]
    made = [await other.write(acme.ann, create_user, person(new_id("name"))) for _ in range(20)]
    stopping.set()
    await asyncio.gather(*busy)
    assert len({user.id for user in made}) == 20
