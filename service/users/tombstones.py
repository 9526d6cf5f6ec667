"""What is left of a deleted person: enough to give them their id, and with it their history, when they come back."""

from datetime import datetime

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.clock import now
from service.ids import new_id
from service.store.columns import Instant, table_of
from service.unit_of_work import UnitOfWork, narrowed
from service.users.fields import User


class UserTombstone(SQLModel, table=True):
    """A deleted person whom the directory had an id for."""

    __tablename__ = "user_tombstone"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("user_tombstone_external_id", "workspace_id", "external_id"),)

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    external_id: str
    version: int
    deleted_at: datetime = Field(sa_type=Instant)


_BY_EXTERNAL_ID = narrowed(UserTombstone).where(table_of(UserTombstone).c.external_id == bindparam("external_id"))


def bury(uow: UnitOfWork, user: User) -> None:
    """Keep what it takes to know a deleted person again; who has no externalId is not known again."""
    if user.external_id is not None:
        row = {"id": user.id, "external_id": user.external_id, "version": user.version, "deleted_at": now()}
        uow.insert_all(UserTombstone, [row])


def identity_of(uow: UnitOfWork, external_id: str | None) -> tuple[str, int]:
    """The id and the version that a new person begins with: those of whoever had this externalId and was deleted, one
    version on, or else new ones."""
    before = uow.first(_BY_EXTERNAL_ID, external_id=external_id) if external_id is not None else None
    if before is None:
        return new_id("usr"), 1
    uow.delete(UserTombstone, id=before.id)
    return before.id, before.version + 1
