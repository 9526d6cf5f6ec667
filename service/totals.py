"""How many rows a workspace has of what its lists show whole: kept, because counting them grows with their number.

Every transaction that adds or removes such rows changes one of some numbers by the difference, as its last statement;
their sum is the total. There are several so that transactions seldom wait for each other.
"""

import random
from functools import cache

from sqlalchemy import Select, bindparam, func, select, update
from sqlmodel import Field, SQLModel

from service.store.columns import table_of

KEPT = frozenset({"user"})
"""The tables whose rows are counted."""

_NUMBERS = 16


class Total(SQLModel, table=True):
    """One of the numbers. Its id is the counted table's name and a digit; it may be below zero."""

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    number: int


_T = table_of(Total)

CHANGE = (
    update(_T)
    .where(_T.c.workspace_id == bindparam("of_workspace"), _T.c.id == bindparam("of_id"))
    .values(number=_T.c.number + bindparam("more"))
)
"""Change a number by `more`."""


@cache
def total_of(table: str) -> Select[tuple[int]]:
    """How many rows of a table a workspace has."""
    mine = (_T.c.workspace_id == bindparam("of_workspace")) & _T.c.id.like(f"{table} %")
    return select(func.coalesce(func.sum(_T.c.number), 0)).where(mine)


def one_of(table: str) -> str:
    """The id of any of the numbers that count a table's rows."""
    return f"{table} {random.randrange(_NUMBERS)}"  # noqa: S311 - spreads, protects nothing
