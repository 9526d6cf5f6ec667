"""Files of people for `headcount import`: CSV with a header, or a JSON object in each line (JSON Lines)."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from service.actor import Role
from service.store.columns import Json, table_of
from service.users.fields import FIELD_NAMES, User
from service.users.importing import Listed

_FIELD_OF = {to_camel(name): name for name in ("email", *FIELD_NAMES)}
_LISTS = {name for name in FIELD_NAMES if isinstance(table_of(User).c[name].type, Json)}
_ROLES = {role.value.lower(): role for role in Role}
_BOOLEANS = {"true": True, "false": False}
_REST = "more cells than the header"


class UnreadableError(ValueError):
    """The file, or a line of it, is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Line:
    """Somebody, or why the line is of no use; lines count from 1."""

    number: int
    listed: Listed | None
    why: str | None = None


def read_people(path: Path) -> Iterator[Line]:
    """The people of a file, as they stand in it. UnreadableError where the whole file is of no use."""
    rows = {".csv": _csv_rows, ".jsonl": _json_rows}.get(path.suffix.lower())
    if rows is None:
        raise UnreadableError(f"{path.name} must end in .csv or .jsonl: that says how it is read")
    try:
        for number, row in rows(path):
            yield _line(number, row)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{path.name} is not in UTF-8: save it so") from None
    except csv.Error as error:
        raise UnreadableError(f"{path.name} is no CSV: {error}") from None


def _csv_rows(path: Path) -> Iterator[tuple[int, Callable[[], Mapping[str, Any]]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file, restkey=_REST, strict=True)
        names = table.fieldnames or ()
        textual = [name for name in (*_FIELD_OF, "role") if _FIELD_OF.get(name) not in _LISTS]
        if wrong := [name for name in names if name not in textual]:
            raise UnreadableError(f"{path.name} has the column {wrong[0]!r}; there can be {', '.join(textual)}")
        if len(set(names)) < len(names):
            raise UnreadableError(f"{path.name} has a column twice")
        for row in table:
            yield table.line_num, partial(_of_cells, row)


def _json_rows(path: Path) -> Iterator[tuple[int, Callable[[], Mapping[str, Any]]]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield number, partial(_of_json, text)


def _of_cells(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """An empty cell says nothing."""
    if _REST in row or None in row.values():
        raise UnreadableError("it must have as many cells as the header")
    said = {name: cell for name, cell in row.items() if cell}
    if "active" in said:
        active = _BOOLEANS.get(said["active"].lower())
        if active is None:
            raise UnreadableError(f"active must be true or false, not {said['active']!r}")
        said["active"] = active
    return said


def _of_json(text: str) -> Mapping[str, Any]:
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableError(f"it is no JSON: {error}") from None
    if not isinstance(row, dict):
        raise UnreadableError("it must be a JSON object")
    if wrong := [name for name in row if name not in (*_FIELD_OF, "role")]:
        raise UnreadableError(f"it has {wrong[0]!r}; there can be {', '.join((*_FIELD_OF, 'role'))}")
    return row


def _line(number: int, row: Callable[[], Mapping[str, Any]]) -> Line:
    try:
        said = dict(row())
        role = said.pop("role", None)
        if role is not None and (not isinstance(role, str) or role.lower() not in _ROLES):
            raise UnreadableError(f"role must be one of {', '.join(_ROLES)}, not {role!r}")
        if "email" in said and "emails" in said:
            raise UnreadableError("it may have email or emails, not both")
        user_name = said.pop("userName", None) or said.get("email")
        if not isinstance(user_name, str):
            raise UnreadableError("it must have a userName, or an email that is the userName too")
        changes = {_FIELD_OF[name]: value for name, value in said.items()}
        return Line(number, Listed(user_name, changes, _ROLES[role.lower()] if role else None))
    except UnreadableError as error:
        return Line(number, None, str(error))
