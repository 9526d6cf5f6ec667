"""Bringing a database to the shape that this version of the program needs; Alembic without an ini file."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from service.store.row_security import raise_wall

# Begins a transaction that keeps other migrations waiting.
_BEGIN = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('headcount migrations'))",
}


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Apply the migrations that are missing, all or none: the revision before and after. Idempotent.

    Where two processes migrate at once, the second waits for the first and finds nothing to do.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql(_BEGIN[connection.dialect.name])
        before = current_revision(connection)
        command.upgrade(_config(connection), "head")
        if connection.dialect.name == "postgresql":
            raise_wall(connection)
        connection.commit()
        return before, newest_revision()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at, or None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that this version of the program needs."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None  # noqa: S101 - the package ships at least one migration
    return head


def known_revisions() -> set[str]:
    """Every revision that this version of the program can migrate from."""
    return {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}


def check(engine: Engine) -> None:
    """Raise where the models and the migrations differ."""
    with engine.connect() as connection:
        command.check(_config(connection))


def revise(engine: Engine, message: str) -> None:
    """Write a new migration from the difference between models and database; migrations are numbered."""
    known = len(known_revisions())
    with engine.connect() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=f"{known + 1:04}")


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "service:store/migrations")
    config.attributes["connection"] = connection
    return config
