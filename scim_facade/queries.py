"""Searches as queries over the store's columns, one for all searches of one shape, with bound parameters."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    String,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from scim_facade.attributes import Attribute, AttributeTable, Chain, spelled
from scim_facade.filters import Compare, Filter, Junction, Not, Present, Within, parse_filter
from scim_facade.messages import Rejected
from scim_facade.searches import parameter, planned
from service.finding import Search
from service.pages import Order
from service.store.columns import Instant, table_of
from service.store.json_values import contains, elements, part
from service.unit_of_work import Narrowed, narrowed

M = TypeVar("M", bound=SQLModel)

_EVERYBODY = Junction("and", ())
_TYPES: dict[str, TypeEngine[Any]] = {"boolean": Boolean(), "dateTime": Instant}
"""The types of what is compared as something else than text."""


def search_of(
    table: AttributeTable[M], text: str | None, sort_by: str | None = None, *, descending: bool = False
) -> Search[M]:
    """What a filter finds, in the order of an attribute, or else of creation.

    Rejected (400) names what in the filter cannot be searched for, and a `sort_by` that nothing can be sorted by.
    """
    plan = planned(table, parse_filter(text) if text is not None else _EVERYBODY)
    sorted_by = _sortable(table, sort_by) if sort_by is not None else None
    query, order = _query(table, plan.shape, sorted_by, descending)
    return Search(query=query, order=order, parameters=plan.values)


def _sortable(table: AttributeTable[Any], name: str) -> Chain:
    chain = table.find(name)
    if chain is not None and chain[-1].sub and (value := chain[-1].named("value")):
        chain = (*chain, value)
    if chain is None or chain[-1].sub or (_column(table, chain) is None and _plural(chain) is None):
        raise Rejected(
            400, f"sortBy: nothing can be sorted by {name!r}; name an attribute with a value.", "invalidValue"
        )
    return chain


@lru_cache(maxsize=512)
def _query(
    table: AttributeTable[M], shape: Filter, sorted_by: Chain | None, descending: bool
) -> tuple[Narrowed[M], Order]:
    """One statement for all searches of one shape."""
    query = narrowed(table.model)
    if shape != _EVERYBODY:
        query = query.where(_condition(table, shape))
    by_creation = table_of(table.model).c.id  # ids sort by time of creation
    if sorted_by is None:
        return query, Order(f"{table.name} by creation", (by_creation,))
    value = _sort_value(table, sorted_by)
    labels: tuple[ColumnElement[Any], ...] = (value.label("order_value"),)  # a moment or a boolean is always there
    if sorted_by[-1].type not in _TYPES or _plural(sorted_by) is not None:
        # RFC 7644, 3.4.2.3: what has no value comes last, and first where the order descends.
        labels = (value.is_(None).label("order_missing"), func.coalesce(value, "").label("order_value"))
    order = Order(f"{table.name} by {spelled(sorted_by)}", (*labels, by_creation), descending=descending)
    return query.with_columns(*labels), order


def _condition(table: AttributeTable[Any], shape: Filter) -> ColumnElement[bool]:
    match shape:
        case Junction("and", parts):
            return and_(true(), *(_condition(table, each) for each in parts))
        case Junction(_, parts):
            return or_(false(), *(_condition(table, each) for each in parts))
        case Not(inner):
            return _opposite(_condition(table, inner))
        case Present(path):
            return _present(table, _found(table, path))
        case Within(path, inner):
            (attribute,) = _found(table, path)
            return _any(table, attribute, lambda value: _value_meets(attribute, inner, value))
        case Compare(path, operator, int(number)):
            return _compares(table, _found(table, path), operator, number)
    raise AssertionError(f"no shape of a filter: {shape}")


def _opposite(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """What a condition does not find, which includes what has no value to compare."""
    return not_(func.coalesce(condition, false()))


def _found(table: AttributeTable[Any], path: str) -> Chain:
    chain = table.find(path)
    assert chain is not None  # noqa: S101 - `planned` refuses what there is not
    return chain


def _plural(chain: Chain) -> Attribute | None:
    """The multi-valued attribute that the chain goes through."""
    return next((each for each in chain[:-1] if each.multi_valued), None)


def _column(table: AttributeTable[Any], chain: Chain) -> ColumnElement[Any] | None:
    name = chain[-1].key or chain[-1].field
    return table_of(table.model).c[name] if name else None


def _any(
    table: AttributeTable[Any], attribute: Attribute, test: Callable[[ColumnElement[Any]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Whether one of the values of a multi-valued attribute passes a test."""
    values = _elements(table, attribute)
    return exists(select(literal_column("1")).select_from(values).where(test(values.c.value)))


def _elements(table: AttributeTable[Any], attribute: Attribute) -> TableValuedAlias:
    assert attribute.field is not None  # noqa: S101 - its list is kept there
    return elements(table_of(table.model).c[attribute.field])


def _part(attribute: Attribute, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return part(value, attribute.name, boolean=attribute.type == "boolean")


def _present(table: AttributeTable[Any], chain: Chain) -> ColumnElement[bool]:
    attribute = chain[-1]
    if plural := _plural(chain):
        return _any(table, plural, lambda value: _part(attribute, value).is_not(None))
    column = _column(table, chain)
    if column is not None:
        return column.is_not(None)
    if attribute.sub:
        return or_(false(), *(_present(table, (*chain, sub)) for sub in attribute.sub))
    return true()  # what is rendered without a column, always is


def _value_meets(attribute: Attribute, shape: Filter, value: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether one value of a multi-valued attribute meets what stands in its brackets."""
    match shape:
        case Junction("and", parts):
            return and_(true(), *(_value_meets(attribute, each, value) for each in parts))
        case Junction(_, parts):
            return or_(false(), *(_value_meets(attribute, each, value) for each in parts))
        case Not(inner):
            return _opposite(_value_meets(attribute, inner, value))
        case Present(name):
            return _part(_sub(attribute, name), value).is_not(None)
        case Compare(name, operator, int(number)):
            sub = _sub(attribute, name)
            return _compared(_part_form(sub, value), operator, _bound(sub, number))
    raise AssertionError(f"nothing that can be in brackets: {shape}")


def _sub(attribute: Attribute, name: str) -> Attribute:
    sub = attribute.named(name)
    assert sub is not None  # noqa: S101 - `planned` refuses what there is not
    return sub


def _compares(table: AttributeTable[Any], chain: Chain, operator: str, number: int) -> ColumnElement[bool]:
    attribute = chain[-1]
    bound = _bound(attribute, number)
    if attribute.holds is not None:
        return attribute.holds(lambda value: _compared(value, operator, bound))
    if plural := _plural(chain):
        return _any(table, plural, lambda value: _compared(_part_form(attribute, value), operator, bound))
    column = _column(table, chain)
    assert column is not None  # noqa: S101 - `planned` refuses what has none
    return _compared(_form(attribute, column), operator, bound)


def _bound(attribute: Attribute, number: int) -> ColumnElement[Any]:
    return bindparam(parameter(number), type_=_TYPES.get(attribute.type, String()))


def _compared(form: ColumnElement[Any], operator: str, bound: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a value in the form to compare compares so with what is bound; NULL where there is none."""
    match operator:
        case "eq":
            test = form == bound
        case "co":
            test = contains(form, bound)
        case "sw":
            test = func.substr(form, 1, func.length(bound)) == bound
        case "ew":
            test = func.substr(form, func.length(form) - func.length(bound) + 1) == bound
        case "gt":
            test = form > bound
        case "ge":
            test = form >= bound
        case "lt":
            test = form < bound
        case _:
            test = form <= bound
    return test


def _part_form(attribute: Attribute, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return _form(attribute, _part(attribute, value))


def _form(attribute: Attribute, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as it is compared: see `Attribute.fold` and `Attribute.plain`, which do the same to what is bound."""
    as_it_is = attribute.case_exact or attribute.key is not None or attribute.type in _TYPES
    return value if as_it_is else func.lower(value)


def _sort_value(table: AttributeTable[Any], chain: Chain) -> ColumnElement[Any]:
    """What to sort by; of several values the primary one, else the first (RFC 7644, 3.4.2.3)."""
    attribute = chain[-1]
    if plural := _plural(chain):
        values = _elements(table, plural)
        value = select(_part(attribute, values.c.value)).select_from(values).limit(1)
        primary = value.where(part(values.c.value, "primary", boolean=True).is_(True))
        return _form(attribute, func.coalesce(primary.scalar_subquery(), value.scalar_subquery()))
    column = _column(table, chain)
    assert column is not None  # noqa: S101 - `_sortable` refuses what has none
    return _form(attribute, column)
