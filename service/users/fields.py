"""What a user is: the fields that a caller may set, and the row that keeps them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NotRequired, Protocol, TypeVar

from annotated_types import Len
from pydantic import AfterValidator, ConfigDict, StringConstraints, ValidationError, with_config
from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel
from typing_extensions import TypedDict

from service.actor import Role
from service.refusals import Invalid, Refused
from service.store.columns import Instant, Json
from service.text import MAX_TEXT, canonical, unstorable

F = TypeVar("F", bound=SQLModel)

MAX_LONG_TEXT = 20_000  # characters of certificates and photos
MAX_VALUES = 100  # of one multi-valued field


class ManagedBy(StrEnum):
    """Who decides about the user: people in the workspace, or its directory."""

    WORKSPACE = "WORKSPACE"
    DIRECTORY = "DIRECTORY"


def _storable(text: str) -> str:
    if why := unstorable(text):
        raise ValueError(why)
    return text


def _says_something(text: str) -> str:
    if not canonical(text).strip():
        raise ValueError("must contain a visible character")
    return text


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_storable)]
LongText = Annotated[str, StringConstraints(max_length=MAX_LONG_TEXT), AfterValidator(_storable)]
Name = Annotated[Text, AfterValidator(_says_something)]


@with_config(ConfigDict(extra="forbid", strict=True))
class Email(TypedDict):
    """An e-mail address; at most one of a user's is `primary`."""

    value: Name
    type: NotRequired[Text]
    display: NotRequired[Text]
    primary: NotRequired[bool]


Plural = dict[Text, LongText | bool]
"""A value of a multi-valued attribute, by the names of RFC 7643's sub-attributes."""

Plurals = Annotated[list[Plural], Len(0, MAX_VALUES)]


class UserFields(SQLModel):
    """What a caller may say about a user: SCIM's core and enterprise schemas. A new field starts here."""

    model_config = ConfigDict(extra="forbid", strict=True)  # type: ignore[assignment]

    user_name: Name
    external_id: Text | None = None
    active: bool = True
    formatted_name: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    middle_name: Text | None = None
    honorific_prefix: Text | None = None
    honorific_suffix: Text | None = None
    display_name: Text | None = None
    nick_name: Text | None = None
    profile_url: Text | None = None
    title: Text | None = None
    user_type: Text | None = None
    preferred_language: Text | None = None
    locale: Text | None = None
    timezone: Text | None = None
    employee_number: Text | None = None
    cost_center: Text | None = None
    organization: Text | None = None
    division: Text | None = None
    department: Text | None = None
    manager_id: Text | None = None
    manager_ref: Text | None = None
    manager_display_name: Text | None = None
    emails: Annotated[list[Email], Len(0, MAX_VALUES)] | None = Field(default=None, sa_type=Json)
    phone_numbers: Plurals | None = Field(default=None, sa_type=Json)
    ims: Plurals | None = Field(default=None, sa_type=Json)
    photos: Plurals | None = Field(default=None, sa_type=Json)
    addresses: Plurals | None = Field(default=None, sa_type=Json)
    entitlements: Plurals | None = Field(default=None, sa_type=Json)
    roles: Plurals | None = Field(default=None, sa_type=Json)
    x509_certificates: Plurals | None = Field(default=None, sa_type=Json)


class User(UserFields, table=True):
    """A user as the store keeps one. Key columns hold the canonical form of the field that they are named after."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "user_name_key", name="user_user_name"),
        Index("user_external_id", "workspace_id", "external_id", "id"),
        Index("user_name_order", "workspace_id", "name_key", "id"),
        Index("user_updated_at", "workspace_id", "updated_at", "id"),
    )

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    user_name_key: str
    name_key: str
    role: str
    managed_by: str
    version: int
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    deactivated_at: datetime | None = Field(default=None, sa_type=Instant)
    deactivated_by: str | None = None
    invitation_expires_at: datetime | None = Field(default=None, sa_type=Instant)  # None: accepted, or there was none


class UserEmail(SQLModel, table=True):
    """An address of a user, by its canonical form, to find the user by. Not unique: RFC 7643 lets people share one."""

    __tablename__ = "user_email"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("user_email_user", "workspace_id", "user_id"),)

    workspace_id: str = Field(primary_key=True)
    value_key: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)


FIELD_NAMES = tuple(UserFields.model_fields)


def user_fields(values: dict[str, Any]) -> UserFields:
    """Checked fields, or Invalid naming the first that cannot be accepted and why."""
    fields = checked(UserFields, values)
    if fields.emails and sum(email.get("primary", False) for email in fields.emails) > 1:
        raise Refused(Invalid("emails", "must not have more than one primary value"))
    return fields


def checked(model: type[F], values: Mapping[str, Any]) -> F:
    """Fields that the model accepts, or Invalid naming the first that it does not and why."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        raise Refused(Invalid(path, _why(first["type"], first["msg"]))) from None


def _why(kind: str, message: str) -> str:
    """Pydantic's message as the end of a sentence that begins with the field."""
    if kind == "missing":
        return "is required"
    for beginning in ("Value error, ", "String ", "Input ", "List "):
        message = message.removeprefix(beginning)
    return message


def fields_of(user: User) -> dict[str, Any]:
    """The settable fields of a user as they are, for a caller that changes some of them."""
    return {name: getattr(user, name) for name in FIELD_NAMES}


class Named(Protocol):
    """What a shown name is made of."""

    user_name: str
    display_name: str | None
    formatted_name: str | None
    given_name: str | None
    family_name: str | None


def shown_name(user: Named) -> str:
    """The name that people see: the display name, else the name's parts, else the userName."""
    return (
        user.display_name
        or user.formatted_name
        or " ".join(part for part in (user.given_name, user.family_name) if part)
        or user.user_name
    )


def addresses(emails: object) -> list[Email]:
    """The e-mail addresses that a row has; whatever else a hand at the database may have put there is passed over."""
    listed: list[Email] = emails if isinstance(emails, list) else []
    return [email for email in listed if isinstance(email, dict) and isinstance(email.get("value"), str)]


def primary_email(user: UserFields) -> str | None:
    """The address that mail goes to: the primary one, else the first, else none."""
    emails = addresses(user.emails)
    for email in emails:
        if email.get("primary"):
            return email["value"]
    return emails[0]["value"] if emails else None


def with_primary_email(emails: list[Email] | None, address: str | None) -> list[Email] | None:
    """The addresses with this one in place of the one that mail goes to; without any where there is none."""
    kept = addresses(emails)
    at = next((at for at, email in enumerate(kept) if email.get("primary")), 0)
    if address is None:
        return [*kept[:at], *kept[at + 1 :]] or None
    old: Email = kept[at] if kept else {"value": address, "type": "work"}
    return [*kept[:at], {**old, "value": address, "primary": True}, *kept[at + 1 :]]


def email_keys(user: UserFields) -> set[str]:
    """The canonical forms of a user's addresses."""
    return {canonical(email["value"]) for email in addresses(user.emails)}


def initial_values(fields: UserFields, role: Role, managed_by: ManagedBy, at: datetime) -> dict[str, Any]:
    """The values of a new user's row, save its id and workspace."""
    return {
        **fields.model_dump(),
        **keys_of(fields),
        "role": role.value,
        "managed_by": managed_by.value,
        "version": 1,
        "created_at": at,
        "updated_at": at,
    }


def keys_of(fields: UserFields) -> dict[str, str]:
    """The canonical columns."""
    return {"user_name_key": canonical(fields.user_name), "name_key": canonical(shown_name(fields))}
