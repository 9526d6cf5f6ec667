"""Where the databases of these tests come from: one class for each engine, all of the same shape."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import make_url

from service.store.opening import open_engine, open_store
from service.store.schema import migrate
from service.store.statements import Connection, Parameters, Statement
from service.work import Store
from tests.postgres import PostgresServer

T = TypeVar("T")


class SqliteFiles:
    """Databases in files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def empty(self) -> str:
        """The URL of a database that nobody has migrated."""
        self._made += 1
        return f"sqlite:///{self._folder / f'{self._made}.sqlite3'}"

    def migrated(self) -> str:
        """The URL of a database with all tables and no rows."""
        url = self.empty()
        migrate(open_engine(url))
        return url

    @contextmanager
    def copy_of(self, url: str) -> Iterator[str]:
        """The URL of a copy of a database that nobody has open, for the time of the block."""
        copy = self.empty()
        file = Path(copy.removeprefix("sqlite:///"))
        shutil.copyfile(url.removeprefix("sqlite:///"), file)
        yield copy
        file.unlink()


class PostgresDatabases:
    """Databases of one PostgreSQL server."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def empty(self) -> str:
        """The URL of a database that nobody has migrated."""
        return self._server.url(self._server.database())

    def migrated(self) -> str:
        """The URL of a database with all tables and no rows."""
        url = self.empty()
        migrate(open_engine(url))
        return url

    @contextmanager
    def copy_of(self, url: str) -> Iterator[str]:
        """The URL of a copy of a database that nobody has open, for the time of the block."""
        copy = self._server.database(template=make_url(url).database or "")
        yield self._server.url(copy)
        self._server.drop(copy)


Databases = SqliteFiles | PostgresDatabases


class CountingStore:
    """A real store that remembers the statements that went through it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.keeps_order = store.keeps_order
        self.statements: list[str] = []

    async def lookup(self, job: Callable[[Connection], T]) -> T:
        """As the store does."""
        return await self._store.lookup(lambda connection: job(_Counting(connection, self.statements)))

    async def read(self, workspace_id: str, job: Callable[[Connection], T]) -> T:
        """As the store does."""
        return await self._store.read(workspace_id, lambda connection: job(_Counting(connection, self.statements)))

    async def write(self, workspace_id: str, job: Callable[[Connection], T], *, sharing: Sequence[str] = ()) -> T:
        """As the store does."""
        return await self._store.write(
            workspace_id, lambda connection: job(_Counting(connection, self.statements)), sharing=sharing
        )

    def alone(self, name: str) -> AbstractAsyncContextManager[Callable[[], bool]]:
        """As the store does."""
        return self._store.alone(name)

    async def close(self) -> None:
        """As the store does."""
        await self._store.close()

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The statements of a block."""
        self.statements.clear()
        yield self.statements

    @staticmethod
    def opened(url: str) -> "CountingStore":
        """A store on this database."""
        return CountingStore(open_store(url))


class _Counting:
    def __init__(self, connection: Connection, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def rows(self, statement: Statement, parameters: Parameters) -> list[Any]:
        self._statements.append(str(statement))
        return self._connection.rows(statement, parameters)

    def run(self, statement: Statement, parameters: Parameters) -> int:
        self._statements.append(str(statement))
        return self._connection.run(statement, parameters)

    def run_many(self, statement: Statement, parameters: Sequence[Parameters]) -> None:
        self._statements.append(str(statement))
        self._connection.run_many(statement, parameters)

    def claim(self, name: str) -> None:
        self._connection.claim(name)
