"""What is within a JSON column, and the one test of text that the engines spell differently, as SQL expressions.

Whatever a column has, it can be asked: what is not of the kind that is looked for counts as nothing.
"""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, String, bindparam, column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias

from service.store.columns import Json


class _Elements(FunctionElement[Any]):
    """The elements of a list, a row each."""

    name = "elements"
    inherit_cache = False


class _Texts(FunctionElement[Any]):
    """The texts of a list, a row each."""

    name = "texts"
    inherit_cache = False


class _Part(FunctionElement[Any]):
    """A member of an object, as text or as a boolean."""

    name = "part"
    inherit_cache = False

    def __init__(self, value: ColumnElement[Any], member: str, *, boolean: bool) -> None:
        super().__init__(value)
        self.member = member.replace("'", "''")
        self.type = Boolean() if boolean else String()


class _Contains(FunctionElement[bool]):
    """Whether a text has another one in it."""

    name = "contains"
    type = Boolean()
    inherit_cache = False


def elements(column: ColumnElement[Any]) -> TableValuedAlias:
    """The elements of a JSON list, to select from; the column `value` has them. No row where there is no list."""
    return _Elements(column).table_valued("value")


def one_of(name: str) -> Select[tuple[str]]:
    """The texts of a list that is bound under a name, for `in_`: one statement for lists of every length."""
    texts = _Texts(bindparam(name, type_=Json())).table_valued(column("value", String))
    return select(texts.c.value)


def part(value: ColumnElement[Any], member: str, *, boolean: bool = False) -> ColumnElement[Any]:
    """A member of a JSON object, NULL where it has none; text sorts and compares by its code points."""
    return _Part(value, member, boolean=boolean)


def contains(text: ColumnElement[str], wanted: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `wanted` is within `text`, exactly."""
    return _Contains(text, wanted)


def _of(element: FunctionElement[Any], compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.clauses, **more)


@compiles(_Elements)
def _elements(element: _Elements, compiler: SQLCompiler, **more: Any) -> str:
    value = _of(element, compiler, **more)
    return f"json_each(CASE WHEN json_valid({value}) AND json_type({value}) = 'array' THEN {value} END)"


@compiles(_Elements, "postgresql")
def _postgresql_elements(element: _Elements, compiler: SQLCompiler, **more: Any) -> str:
    value = _of(element, compiler, **more)
    return f"json_array_elements(CASE WHEN json_typeof({value}) = 'array' THEN {value} END)"


@compiles(_Texts)
def _texts(element: _Texts, compiler: SQLCompiler, **more: Any) -> str:
    return f"json_each({_of(element, compiler, **more)})"


@compiles(_Texts, "postgresql")
def _postgresql_texts(element: _Texts, compiler: SQLCompiler, **more: Any) -> str:
    return f"json_array_elements_text({_of(element, compiler, **more)})"


@compiles(_Part)
def _part(element: _Part, compiler: SQLCompiler, **more: Any) -> str:
    value = _of(element, compiler, **more)
    return f"""CASE WHEN json_valid({value}) THEN json_extract({value}, '$."{element.member}"') END"""


@compiles(_Part, "postgresql")
def _postgresql_part(element: _Part, compiler: SQLCompiler, **more: Any) -> str:
    text = f"({_of(element, compiler, **more)} ->> '{element.member}')"
    if isinstance(element.type, Boolean):
        return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"
    return f'({text} COLLATE "C")'


@compiles(_Contains)
def _contains(element: _Contains, compiler: SQLCompiler, **more: Any) -> str:
    return f"instr({_of(element, compiler, **more)}) > 0"


@compiles(_Contains, "postgresql")
def _postgresql_contains(element: _Contains, compiler: SQLCompiler, **more: Any) -> str:
    return f"strpos({_of(element, compiler, **more)}) > 0"
