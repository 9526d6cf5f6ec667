"""What is measured, as data: engines and numbers of processes. Another engine is a line in ENGINES and in VARIANTS."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'headcount.sqlite3'}"


ENGINES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {"sqlite": _sqlite}
"""How to get an empty database: a context that gives its URL, and a folder for its files to live in meanwhile."""


@dataclass(frozen=True)
class Variant:
    """An engine, and the number of processes that serve."""

    engine: str
    processes: int

    @property
    def name(self) -> str:
        """`sqlite-1`."""
        return f"{self.engine}-{self.processes}"

    @property
    def options(self) -> tuple[str, ...]:
        """What `headcount serve` is told."""
        return ("--workers", str(self.processes)) if self.processes > 1 else ()


VARIANTS = (Variant("sqlite", 1),)
