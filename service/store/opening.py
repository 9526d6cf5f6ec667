"""From a database URL to an engine for migrations or a store for verbs.

`sqlite:///relative/or//absolute/path` is the embedded default, `postgresql://user:password@host/database` a server.
"""

from pathlib import Path

from sqlalchemy import URL, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from service.store.postgres import PostgresLimits, PostgresStore
from service.store.schema import current_revision, known_revisions, newest_revision
from service.store.sqlite import SqliteStore, sqlite_engine

_CONNECT_SECONDS = 10


class UnusableDatabaseError(Exception):
    """The database cannot be used as it is; the message says what to do."""


def open_engine(url: str) -> Engine:
    """An engine for migrations; makes the folder of a new SQLite file. UnusableDatabaseError where that cannot be."""
    parsed = _parsed(url)
    try:
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgres(parsed)
        with engine.connect() as connection:
            revision = current_revision(connection)
    except (OSError, DBAPIError) as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        shown = parsed.render_as_string(hide_password=True)
        raise UnusableDatabaseError(f"The database {shown} cannot be opened: {why}") from error
    if revision is not None and revision not in known_revisions():
        raise UnusableDatabaseError(
            f"The database is at revision {revision}, which this program does not know: a newer version made it."
        )
    return engine


def open_store(url: str, limits: PostgresLimits | None = None) -> SqliteStore | PostgresStore:
    """The store of a migrated database, or UnusableDatabaseError where it is not at this program's revision."""
    refuse_unless_migrated(url)
    return SqliteStore(_path(_parsed(url))) if is_sqlite(url) else PostgresStore(url, limits or PostgresLimits())


def refuse_unless_migrated(url: str) -> None:
    """Raise UnusableDatabaseError unless the database is at this program's revision."""
    with open_engine(url).connect() as connection:
        revision = current_revision(connection)
    if revision != newest_revision():
        raise UnusableDatabaseError(
            f"The database is at revision {revision or 'none'} and this program needs {newest_revision()}: "
            "run `headcount migrate` first."
        )


def is_sqlite(url: str) -> bool:
    """Whether the URL names a file of the embedded engine."""
    return _parsed(url).get_backend_name() == "sqlite"


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnusableDatabaseError(f"The database URL cannot be read: {error}") from error
    no_file = parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")
    if no_file or parsed.drivername not in ("sqlite", "postgresql"):
        raise UnusableDatabaseError(
            "The database URL must name a file, sqlite:///var/headcount.sqlite3, "
            "or a server, postgresql://user:password@host/database"
        )
    return parsed


def _path(url: URL) -> Path:
    return Path(url.database or "")


def _sqlite(url: URL) -> Engine:
    _path(url).parent.mkdir(parents=True, exist_ok=True)
    return sqlite_engine(_path(url))


def _postgres(url: URL) -> Engine:
    options = {"connect_timeout": _CONNECT_SECONDS, "application_name": "headcount migrations"}
    return create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool, connect_args=options)
