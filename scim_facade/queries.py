"""A filter as a query over the store's columns, with bound parameters.

What can be found is said by the attributes' rows (`equals`): `eq` on those, joined by `and`. Everything else is a
400 that names it: never every user, never silently none.
"""

from functools import lru_cache

from sqlalchemy import bindparam

from scim_facade.attributes import Attribute, spelled
from scim_facade.filters import Compare, Filter, Junction, Within, invalid, parse_filter
from scim_facade.user_attributes import USER
from service.store.columns import table_of
from service.unit_of_work import Narrowed, narrowed
from service.users.fields import User

_MAX_TERMS = 20
_IN_ORDER = narrowed(User).order_by(table_of(User).c.id)  # ids sort by time of creation: a stable total order
_FINDABLE = "userName, externalId, id and emails.value"


def query_of(text: str | None) -> tuple[Narrowed[User], dict[str, object]]:
    """The query that a filter means, in order of creation, and its parameters."""
    if text is None:
        return _IN_ORDER, {}
    terms = list(_terms(parse_filter(text), ""))
    if len(terms) > _MAX_TERMS:
        raise invalid(f"it joins more than {_MAX_TERMS} conditions")
    names = tuple(spelling for spelling, _ in terms)
    return _query(names), {f"value_{number}": value for number, (_, value) in enumerate(terms)}


@lru_cache(maxsize=256)
def _query(names: tuple[str, ...]) -> Narrowed[User]:
    """One statement for all filters of one shape."""
    query = _IN_ORDER
    for number, name in enumerate(names):
        chain = USER.find(name)
        assert chain is not None and chain[-1].equals is not None  # noqa: S101, PT018 - `_terms` found it
        query = query.where(chain[-1].equals.condition(bindparam(f"value_{number}")))
    return query


def _terms(tree: Filter, within: str) -> list[tuple[str, str]]:
    match tree:
        case Junction("and", parts):
            return [term for part in parts for term in _terms(part, within)]
        case Within(path, inner):
            return _terms(inner, f"{path}.")
        case Compare(path, "eq", value):
            name, attribute = _findable(within + path)
            if not isinstance(value, str):
                raise invalid(f"{name} is compared with a text in double quotes")
            assert attribute.equals is not None  # noqa: S101 - `_findable` made sure
            return [(name, attribute.equals.fold(value))]
        case Compare(path, operator):
            raise invalid(f"{within}{path} can be found with eq, not with {operator}")
        case _:
            raise invalid(f"only eq on {_FINDABLE}, joined by and, can be found")


def _findable(path: str) -> tuple[str, Attribute]:
    chain = USER.find(path)
    if chain is None:
        raise invalid(f"{path} is no attribute of a User")
    attribute = chain[-1]
    if attribute.multi_valued and (value := attribute.named("value")):
        chain, attribute = (*chain, value), value  # RFC 7644, 3.4.2.2: `emails eq` means emails.value
    if attribute.equals is None:
        raise invalid(f"{spelled(chain)} cannot be searched; eq on {_FINDABLE} can")
    return spelled(chain), attribute
