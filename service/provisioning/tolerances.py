"""Which tolerances each key's identity provider has needed, so that a workspace knows whether it can be strict.

Kept beside the provisioning log and longer than it: one row for each key and tolerance.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Field, SQLModel

from service.actor import Permission
from service.api_keys import ApiKey
from service.clock import now
from service.store.columns import Instant, table_of
from service.unit_of_work import UnitOfWork, narrowed

LOOKS_BACK = timedelta(days=30)  # an identity provider that goes over everybody does so more often


class ToleranceUse(SQLModel, table=True):
    """That a key's requests needed a tolerance, how often and when last. The id is the key's and the tolerance's."""

    __tablename__ = "tolerance_use"  # pyright: ignore[reportAssignmentType]

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    api_key_id: str
    api_key_name: str
    tolerance: str
    times: int
    first_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)


@dataclass(frozen=True)
class StrictReadiness:
    """What stands against strictness: `blocking` are uses of `LOOKS_BACK` by keys that still open the door."""

    uses: list[ToleranceUse]
    blocking: list[ToleranceUse]


_USE, _KEY = table_of(ToleranceUse), table_of(ApiKey)
_ALL = narrowed(ToleranceUse).order_by(_USE.c.last_at.desc(), _USE.c.id)
_BY_ID = narrowed(ToleranceUse).where(_USE.c.id == bindparam("id"))
_KEYS_IN_USE = narrowed(ApiKey).where(
    _KEY.c.revoked_at.is_(None), _KEY.c.expires_at.is_(None) | (_KEY.c.expires_at > bindparam("at"))
)


def note_tolerances(uow: UnitOfWork, used: Iterable[tuple[str, str, str]]) -> None:
    """Add uses, each a key's id and name and a tolerance, to what is known."""
    for (key_id, key_name, tolerance), times in sorted(Counter(used).items()):
        id_, at = f"{key_id}:{tolerance}", now()
        uow.claim(f"use of {id_}")
        known = uow.first(_BY_ID, id=id_)
        if known is not None:
            uow.keep(ToleranceUse, id_, {"times": known.times + times, "last_at": at, "api_key_name": key_name})
            continue
        row = {"api_key_id": key_id, "api_key_name": key_name, "tolerance": tolerance, "times": times}
        uow.log(ToleranceUse, [{"id": id_, **row, "first_at": at, "last_at": at}])


def strict_readiness(uow: UnitOfWork) -> StrictReadiness:
    """What was needed, the latest first, and what of it strictness would refuse today."""
    uow.demand(Permission.PROVISIONING_READ)
    at = now()
    uses, keys = uow.all(_ALL), {key.id for key in uow.all(_KEYS_IN_USE, at=at)}
    return StrictReadiness(uses, [use for use in uses if use.api_key_id in keys and use.last_at > at - LOOKS_BACK])
