"""SQLAlchemy's Core statements, compiled once and run by the driver itself.

Core writes the SQL, names the parameters and knows the column types; the driver's own cursor runs it. A keyed read
costs two thirds of what it costs through a SQLAlchemy connection on SQLite, and a quarter on PostgreSQL. An engine
gives `rows`, `run` and `run_many`, and everything above it is ordinary Core.
"""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from cachetools import LRUCache
from sqlalchemy import Delete, Dialect, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler

Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete
Parameters = Mapping[str, Any]
Processor = Callable[[Any], Any]

_KEPT = 2_048  # compiled statements; all but those of unusual filters are made at import and few


class UniqueViolationError(Exception):
    """A unique constraint stands in the way of a row."""


class Connection(Protocol):
    """What a verb's statements run on, within a transaction that the store began."""

    def rows(self, statement: Statement, parameters: Parameters) -> list[Any]:
        """The rows of a SELECT or of a RETURNING, as tuples that answer to the columns' names."""
        ...

    def run(self, statement: Statement, parameters: Parameters) -> int:
        """How many rows a statement without RETURNING touched."""
        ...

    def run_many(self, statement: Statement, parameters: Sequence[Parameters]) -> None:
        """Run a statement once for each set of parameters."""
        ...

    def claim(self, name: str) -> None:
        """Wait for the transactions that share this name; whoever comes to share it waits for this one's end."""
        ...


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in one engine's SQL: what it takes, in which order, and what its rows are."""

    sql: str
    names: tuple[str, ...]
    defaults: Parameters
    binders: tuple[tuple[int, Processor], ...]
    readers: tuple[tuple[int, Processor], ...]
    make_row: Callable[[Sequence[Any]], Any]

    def arguments(self, parameters: Parameters) -> list[Any]:
        """The values in the order of the SQL's placeholders, as the driver wants them."""
        defaults = self.defaults
        values = [parameters[name] if name in parameters else defaults[name] for name in self.names]
        for at, bind in self.binders:
            values[at] = bind(values[at])
        return values

    def rows(self, raw: Iterable[Sequence[Any]]) -> list[Any]:
        """Rows from the driver as the domain sees them."""
        readers, make_row, rows = self.readers, self.make_row, []
        if not readers:
            return [make_row(each) for each in raw]
        for each in raw:
            values = list(each)
            for at, read in readers:
                if values[at] is not None:
                    values[at] = read(values[at])
            rows.append(make_row(values))
        return rows


class Compiler:
    """Compiles statements for one dialect, and remembers them; for use by several threads."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: LRUCache[object, Compiled] = LRUCache(_KEPT)
        self._looking = Lock()

    def __call__(self, statement: Statement, parameters: Parameters) -> Compiled:
        """The compiled statement; an INSERT or UPDATE sets the columns that the parameters name."""
        key = statement if isinstance(statement, (Select, Delete)) else (statement, tuple(parameters))
        with self._looking:
            known = self._known.get(key)
        if known is None:
            known = self._compiled(statement, parameters)
            with self._looking:
                self._known[key] = known
        return known

    def _compiled(self, statement: Statement, parameters: Parameters) -> Compiled:
        sets_no_columns = isinstance(statement, (Select, Delete)) or getattr(statement, "select", None) is not None
        keys = None if sets_no_columns else list(parameters)
        compiled = statement.compile(
            dialect=self._dialect, column_keys=keys, compile_kwargs={"render_postcompile": True}
        )
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what Core's statements compile to
        names = tuple(compiled.positiontup or ())
        binds = [compiled.binds[name].type.dialect_impl(self._dialect) for name in names]
        columns = list(statement.exported_columns) if compiled.returning or isinstance(statement, Select) else []
        reads = [column.type.dialect_impl(self._dialect) for column in columns]
        return Compiled(
            sql=str(compiled),
            names=names,
            defaults={name: bind.value for name, bind in compiled.binds.items()},
            binders=_given((at, kind.bind_processor(self._dialect)) for at, kind in enumerate(binds)),
            readers=_given((at, kind.result_processor(self._dialect, None)) for at, kind in enumerate(reads)),
            make_row=_row_maker([str(column.key) for column in columns]),
        )


def _row_maker(names: list[str]) -> Callable[[Sequence[Any]], Any]:
    shape: Any = collections.namedtuple("Row", names, rename=True)  # type: ignore[misc]  # names known at run time
    make: Callable[[Sequence[Any]], Any] = shape._make
    return make


def _given(processors: Iterable[tuple[int, Processor | None]]) -> tuple[tuple[int, Processor], ...]:
    return tuple((at, processor) for at, processor in processors if processor is not None)
