"""Links that are mailed and good once: whoever opens one reads that person's mail."""

from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import Index, bindparam
from sqlmodel import Field, SQLModel

from service.clock import now
from service.ids import new_id
from service.refusals import Invalid, Refused
from service.store.columns import Instant, table_of
from service.tokens import TokenKind, is_well_formed, new_token
from service.unit_of_work import UnitOfWork, narrowed


class Purpose(Enum):
    """What a link is for, and how long it is good."""

    INVITATION = timedelta(days=7)
    NEW_PASSWORD = timedelta(hours=1)


class OneTimeLink(SQLModel, table=True):
    """A link that has not been used. The token is kept as a keyed hash."""

    __tablename__ = "one_time_link"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("one_time_link_token", "workspace_id", "token_hash"),
        Index("one_time_link_user", "workspace_id", "user_id", "purpose"),
    )

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    user_id: str
    purpose: str
    token_hash: str
    expires_at: datetime = Field(sa_type=Instant)


_L = table_of(OneTimeLink)
_BY_HASH = narrowed(OneTimeLink).where(_L.c.token_hash == bindparam("token_hash"), _L.c.purpose == bindparam("purpose"))
_BAD = "is not good any more: ask for a new link"


def new_link(uow: UnitOfWork, user_id: str, purpose: Purpose) -> tuple[str, datetime]:
    """The token of a new link and until when it is good; those that the user had for the same are good no more."""
    uow.delete(OneTimeLink, user_id=user_id, purpose=purpose.name)
    token, expires_at = new_token(TokenKind.LINK), now() + purpose.value
    row = {"token_hash": uow.seal.of(token, TokenKind.LINK), "expires_at": expires_at}
    uow.insert_all(OneTimeLink, [{"id": new_id("link"), "user_id": user_id, "purpose": purpose.name, **row}])
    return token, expires_at


def whose_link(uow: UnitOfWork, token: str, purpose: Purpose) -> str:
    """The id of the user that a link was mailed to, or Invalid("token")."""
    link = None
    if is_well_formed(token, TokenKind.LINK):
        link = uow.first(_BY_HASH, token_hash=uow.seal.of(token, TokenKind.LINK), purpose=purpose.name)
    if link is None or link.expires_at <= now():
        raise Refused(Invalid("token", _BAD))
    return link.user_id


def use_up(uow: UnitOfWork, user_id: str, purpose: Purpose) -> None:
    """Make what was mailed to the user for this good no more."""
    uow.delete(OneTimeLink, user_id=user_id, purpose=purpose.name)
