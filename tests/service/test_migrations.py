"""From any known state to the tables that this version needs."""

from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from service import tables
from service.store.opening import UnusableDatabaseError, open_engine, open_store
from service.store.schema import check, current_revision, known_revisions, migrate, newest_revision
from tests.service.databases import Databases

FOUND_BY_TOKEN = {"api_key_secret", "session_token"}  # a request may show nothing but a token


def test_migrating_makes_every_table_and_doing_it_again_changes_nothing(databases: Databases) -> None:
    url = databases.empty()
    assert migrate(open_engine(url)) == (None, newest_revision())
    engine = open_engine(url)
    there = set(inspect(engine).get_table_names())
    assert there == {table.name for table in SQLModel.metadata.sorted_tables} | {"alembic_version"}
    assert migrate(engine) == (newest_revision(), newest_revision())
    assert set(inspect(engine).get_table_names()) == there


def test_models_and_migrations_agree(databases: Databases) -> None:
    check(open_engine(databases.migrated()))


def test_every_key_leads_with_the_workspace() -> None:
    for table in SQLModel.metadata.sorted_tables:
        first = next(iter(table.primary_key.columns)).name
        assert first == ("id" if table.name == "workspace" else "workspace_id"), table.name
        for index in table.indexes:
            if index.name in FOUND_BY_TOKEN:
                continue
            assert next(iter(index.columns)).name == "workspace_id", index.name


def test_a_database_that_nobody_migrated_is_not_opened(databases: Databases) -> None:
    with pytest.raises(UnusableDatabaseError, match="run `headcount migrate` first"):
        open_store(databases.empty())


def test_a_database_of_a_newer_version_is_neither_opened_nor_migrated(databases: Databases) -> None:
    url = databases.migrated()
    with open_engine(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for opening in (open_engine, open_store):
        with pytest.raises(UnusableDatabaseError, match="a newer version made it"):
            opening(url)


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "letter.sqlite3"
    file.write_text("Dear Alice, " * 1_000)
    with pytest.raises(UnusableDatabaseError, match="cannot be opened"):
        open_engine(f"sqlite:///{file}")
    with pytest.raises(UnusableDatabaseError, match="cannot be opened"):
        open_engine(f"sqlite:///{file}/below/a/file.sqlite3")


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(UnusableDatabaseError, match="database URL"):
        open_engine(url)


def test_the_folder_of_a_new_file_is_made(tmp_path: Path) -> None:
    migrate(open_engine(f"sqlite:///{tmp_path}/a/b/new.sqlite3"))
    assert (tmp_path / "a" / "b" / "new.sqlite3").is_file()


def test_revisions_are_numbered_without_gaps(databases: Databases) -> None:
    assert sorted(known_revisions()) == [f"{number + 1:04}" for number in range(len(known_revisions()))]
    with open_engine(databases.migrated()).connect() as connection:
        assert current_revision(connection) == newest_revision() == max(known_revisions())


def test_every_table_is_known_to_who_treats_tables_alike() -> None:
    declared = {mapper.class_.__module__ for mapper in SQLModel._sa_registry.mappers}
    assert {each for each in declared if each.startswith("service.")} == {module.__name__ for module in tables.MODULES}
