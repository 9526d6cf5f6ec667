"""A filter as a query over the store's columns, with bound parameters.

What can be found is said by the attributes' rows (`equals`): `eq` on those, joined by `and`. Everything else is a
400 that names it: never every user, never silently none.
"""

from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import bindparam
from sqlmodel import SQLModel

from scim_facade.attributes import Attribute, AttributeTable, spelled
from scim_facade.filters import Compare, Filter, Junction, Within, invalid, parse_filter
from service.finding import Search
from service.store.columns import table_of
from service.unit_of_work import Narrowed, narrowed

_MAX_TERMS = 20

M = TypeVar("M", bound=SQLModel)


def search_of(table: AttributeTable[M], text: str | None) -> Search[M]:
    """What a filter means, in order of creation."""
    terms = _terms(table, parse_filter(text), "") if text is not None else []
    if len(terms) > _MAX_TERMS:
        raise invalid(f"it joins more than {_MAX_TERMS} conditions")
    names = tuple(spelling for spelling, _ in terms)
    values = {f"value_{number}": value for number, (_, value) in enumerate(terms)}
    return Search(query=_query(table, names), parameters=values)


@lru_cache(maxsize=256)
def _query(table: AttributeTable[M], names: tuple[str, ...]) -> Narrowed[M]:
    """One statement for all filters of one shape."""
    query = narrowed(table.model).order_by(table_of(table.model).c.id)  # ids sort by time of creation
    for number, name in enumerate(names):
        chain = table.find(name)
        assert chain is not None and chain[-1].equals is not None  # noqa: S101, PT018 - `_terms` found it
        query = query.where(chain[-1].equals.condition(bindparam(f"value_{number}")))
    return query


def _terms(table: AttributeTable[Any], tree: Filter, within: str) -> list[tuple[str, str]]:
    match tree:
        case Junction("and", parts):
            return [term for part in parts for term in _terms(table, part, within)]
        case Within(path, inner):
            return _terms(table, inner, f"{path}.")
        case Compare(path, "eq", value):
            name, attribute = _findable(table, within + path)
            if not isinstance(value, str):
                raise invalid(f"{name} is compared with a text in double quotes")
            assert attribute.equals is not None  # noqa: S101 - `_findable` made sure
            return [(name, attribute.equals.fold(value))]
        case Compare(path, operator):
            raise invalid(f"{within}{path} can be found with eq, not with {operator}")
        case _:
            raise invalid(f"only eq on {_findables(table)}, joined by and, can be found")


def _findable(table: AttributeTable[Any], path: str) -> tuple[str, Attribute]:
    chain = table.find(path)
    if chain is None:
        raise invalid(f"{path} is no attribute of a {table.name}")
    attribute = chain[-1]
    if attribute.multi_valued and (value := attribute.named("value")):
        chain, attribute = (*chain, value), value  # RFC 7644, 3.4.2.2: `emails eq` means emails.value
    if attribute.equals is None:
        raise invalid(f"{spelled(chain)} cannot be searched; eq on {_findables(table)} can")
    return spelled(chain), attribute


def _findables(table: AttributeTable[Any]) -> str:
    return ", ".join(spelled(chain) for chain in table.chains if chain[-1].equals)
