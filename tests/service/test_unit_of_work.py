"""The unit of work: one actor's transaction in one workspace."""

from typing import Any

import pytest
from sqlalchemy import bindparam

from service.actor import Permission
from service.api_keys import ApiKey
from service.audit import Action, Event
from service.clock import now
from service.refusals import Forbidden, Invalid, Refused, Stale, Taken
from service.store.columns import table_of
from service.store.statements import UniqueViolationError
from service.unit_of_work import UnitOfWork, narrowed
from service.users.commands import create_user
from service.users.fields import User, UserEmail
from service.work import Work
from tests.service.cast import Acme, Globex, everything, nothing_changes, person, recorded, refusal

pytestmark = pytest.mark.anyio

USERS = narrowed(User).order_by(table_of(User).c.id)
BY_ID = narrowed(User).where(table_of(User).c.id == bindparam("id"))
SOMETHING = Event(Action.USER_UPDATED, "User", "usr_0", "somebody")


async def test_a_query_sees_one_workspace(work: Work, acme: Acme, globex: Globex) -> None:
    def seen(uow: UnitOfWork) -> set[str]:
        found = uow.all(USERS)
        assert uow.number(USERS.count) == len(found)
        return {user.id for user in found}

    assert await work.read(acme.alice, seen) == set(acme.people.values())
    assert await work.read(globex.charlie, seen) == set(globex.people.values())


async def test_no_condition_and_no_parameter_widens_a_query(work: Work, acme: Acme, globex: Globex) -> None:
    def seen(uow: UnitOfWork) -> list[str]:
        either = (table_of(User).c.active.is_(True)) | (table_of(User).c.active.is_(False))
        return [user.id for user in uow.all(USERS.where(either), of_workspace=acme.id)]

    assert await work.read(globex.charlie, seen) == list(globex.people.values())


async def test_another_workspace_s_row_is_not_found_changed_stamped_or_deleted(
    work: Work, acme: Acme, globex: Globex
) -> None:
    bob = acme.people["Bob"]

    def read(uow: UnitOfWork) -> object:
        return uow.first(BY_ID, id=bob)

    def update(uow: UnitOfWork) -> None:
        uow.update(User, bob, {"title": "Mine"})

    def others(uow: UnitOfWork) -> int:
        uow.stamp(User, bob, "deactivated_at", title="Mine")
        uow.stamp(ApiKey, acme.key_id, "last_used_at", last_used_ip="192.0.2.66")
        return uow.delete(User, id=bob) + uow.delete(UserEmail, user_id=bob)

    async with nothing_changes(work):
        assert await work.read(globex.charlie, read) is None
        assert await refusal(work.write(globex.charlie, update)) == Stale("User", bob)
        assert await work.write(globex.charlie, others) == 0


async def test_what_is_written_belongs_to_the_actor_s_workspace_whatever_the_values_say(
    work: Work, acme: Acme, globex: Globex
) -> None:
    def smuggle(uow: UnitOfWork) -> None:
        uow.insert(ApiKey, {**key_values("smuggled"), "workspace_id": acme.id})
        uow.insert_all(UserEmail, [{"workspace_id": acme.id, "value_key": "x@y", "user_id": "usr_0"}])
        uow.record(SOMETHING)

    before = await everything(work, acme.id)
    await work.write(globex.charlie, smuggle)
    assert await everything(work, acme.id) == before
    assert "smuggled" in repr(await everything(work, globex.id))


def key_values(name: str) -> dict[str, Any]:
    """Values of a row of some table."""
    by = {"created_by_id": "usr_0", "created_by_name": "somebody", "created_at": now()}
    return {"id": f"key_{name}", "name": name, "scopes": ["SCIM"], "secret_hash": name, "hint": "", **by}


@pytest.mark.parametrize(
    "change",
    [
        lambda uow, bob: uow.insert(ApiKey, key_values("new")),
        lambda uow, bob: uow.insert_all(UserEmail, [{"value_key": "x@y", "user_id": bob}]),
        lambda uow, bob: uow.update(User, bob, {"title": "Baker"}),
        lambda uow, bob: uow.delete(UserEmail, user_id=bob),
    ],
    ids=["insert", "insert_all", "update", "delete"],
)
async def test_a_change_without_an_event_does_not_commit(work: Work, acme: Acme, change: Any) -> None:
    async with nothing_changes(work):
        with pytest.raises(AssertionError, match="without an event"):
            await work.write(acme.alice, change, acme.people["Bob"])

    def with_event(uow: UnitOfWork) -> None:
        change(uow, acme.people["Bob"])
        uow.record(SOMETHING)

    async with recorded(work, acme) as new:
        await work.write(acme.alice, with_event)
    assert len(new) == 1


async def test_bookkeeping_and_deleting_nobody_need_no_event(work: Work, acme: Acme) -> None:
    def noted(uow: UnitOfWork) -> None:
        uow.stamp(ApiKey, acme.key_id, "last_used_at", last_used_ip="192.0.2.9")
        assert uow.delete(User, id="usr_0") == 0
        uow.insert_all(UserEmail, [])

    async with recorded(work, acme) as new:
        await work.write(acme.directory, noted)
    assert new == []
    assert "192.0.2.9" in repr(await everything(work))


async def test_whatever_a_verb_raises_undoes_what_it_did(work: Work, acme: Acme) -> None:
    def broken(uow: UnitOfWork) -> None:
        create_user(uow, person("carol@acme.example"))
        raise ZeroDivisionError

    async with nothing_changes(work):
        with pytest.raises(ZeroDivisionError):
            await work.write(acme.alice, broken)


async def test_a_permission_is_there_or_the_verb_ends(work: Work, acme: Acme) -> None:
    def demanding(uow: UnitOfWork) -> str:
        uow.demand(Permission.USERS_READ)
        uow.demand(Permission.FLAGS_WRITE)
        return "never"

    assert await refusal(work.read(acme.alice, demanding)) == Forbidden("flags:write")


async def test_a_unique_constraint_is_refused_in_the_verb_s_words(work: Work, acme: Acme) -> None:
    def named(uow: UnitOfWork, *, or_else: Taken | None) -> None:
        uow.insert(ApiKey, key_values("once"))
        uow.record(SOMETHING)
        uow.insert(ApiKey, key_values("once"), or_else=or_else)

    said = Taken("ApiKey", "id", "once")
    async with nothing_changes(work):
        assert await refusal(work.write(acme.alice, named, or_else=said)) == said
        with pytest.raises(UniqueViolationError):
            await work.write(acme.alice, named, or_else=None)


async def test_a_missing_value_is_a_defect_and_never_passed_off_as_taken(work: Work, acme: Acme) -> None:
    def forgetful(uow: UnitOfWork) -> None:
        values = {**key_values("new"), "name": None}
        uow.insert(ApiKey, values, or_else=Taken("ApiKey", "name", "new"))

    async with nothing_changes(work):
        with pytest.raises(Exception, match=r"(?i)null") as caught:
            await work.write(acme.alice, forgetful)
        assert not isinstance(caught.value, Refused)


async def test_an_update_answers_the_row_as_it_is_now_or_stale(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]

    def retitle(uow: UnitOfWork, if_version: int | None) -> User:
        row = uow.update(User, bob, {"title": "Baker", "version": 7}, if_version=if_version)
        uow.record(SOMETHING)
        assert uow.first(BY_ID, id=bob) == row
        return row

    async with nothing_changes(work):
        assert await refusal(work.write(acme.alice, retitle, 2)) == Stale("User", bob)
    row = await work.write(acme.alice, retitle, 1)
    assert (row.title, row.version, row.user_name) == ("Baker", 7, "bob@acme.example")


async def test_a_verb_that_only_reads_cannot_write(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        with pytest.raises(Exception, match=r"(?i)read-?only"):
            await work.read(acme.alice, create_user, person("carol@acme.example"))
    await work.write(acme.alice, create_user, person("carol@acme.example"))


async def test_refusals_read_as_what_they_are() -> None:
    assert "Invalid" in str(Refused(Invalid("title", "is too long")))
