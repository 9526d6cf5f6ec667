"""A filter, checked against a table of attributes and freed of its values: its shape, which one statement serves.

`planned` refuses with 400 invalidFilter whatever is no attribute, has no such operator or is compared with a value of
another type, and names it: a filter never finds everybody or nobody for want of being understood.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scim_facade.attributes import AttributeTable, Chain, spelled
from scim_facade.filters import Compare, Filter, Junction, Not, Present, Scalar, Within, invalid
from scim_facade.values import BOOLEANS

MAX_TERMS = 50
_MILLISECOND = timedelta(milliseconds=1)
_ALWAYS, _NEVER = Junction("and", ()), Junction("or", ())
_EVERY = frozenset({"eq", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_EQUAL = frozenset({"eq"})
_OPERATORS = {
    "boolean": _EQUAL,
    "binary": _EQUAL,
    "dateTime": frozenset({"eq", "gt", "ge", "lt", "le"}),
}

_FOUND_BY_VALUE = '{0} cannot be searched; {1} can, as {1}[value eq "…"]'

Find = Callable[[str], Chain]


@dataclass(frozen=True)
class Planned:
    """A filter's shape, in which a value is the number of its parameter, and the parameters by name."""

    shape: Filter
    values: dict[str, object]


def parameter(number: int) -> str:
    """The name of a value's parameter."""
    return f"value_{number}"


def planned(table: AttributeTable[Any], tree: Filter) -> Planned:
    """The filter as it can be searched for; `ne` has become the opposite of `eq`, and null that of `pr`."""
    plan = _Plan(table)
    shape = plan.of(tree, plan.find)
    return Planned(shape, {parameter(number): value for number, value in enumerate(plan.values)})


class _Plan:
    """A plan under way, and the values so far."""

    def __init__(self, table: AttributeTable[Any]) -> None:
        self.values: list[object] = []
        self._table = table
        self._terms = 0

    def find(self, path: str) -> Chain:
        """The attribute that a path outside of brackets means."""
        chain = self._table.find(path)
        if chain is None:
            raise invalid(f"{path} is no attribute of a {self._table.name}")
        return chain

    def of(self, tree: Filter, find: Find, *, inside: bool = False) -> Filter:
        """The shape of a filter whose paths mean what `find` finds; `inside` the brackets of a multi-valued one."""
        match tree:
            case Junction(word, parts):
                return Junction(word, tuple(self.of(part, find, inside=inside) for part in parts))
            case Not(inner):
                return Not(self.of(inner, find, inside=inside))
            case Present(path):
                self._count()
                return self._present(find(path))
            case Within(path, inner):
                return self._within(find(path), inner, inside=inside)
            case Compare(path, operator, value):
                self._count()
                return self._compare(find(path), operator, value, inside=inside)

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise invalid(f"it joins more than {MAX_TERMS} conditions")

    def _present(self, chain: Chain) -> Filter:
        if any(attribute.holds and attribute.sub for attribute in chain):
            raise invalid(_FOUND_BY_VALUE.format(spelled(chain), spelled(chain[:1])))
        return Present(spelled(chain))

    def _within(self, chain: Chain, inner: Filter, *, inside: bool) -> Filter:
        attribute, name = chain[-1], spelled(chain)
        if not attribute.sub:
            raise invalid(f"{name} has no parts to put in brackets")

        def below(path: str) -> Chain:
            sub = attribute.named(path)
            if sub is None:
                raise invalid(f"{attribute.below(name, path)} is no attribute of a {self._table.name}")
            return (sub,) if attribute.multi_valued else (*chain, sub)

        if not attribute.multi_valued:
            return self.of(inner, below, inside=inside)
        if attribute.holds is not None:
            return self._held(chain, inner)
        shape = Within(name, self.of(inner, below, inside=True))
        value = attribute.named("value")
        if value is not None and value.holds is not None:  # which an index finds, before the brackets look closer
            shapes = [self._compare((*chain, value), "eq", wanted, inside=False) for wanted in _equal_to_value(inner)]
            return Junction("and", (*shapes, shape)) if shapes else shape
        return shape

    def _held(self, chain: Chain, inner: Filter) -> Filter:
        """Values that are kept in a table of their own are found by `value` alone."""
        match inner:
            case Compare(path, operator, value) if path.lower() == "value":
                self._count()
                return self._compare(chain, operator, value, inside=False)
        named = inner.path if isinstance(inner, Compare | Present) else ""
        what = chain[-1].below(spelled(chain), named) if named else spelled(chain)
        raise invalid(_FOUND_BY_VALUE.format(what, spelled(chain)))

    def _compare(self, chain: Chain, operator: str, value: Scalar, *, inside: bool) -> Filter:
        if operator == "ne":
            return Not(self._compare(chain, "eq", value, inside=inside))
        chain = _with_value(chain)
        if len(chain) > 1 and chain[-2].holds is not None:
            return self._held(chain[:-1], Compare(chain[-1].name, operator, value))
        name = spelled(chain)
        if value is None:
            if operator != "eq":
                raise invalid(f"{name} can be compared with null by eq and ne only")
            return Not(Present(name))
        if name == "meta.resourceType":
            return self._resource_type(operator, value)
        return self._compare_value(chain, operator, value, inside=inside)

    def _compare_value(self, chain: Chain, operator: str, value: Scalar, *, inside: bool) -> Filter:
        attribute, name = chain[-1], spelled(chain)
        in_list = inside or any(each.multi_valued for each in chain[:-1])
        if attribute.field is None and attribute.holds is None and not in_list:
            raise invalid(f"{name} cannot be searched")
        allowed = _EVERY if attribute.holds is None or in_list else _EQUAL
        allowed &= _OPERATORS.get(attribute.type, _EVERY)
        if operator not in allowed:
            raise invalid(f"{name} can be compared with {', '.join(sorted(allowed | {'ne'}))}, not with {operator}")
        if attribute.type == "dateTime":
            return self._moment(name, operator, value)
        if attribute.type == "boolean":
            return Compare(name, operator, self._slot(_boolean(name, value)))
        if not isinstance(value, str):
            raise invalid(f"{name} is compared with a text in double quotes")
        has_key = attribute.key is not None or (attribute.holds is not None and not inside)
        fold = attribute.fold if has_key else attribute.plain
        return Compare(name, operator, self._slot(fold(value)))

    def _resource_type(self, operator: str, value: Scalar) -> Filter:
        if operator != "eq":
            raise invalid("meta.resourceType can be compared with eq and ne only")
        return _ALWAYS if value == self._table.name else _NEVER

    def _moment(self, name: str, operator: str, value: Scalar) -> Filter:
        """Moments are shown to the millisecond, and so they are compared."""
        moment = _read_moment(name, value)
        floor = moment - timedelta(microseconds=moment.microsecond % 1_000)
        ceiling = floor if floor == moment else floor + _MILLISECOND
        match operator:
            case "ge" | "lt":
                return Compare(name, operator, self._slot(ceiling))
            case "gt":
                return Compare(name, "ge", self._slot(floor + _MILLISECOND))
            case "le":
                return Compare(name, "lt", self._slot(floor + _MILLISECOND))
        if floor != moment:
            return _NEVER
        from_here, to_here = (
            Compare(name, "ge", self._slot(floor)),
            Compare(name, "lt", self._slot(floor + _MILLISECOND)),
        )
        return Junction("and", (from_here, to_here))

    def _slot(self, value: object) -> int:
        self.values.append(value)
        return len(self.values) - 1


def _with_value(chain: Chain) -> Chain:
    """RFC 7644, 3.4.2.2: `emails eq` compares `emails.value`."""
    attribute = chain[-1]
    if not attribute.sub or attribute.holds is not None:
        return chain
    value = attribute.named("value")
    if value is None:
        raise invalid(f"{spelled(chain)} has parts: say which, such as {spelled((*chain, attribute.sub[0]))}")
    return (*chain, value)


def _equal_to_value(inner: Filter) -> list[str]:
    """What `value` must equal for a filter in brackets to be met."""
    match inner:
        case Compare(path, "eq", str() as wanted) if path.lower() == "value":
            return [wanted]
        case Junction("and", parts):
            return [wanted for part in parts for wanted in _equal_to_value(part)]
        case _:
            return []


def _boolean(name: str, value: Scalar) -> bool:
    read = BOOLEANS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(read, bool):
        raise invalid(f"{name} is compared with true or false")
    return read


def _read_moment(name: str, value: Scalar) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-01") else None
        if moment is not None:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid(f'{name} is compared with a moment such as "2026-11-25T08:00:00Z"')
