"""docs/distribution.sql: that it places every table, and that every table can be spread by workspace.

PostgreSQL runs the file, with functions in place of Citus' two that have their signature and write down what they were
told; what Citus would refuse is then looked for in PostgreSQL's own catalogue.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlmodel import SQLModel

from tests.postgres import PostgresServer

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)

STATEMENTS = (Path(__file__).parents[2] / "docs" / "distribution.sql").read_text()
EVERYWHERE = {"workspace"}  # tables that each node has whole
TOGETHER = "user"  # the table that the others lie beside

# Whose key or session it is must be found before a workspace is known. They must not be unique: no node could tell.
LOOK_UPS = {"api_key_secret", "session_token"}

_CITUS = """
CREATE TABLE placed (name text, distribution_column text, colocated text);
CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS
    'INSERT INTO placed SELECT relname FROM pg_class WHERE oid = table_name';
CREATE FUNCTION create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL
) RETURNS void LANGUAGE sql AS
    'INSERT INTO placed SELECT relname, distribution_column, colocate_with FROM pg_class WHERE oid = table_name';
"""
_INDEXES = """
SELECT t.relname, i.relname, x.indisunique, array_agg(a.attname::text ORDER BY k.at)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid,
     unnest(x.indkey) WITH ORDINALITY k (number, at), pg_attribute a
WHERE a.attrelid = t.oid AND a.attnum = k.number AND t.relname = ANY(%s)
GROUP BY t.relname, i.relname, x.indisunique ORDER BY t.relname, i.relname
"""
_FOREIGN_KEYS = """
SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text
FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
"""
_KINDS = """
SELECT DISTINCT format_type(atttypid, atttypmod), collname
FROM pg_attribute LEFT JOIN pg_collation c ON c.oid = attcollation
WHERE attname = 'workspace_id' AND attrelid = ANY(%s::regclass[])
"""


@pytest.fixture
def superuser(database_url: str, postgres: PostgresServer) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody who may add functions, in a database that has Citus' two."""
    with postgres.connected(database_url, "postgres") as connection:
        connection.execute(_CITUS)
        yield connection


def placed(connection: "psycopg.Connection[Any]") -> list[tuple[str, str | None, str | None]]:
    """What the file does with each table: its name, the column that it is spread by, and the table it lies beside."""
    connection.execute(STATEMENTS.encode())
    return connection.execute("SELECT name, distribution_column, colocated FROM placed").fetchall()


def obstacles(connection: "psycopg.Connection[Any]", spread: list[str]) -> list[str]:
    """What keeps tables from being spread by `workspace_id`."""
    found = []
    for table, index, unique, columns in connection.execute(_INDEXES, [spread]):
        if columns[0] != "workspace_id" and (unique or index not in LOOK_UPS):
            found.append(f"{index} of {table} must begin with workspace_id: it has {columns}")
    for name, here, there in connection.execute(_FOREIGN_KEYS):
        found.append(f"{name} refers from {here} to {there}: rows that belong together are kept so by verbs")
    return found


def test_every_table_is_placed_once(superuser: Any) -> None:
    names = [name for name, _, _ in placed(superuser)]
    for table in SQLModel.metadata.sorted_tables:
        line = f"SELECT create_distributed_table('{table.name}', 'workspace_id', colocate_with => '\"{TOGETHER}\"');"
        assert names.count(table.name) == 1, f"docs/distribution.sql must have this line, once: {line}"
    assert set(names) <= set(SQLModel.metadata.tables), "docs/distribution.sql places a table that there is not"


def test_what_a_workspace_has_lies_together(superuser: Any) -> None:
    for name, column, colocated in placed(superuser):
        if name in EVERYWHERE:
            assert column is None
        else:
            assert column == "workspace_id", name
            assert colocated == ("none" if name == TOGETHER else f'"{TOGETHER}"'), name
    spread = [f'"{name}"' for name in SQLModel.metadata.tables if name not in EVERYWHERE]
    assert superuser.execute(_KINDS, [spread]).fetchall() == [("character varying", "C")]


def test_nothing_keeps_a_table_from_being_spread(superuser: Any) -> None:
    spread = [name for name in SQLModel.metadata.tables if name not in EVERYWHERE]
    assert obstacles(superuser, spread) == []
    kept = {(name, unique) for _, name, unique, columns in superuser.execute(_INDEXES, [spread]) if name in LOOK_UPS}
    assert kept == {(name, False) for name in LOOK_UPS}, "LOOK_UPS names an index that there is not, or a unique one"


def test_an_obstacle_is_found(superuser: Any) -> None:
    superuser.execute(
        """
        CREATE TABLE thing (workspace_id text, id text PRIMARY KEY, name text, UNIQUE (name, workspace_id));
        CREATE INDEX thing_order ON thing (workspace_id, name);
        CREATE TABLE part (workspace_id text, id text, thing text REFERENCES thing, PRIMARY KEY (workspace_id, id));
        CREATE INDEX part_thing ON part (thing, workspace_id);
        """
    )
    found = obstacles(superuser, ["thing", "part"])
    assert [line.split()[0] for line in found] == [
        *("part_thing", "thing_name_workspace_id_key", "thing_pkey", "part_thing_fkey")
    ]
