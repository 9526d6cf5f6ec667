"""From a database URL to an engine or a store. `sqlite:///relative/or//absolute/path` is the embedded default."""

from pathlib import Path

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from service.store.schema import current_revision, known_revisions, newest_revision
from service.store.sqlite import SqliteStore, sqlite_engine


class UnusableDatabaseError(Exception):
    """The database cannot be used as it is; the message says what to do."""


def open_engine(url: str) -> Engine:
    """An engine for migrations; makes the folder of a new SQLite file. UnusableDatabaseError where that cannot be."""
    path = _path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sqlite_engine(path)
        with engine.connect() as connection:
            revision = current_revision(connection)
    except (OSError, DBAPIError) as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        raise UnusableDatabaseError(f"The database {path} cannot be opened: {why}") from error
    if revision is not None and revision not in known_revisions():
        raise UnusableDatabaseError(
            f"The database is at revision {revision}, which this program does not know: a newer version made it."
        )
    return engine


def open_store(url: str) -> SqliteStore:
    """The store of a migrated database, or UnusableDatabaseError where it is not at this program's revision."""
    with open_engine(url).connect() as connection:
        revision = current_revision(connection)
    if revision != newest_revision():
        raise UnusableDatabaseError(
            f"The database is at revision {revision or 'none'} and this program needs {newest_revision()}: "
            "run `headcount migrate` first."
        )
    return SqliteStore(_path(url))


def _path(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnusableDatabaseError(f"The database URL cannot be read: {error}") from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise UnusableDatabaseError("The database URL must name a file: sqlite:///var/headcount.sqlite3")
    return Path(parsed.database)
