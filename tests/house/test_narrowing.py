"""The one road to a row is the unit of work: who may read across workspaces, and who may open a database."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, modules

READ_ACROSS_WORKSPACES = {"service.work", "service.workspaces", "service.authentication"}
OPENERS = {"sqlite3", "asyncpg", "psycopg", "aiosqlite"}
MAKERS = {"create_engine", "create_async_engine", "Session", "AsyncSession", "sessionmaker", "async_sessionmaker"}


def names_in(path: Path) -> set[str]:
    """Everything that a module imports, whole: `sqlalchemy.create_engine`."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_only_those_who_find_out_who_is_asking_read_across_workspaces() -> None:
    lookup = "service.unit_of_work.Lookup"
    importers = {name for name, path in modules().items() if lookup in names_in(path)}
    assert importers == READ_ACROSS_WORKSPACES


def test_only_the_store_opens_a_database() -> None:
    for name, path in modules().items():
        if name.startswith("service.store"):
            continue
        opened = {each for each in names_in(path) if each.partition(".")[0] in OPENERS}
        made = {
            each
            for each in names_in(path)
            if each.partition(".")[0] in ("sqlalchemy", "sqlmodel") and each.rpartition(".")[2] in MAKERS
        }
        assert opened | made == set(), name


@pytest.mark.parametrize(
    ("file", "line", "allowed"),
    [
        ("service/users/queries.py", "from service.unit_of_work import Lookup", False),
        ("scim_facade/users.py", "from service.unit_of_work import Lookup", False),
        ("graphql/graphql_facade/users.py", "from service.unit_of_work import Lookup", False),
        ("service/workspaces.py", "from service.unit_of_work import Lookup", True),
        ("service/users/commands.py", "from sqlalchemy import create_engine", False),
        ("headcount/server.py", "from sqlmodel import Session", False),
        ("headcount/cli.py", "import sqlite3", False),
        ("service/store/sqlite.py", "import sqlite3", True),
        ("headcount/asgi.py", "import graphql.graphql_facade", False),
    ],
)
def test_the_linter_holds_everybody_else_off(file: str, line: str, allowed: bool) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select=TID251", "--no-cache", "--stdin-filename", file, "-"],
        cwd=ROOT,
        input=f"{line}\n",
        capture_output=True,
        text=True,
    )
    assert (checked.returncode == 0) is allowed, checked.stdout
    assert ("TID251" in checked.stdout) is not allowed
