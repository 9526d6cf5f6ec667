"""What a group is: the fields that a caller may set, and the rows that keep it and its members."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict
from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.store.columns import Instant
from service.text import canonical
from service.users.fields import Name, Text, checked


class GroupFields(SQLModel):
    """What a caller may say about a group, its members aside."""

    model_config = ConfigDict(extra="forbid", strict=True)  # type: ignore[assignment]

    display_name: Name
    external_id: Text | None = None


class Group(GroupFields, table=True):
    """A group as the store keeps one. `role` is what its members may do, where an admin has mapped it to a role."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "display_name_key", name="group_display_name"),
        Index("group_external_id", "workspace_id", "external_id", "id"),
        Index("group_updated_at", "workspace_id", "updated_at", "id"),
    )

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    display_name_key: str
    role: str | None = None
    version: int
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class GroupMember(SQLModel, table=True):
    """That a user is in a group."""

    __tablename__ = "group_member"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("group_member_user", "workspace_id", "user_id", "group_id"),)

    workspace_id: str = Field(primary_key=True)
    group_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)


def group_fields(values: dict[str, Any]) -> GroupFields:
    """Checked fields, or Invalid naming the first that cannot be accepted and why."""
    return checked(GroupFields, values)


def group_keys(fields: GroupFields) -> dict[str, str]:
    """The canonical columns."""
    return {"display_name_key": canonical(fields.display_name)}


class MemberAct(StrEnum):
    """What is done with some users: they join, they leave, or they are to be all members there are."""

    ADD = "ADD"
    REMOVE = "REMOVE"
    REPLACE = "REPLACE"


@dataclass(frozen=True)
class MemberChange:
    """One act, and the ids of the users that it is done with."""

    act: MemberAct
    user_ids: tuple[str, ...]


@dataclass(frozen=True)
class NetChange:
    """What some acts come to, one after the other: who joins, and who leaves; `empties`: everybody else does."""

    empties: bool
    joins: tuple[str, ...]
    leaves: tuple[str, ...]

    @classmethod
    def of(cls, changes: Iterable[MemberChange]) -> "NetChange":
        """The outcome of the acts in their order."""
        empties = False
        joins: dict[str, None] = {}
        leaves: dict[str, None] = {}
        for change in changes:
            if change.act is MemberAct.REPLACE:
                empties, joins, leaves = True, {}, {}
            here, there = (leaves, joins) if change.act is MemberAct.REMOVE else (joins, leaves)
            for user_id in change.user_ids:
                here[user_id] = None
                there.pop(user_id, None)
        return cls(empties, tuple(joins), tuple(leaves))
