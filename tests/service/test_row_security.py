"""PostgreSQL's wall between workspaces: what a statement sees that forgot to say whose rows it is about."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import Column, String, Table, delete, func, insert, select, update
from sqlalchemy.schema import CreateTable
from sqlmodel import AutoString, SQLModel

from service.accounts import invite_user
from service.actor import Role, system
from service.flags import Flag, set_flag
from service.groups.commands import create_group
from service.groups.fields import MemberAct, MemberChange, group_fields
from service.provisioning.log import write_exchanges
from service.refusals import Taken
from service.sessions import open_session
from service.sign_in_attempts import count_attempt
from service.store.columns import workspace_column
from service.store.opening import open_engine, open_store
from service.store.postgres import PostgresLimits, PostgresStore
from service.store.row_security import APP_ROLE, LOOKUP_ROLE, LOOKUP_TABLES, WORKSPACE_SETTING
from service.store.schema import migrate
from service.store.statements import Connection
from service.tokens import Seal
from service.unit_of_work import Narrowed, UnitOfWork
from service.users import queries
from service.users.commands import create_user, delete_user
from service.users.fields import User
from service.users.queries import all_users
from service.work import Work
from tests.postgres import OWNER, PostgresServer
from tests.scim_facade.crowds import add_crowd
from tests.service.cast import EXCHANGE, Acme, Globex, everything, nothing_changes, person, refusal
from tests.service.databases import Databases

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("engine", ["postgresql"], indirect=True)]

TABLES = SQLModel.metadata.sorted_tables
NOT_FOR_LOOKUP = {"credential", "audit_event", "user_email", "group", "group_member", "user_tombstone"}
NOT_FOR_LOOKUP |= {
    "provisioning_event",
    "provisioning_conflict",
    "provisioning_breaker",
    "tolerance_use",
    "sign_in_attempts",
    "total",
}

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresStore]:
    """The store with a single connection for each role, so that every transaction follows another on it."""
    store = PostgresStore(database_url, PostgresLimits(connections=1))
    yield store
    await store.close()


@pytest.fixture
async def work(store: PostgresStore, acme: Acme, globex: Globex, seal: Seal) -> Work:
    """What runs the verbs; each of the two workspaces has rows in every table."""
    work = Work(store, seal)
    for company in (acme, globex):
        user_id = next(iter(company.people.values()))
        await work.write(company.nobody, open_session, user_id=user_id, user_name="?", client="a browser")
        await work.write(company.nobody, count_attempt, "somebody")
        invited = person("invited@a.example", emails=[{"value": "invited@a.example"}])
        await work.write(company.support, invite_user, invited, Role.MEMBER, str)
        await work.write(company.support, set_flag, Flag.SCIM_PROVISIONING, enabled=True, reason="why not")
        group = group_fields({"display_name": "Engineers"})
        await work.write(company.directory, create_group, group, [MemberChange(MemberAct.ADD, (user_id,))])
        await work.write(system(company.id), write_exchanges, [replace(EXCHANGE, tolerances=["DOTTED_NAME"])])
        gone = await work.write(company.directory, create_user, person("gone", external_id="00u"))
        await work.write(company.directory, delete_user, gone.id)
        (longer_there,) = await work.write(company.directory, add_crowd, range(1))
        await work.write(company.directory, delete_user, longer_there)
        await work.write(company.support, create_user, person("member"))
        assert isinstance(await refusal(work.write(company.directory, create_user, person("member"))), Taken)
        assert all((await everything(work, company.id)).values())
    return work


@pytest.fixture
def superuser(database_url: str, postgres: PostgresServer) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody whom no policy holds back, to look at the catalogue."""
    with postgres.connected(database_url, "postgres") as connection:
        yield connection


def as_role(connection: "psycopg.Connection[Any]", role: str) -> None:
    """Go on as a role that nobody can sign in as."""
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


def seen(table: Table) -> Callable[[Connection], list[Any]]:
    """Every row of a table that there is to be seen, with no condition."""
    return lambda connection: connection.rows(select(table), {})


def running(statement: Any, values: dict[str, Any]) -> Callable[[Connection], int]:
    """A job that runs a statement: how many rows it changed."""
    return lambda connection: connection.run(statement, values)


def running_many(statement: Any, rows: list[dict[str, Any]]) -> Callable[[Connection], None]:
    """A job that runs a statement once for each row."""
    return lambda connection: connection.run_many(statement, rows)


def whose(table: Table, rows: list[Any]) -> set[str]:
    """Whose rows these are."""
    return {getattr(row, workspace_column(table).key) for row in rows}


def holds_text(column: Column[Any]) -> bool:
    """Whether this is a column of characters that are not JSON."""
    return isinstance(column.type, AutoString)


@every_table
async def test_every_table_has_a_policy_that_holds_its_owner_too(superuser: Any, table: Table) -> None:
    ((enabled, forced, owner),) = superuser.execute(
        "SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass",
        [f'public."{table.name}"'],
    )
    assert (enabled, forced) == (True, True)
    assert owner == OWNER
    assert owner not in (APP_ROLE, LOOKUP_ROLE)
    policies = superuser.execute(
        """
        SELECT roles::text[], permissive, cmd, translate(replace(qual, '::text', ''), '()', ''),
               translate(replace(with_check, '::text', ''), '()', '')
        FROM pg_policies WHERE tablename = %s
        """,
        [table.name],
    ).fetchall()
    of_app = [policy[1:] for policy in policies if policy[0] == [APP_ROLE]]
    own = f"{workspace_column(table).name} = current_setting'{WORKSPACE_SETTING}', true"
    assert of_app == [("PERMISSIVE", "ALL", own, own)]
    others = [policy for policy in policies if policy[0] != [APP_ROLE]]
    reads = [([LOOKUP_ROLE], "PERMISSIVE", "SELECT", "true", None)]
    assert others == (reads if table.name in LOOKUP_TABLES else [])


@every_table
async def test_the_roles_have_what_they_need_and_nothing_else(superuser: Any, table: Table) -> None:
    def granted(role: str) -> set[str]:
        return {
            privilege
            for (privilege,) in superuser.execute(
                "SELECT privilege_type FROM information_schema.role_table_grants"
                " WHERE grantee = %s AND table_name = %s",
                [role, table.name],
            )
        }

    assert granted(APP_ROLE) == {"SELECT", "INSERT", "UPDATE", "DELETE"}  # TRUNCATE would pass by every policy
    assert granted(LOOKUP_ROLE) == ({"SELECT"} if table.name in LOOKUP_TABLES else set())
    assert granted("PUBLIC") == set()


async def test_no_role_of_the_program_is_above_the_policies(superuser: Any, database_url: str) -> None:
    assert database_url.startswith(f"postgresql://{OWNER}@")
    for role in (OWNER, APP_ROLE, LOOKUP_ROLE):
        ((is_super, passes_by),) = superuser.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [role]
        )
        assert (is_super, passes_by) == (False, False), role
    for role in (APP_ROLE, LOOKUP_ROLE):
        ((logs_in, makes_tables, is_owner),) = superuser.execute(
            "SELECT rolcanlogin, has_schema_privilege(rolname, 'public', 'CREATE'), pg_has_role(rolname, %s, 'MEMBER') "
            "FROM pg_roles WHERE rolname = %s",
            [OWNER, role],
        )
        assert (logs_in, makes_tables, is_owner) == (False, False, False), role


async def test_bytes_decide_the_order_of_every_text(superuser: Any) -> None:
    found = superuser.execute(
        "SELECT c.relname, a.attname, l.collname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_collation l ON l.oid = a.attcollation "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'"
    ).fetchall()
    texts = {(table.name, column.name) for table in TABLES for column in table.c if holds_text(column)}
    assert {(table, column) for table, column, _ in found} == texts
    assert {collation for _, _, collation in found} == {"C"}


async def test_there_is_no_table_that_the_models_do_not_declare(superuser: Any) -> None:
    names = {name for (name,) in superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert names == {table.name for table in TABLES} | {"alembic_version"}
    as_role(superuser, APP_ROLE)
    with pytest.raises(errors.InsufficientPrivilege):
        superuser.execute("SELECT * FROM alembic_version")


async def test_a_table_that_somebody_adds_stands_behind_the_wall_with_the_next_migration(
    databases: Databases, postgres: PostgresServer, acme: Acme, globex: Globex
) -> None:
    new = Table(
        "new_table",
        SQLModel.metadata,
        Column("workspace_id", String(collation="C"), primary_key=True),
        Column("id", String(collation="C"), primary_key=True),
    )
    try:
        url = databases.empty()
        migrate_with(url, new)
        store = open_store(url)
        try:
            for company in (acme, globex):
                row = {"workspace_id": company.id, "id": "one"}
                await store.write(company.id, running(insert(new), row))
            assert whose(new, await store.read(acme.id, seen(new))) == {acme.id}
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await store.lookup(seen(new))
        finally:
            await store.close()
    finally:
        SQLModel.metadata.remove(new)


def migrate_with(url: str, new: Table) -> None:
    """Migrate a database to which a migration has added this table."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(CreateTable(new))
    migrate(engine)


@every_table
async def test_a_statement_without_a_condition_sees_one_workspace(
    work: Work, store: PostgresStore, acme: Acme, globex: Globex, table: Table
) -> None:
    counted = select(func.count()).select_from(table)
    for company in (acme, globex):
        rows = await store.read(company.id, seen(table))
        assert whose(table, rows) == {company.id}
        assert len(rows) == len((await everything(work, company.id))[table.name])
        assert await store.write(company.id, lambda c: c.rows(counted, {})[0][0]) == len(rows)


@every_table
async def test_a_unit_of_work_that_does_not_narrow_sees_one_workspace(work: Work, acme: Acme, table: Table) -> None:
    everyone: Narrowed[Any] = Narrowed(select(table))

    def rows(uow: UnitOfWork) -> list[Any]:
        assert uow.number(everyone.count) == len(uow.all(everyone))
        return uow.all(everyone)

    assert whose(table, await work.read(acme.alice, rows)) == {acme.id}


async def test_a_verb_whose_query_was_not_narrowed_answers_what_it_should(
    work: Work, acme: Acme, globex: Globex, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = SQLModel.metadata.tables["user"]
    monkeypatch.setattr(queries, "_IN_ORDER", Narrowed[User](select(users).order_by(users.c.id)))
    shown = {user.id for user in await work.read(acme.alice, all_users)}
    assert shown >= set(acme.people.values())
    assert {user.workspace_id for user in await work.read(acme.alice, all_users)} == {acme.id}
    assert {user.workspace_id for user in await work.read(globex.charlie, all_users)} == {globex.id}


@every_table
async def test_a_statement_without_a_condition_changes_and_removes_nothing_of_a_neighbour(
    work: Work, store: PostgresStore, acme: Acme, globex: Globex, table: Table
) -> None:
    theirs, mine = await everything(work, globex.id), await everything(work, acme.id)
    text = next(column for column in reversed(table.c) if holds_text(column))

    whose_it_is = workspace_column(table)
    change_all = update(table).values({whose_it_is.key: whose_it_is})
    change_theirs = update(table).where(whose_it_is == globex.id).values({text.key: "Mine"})

    assert await store.write(acme.id, running(change_all, {})) == len(mine[table.name])
    assert await store.write(acme.id, running(change_theirs, {})) == 0
    assert await store.write(acme.id, running(delete(table), {})) == len(mine[table.name])
    assert await store.read(acme.id, seen(table)) == []
    assert await everything(work, globex.id) == theirs


@every_table
async def test_nothing_is_added_to_a_neighbour_nor_given_away_to_one(
    work: Work, store: PostgresStore, acme: Acme, globex: Globex, table: Table
) -> None:
    row = (await store.read(acme.id, seen(table)))[0]._asdict()
    given = {workspace_column(table).key: globex.id}
    async with nothing_changes(work):
        for statement, values in ((insert(table), row | given), (update(table), given)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await store.write(acme.id, running(statement, values))
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await store.write(acme.id, running_many(statement, [values]))
    await store.write(acme.id, running(delete(table), {}))
    await store.write(acme.id, running(insert(table), row))  # it was the workspace that was refused
