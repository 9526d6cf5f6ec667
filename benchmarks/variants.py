"""What is measured, as data: engines and numbers of processes. Another engine is a line in ENGINES and in VARIANTS."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import running_postgres


@dataclass(frozen=True)
class Database:
    """An empty database, and the process that keeps it where it is not the server's own."""

    url: str
    pid: int | None = None


@contextmanager
def _sqlite(folder: Path) -> Iterator[Database]:
    yield Database(f"sqlite:///{folder / 'headcount.sqlite3'}")


@contextmanager
def _postgresql(folder: Path) -> Iterator[Database]:
    with running_postgres(durable=True) as server:
        yield Database(server.url(server.database()), server.pid)


ENGINES: dict[str, Callable[[Path], AbstractContextManager[Database]]] = {"sqlite": _sqlite, "postgresql": _postgresql}
"""How to get an empty database: a context, given a folder for its files to live in meanwhile."""


@dataclass(frozen=True)
class Variant:
    """An engine, and the number of processes that serve."""

    engine: str
    processes: int
    users: int
    """In each workspace."""
    others: int = 0
    """Further workspaces in the same database, with nobody in them."""

    @property
    def name(self) -> str:
        """`sqlite-1`."""
        return f"{self.engine}-{self.processes}"

    @property
    def options(self) -> tuple[str, ...]:
        """What `headcount serve` is told."""
        return ("--workers", str(self.processes)) if self.processes > 1 else ()


PROCESSES = (1, 2)
NAMES = tuple(f"{engine}-{processes}" for engine in ENGINES for processes in PROCESSES)


def variants(names: Sequence[str], users: Sequence[int], others: int = 0) -> list[Variant]:
    """The variants of these names; several processes only with the first number of users, which is enough to see."""
    every = (
        Variant(engine, processes, each, others) for each in users for engine in ENGINES for processes in PROCESSES
    )
    return [each for each in every if each.name in names and (each.processes == 1 or each.users == users[0])]
