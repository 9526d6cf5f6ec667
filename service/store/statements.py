"""SQLAlchemy's Core statements, compiled once and run by the driver itself.

Core writes the SQL, names the parameters and knows the column types; the driver's own cursor runs it. A keyed read
costs two thirds of what it costs through a SQLAlchemy connection on SQLite, and a quarter on PostgreSQL. An engine
gives `rows`, `run` and `run_many`, and everything above it is ordinary Core.
"""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

from sqlalchemy import JSON, ColumnElement, Delete, Dialect, Insert, Select, Update
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
    make_row: Callable[[Iterable[Any]], Any]

    def arguments(self, parameters: Parameters) -> list[Any]:
        """The values in the order of the SQL's placeholders, as the driver wants them."""
        defaults = self.defaults
        values = [parameters[name] if name in parameters else defaults[name] for name in self.names]
        for at, bind in self.binders:
            values[at] = bind(values[at])
        return values

    def rows(self, raw: Iterable[Iterable[Any]]) -> list[Any]:
        """Rows from the driver as the domain sees them."""
        readers, make_row, rows = self.readers, self.make_row, []
        if not readers:
            return list(map(make_row, raw))
        for each in raw:
            values = list(each)
            for at, read in readers:
                if values[at] is not None:
                    values[at] = read(values[at])
            rows.append(make_row(values))
        return rows


class Compiler:
    """Compiles statements for one dialect, and remembers them; for use by several threads.

    `read_json` reads JSON where the driver leaves that to others; it takes half of the time that the dialect's own way
    does.
    """

    def __init__(self, dialect: Dialect, read_json: Processor | None = None) -> None:
        self._dialect = dialect
        self._read_json = read_json
        self._compiled = lru_cache(_KEPT)(self._compile)

    def __call__(self, statement: Statement, parameters: Parameters) -> Compiled:
        """The compiled statement; an INSERT or UPDATE sets the columns that the parameters name."""
        return self._compiled(statement, None if isinstance(statement, (Select, Delete)) else tuple(parameters))

    def _compile(self, statement: Statement, names_set: tuple[str, ...] | None) -> Compiled:
        keys = None if names_set is None or getattr(statement, "select", None) is not None else list(names_set)
        compiled = statement.compile(
            dialect=self._dialect, column_keys=keys, compile_kwargs={"render_postcompile": True}
        )
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what Core's statements compile to
        names = tuple(compiled.positiontup or ())
        binds = [compiled.binds[name].type.dialect_impl(self._dialect) for name in names]
        columns = list(statement.exported_columns) if compiled.returning or isinstance(statement, Select) else []
        return Compiled(
            sql=str(compiled),
            names=names,
            defaults={name: bind.value for name, bind in compiled.binds.items()},
            binders=_given(kind.bind_processor(self._dialect) for kind in binds),
            readers=_given(map(self._reader, columns)),
            make_row=_row_maker([str(column.key) for column in columns]),
        )

    def _reader(self, column: ColumnElement[Any]) -> Processor | None:
        if isinstance(column.type, JSON) and self._read_json is not None:
            return self._read_json
        return column.type.dialect_impl(self._dialect).result_processor(self._dialect, None)


def _row_maker(names: list[str]) -> Callable[[Iterable[Any]], Any]:
    shape: Any = collections.namedtuple("Row", names, rename=True)  # type: ignore[misc]  # names known at run time
    return partial(tuple.__new__, shape)


def _given(processors: Iterable[Processor | None]) -> tuple[tuple[int, Processor], ...]:
    return tuple((at, processor) for at, processor in enumerate(processors) if processor is not None)
