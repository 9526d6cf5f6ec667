"""The number of people is kept, and is the one that counting finds, whatever happens at the same time."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import bindparam, func, select

from service.actor import Role
from service.ids import new_id
from service.store.columns import table_of
from service.store.opening import open_engine
from service.store.schema import migrate, newest_revision
from service.unit_of_work import Narrowed, UnitOfWork, narrowed
from service.users.commands import create_user, deactivate_user, delete_user
from service.users.fields import User
from service.users.queries import UserFilter, count_users
from service.work import Work
from tests.service.cast import Acme, Globex, person, refusal
from tests.service.databases import CountingStore

pytestmark = pytest.mark.anyio

_U = table_of(User)
_COUNTED: Narrowed[Any] = Narrowed(
    select(func.count()).select_from(_U).where(_U.c.workspace_id == bindparam("of_workspace"))
)
_ALL = narrowed(User)


async def both(work: Work, company: Acme | Globex) -> tuple[int, int]:
    """The number that is kept, and the one that counting finds."""

    def read(uow: UnitOfWork) -> tuple[int, int]:
        return uow.number(_ALL.count), uow.number(_COUNTED)

    return await work.read(company.support, read)


async def test_the_total_follows_every_change(work: Work, acme: Acme, globex: Globex) -> None:
    assert await both(work, acme) == (3, 3)
    made = [await work.write(acme.alice, create_user, person(f"p{number}")) for number in range(5)]
    assert await both(work, acme) == (8, 8)
    await work.write(acme.alice, deactivate_user, made[0].id)
    assert await both(work, acme) == (8, 8)
    for user in made[:2]:
        await work.write(acme.alice, delete_user, user.id)
    assert await both(work, acme) == (6, 6)
    await refusal(work.write(acme.alice, create_user, person("p3")))
    await refusal(work.write(acme.alice, delete_user, new_id("usr")))
    assert await both(work, acme) == (6, 6)
    assert await both(work, globex) == (1, 1)


async def test_one_transaction_may_add_and_remove_many(work: Work, acme: Acme) -> None:
    def churn(uow: UnitOfWork) -> None:
        made = [create_user(uow, person(f"p{number}")) for number in range(20)]
        for user in made[5:]:
            delete_user(uow, user.id)

    await work.write(acme.alice, churn)
    assert await both(work, acme) == (8, 8)

    def nothing_in_the_end(uow: UnitOfWork) -> None:
        delete_user(uow, create_user(uow, person("gone")).id)

    await work.write(acme.alice, nothing_in_the_end)
    assert await both(work, acme) == (8, 8)


async def test_it_is_right_after_many_changes_at_once(work: Work, acme: Acme) -> None:
    async def come_and_go(number: int) -> None:
        for turn in range(6):
            user = await work.write(acme.alice, create_user, person(f"p{number}.{turn}"), role=Role.MEMBER)
            if turn % 2:
                await work.write(acme.alice, delete_user, user.id)

    answers = await asyncio.gather(*(come_and_go(number) for number in range(12)), return_exceptions=True)
    assert [repr(answer) for answer in answers if answer is not None] == []
    assert await both(work, acme) == (3 + 12 * 3,) * 2


async def test_the_whole_list_s_total_counts_nobody_and_a_filter_s_does(
    work: Work, acme: Acme, store: CountingStore
) -> None:
    with store.counting() as statements:
        assert await work.read(acme.alice, count_users, UserFilter()) == 3
        assert await work.read(acme.alice, count_users, UserFilter(statuses=("ACTIVE",))) == 3
        whole, filtered = list(statements)
    assert "total" in str(whole)
    assert "count(" not in str(whole)
    assert "count(" in str(filtered)


async def test_people_who_were_there_before_are_counted(work: Work, acme: Acme, database_url: str) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        for what in (
            "TABLE total",
            "INDEX user_updated_at",
            "INDEX group_updated_at",
        ):  # as it was before it was counted
            connection.exec_driver_sql(f"DROP {what}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0013'")
    assert migrate(engine) == ("0013", newest_revision())
    assert await both(work, acme) == (3, 3)
    await work.write(acme.alice, create_user, person("dora"))
    assert await both(work, acme) == (4, 4)
