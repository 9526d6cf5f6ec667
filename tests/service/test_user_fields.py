"""What can be said about a person, what is refused, and that what is accepted is kept."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from service.actor import Role
from service.ids import new_id
from service.refusals import Invalid, Refused
from service.text import MAX_TEXT
from service.users.commands import create_user, update_user
from service.users.fields import (
    MAX_VALUES,
    ManagedBy,
    User,
    UserFields,
    email_keys,
    fields_of,
    initial_values,
    primary_email,
    shown_name,
    user_fields,
)
from service.users.queries import get_user
from service.work import Work
from tests.service.cast import Acme, person

PLURALS = ("phone_numbers", "ims", "photos", "addresses", "entitlements", "roles", "x509_certificates")
SINGULARS = tuple(set(UserFields.model_fields) - {*PLURALS, "user_name", "active", "emails"})

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plural = st.dictionaries(anything, st.one_of(anything, st.booleans()), max_size=3)
email = st.fixed_dictionaries({"value": anything}, optional={"type": anything, "display": anything})
somebody = st.fixed_dictionaries(
    {"user_name": anything},
    optional={
        "active": st.booleans(),
        "emails": st.lists(email, max_size=3) | st.none(),
        **{name: anything | st.none() for name in SINGULARS},
        **{name: st.lists(plural, max_size=3) | st.none() for name in PLURALS},
    },
)


def why_not(**values: Any) -> Invalid:
    """Why these fields are refused."""
    with pytest.raises(Refused) as caught:
        user_fields({"user_name": "bob@acme.example", **values})
    assert isinstance(caught.value.reason, Invalid)
    return caught.value.reason


@pytest.mark.anyio
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(values=somebody)
async def test_what_is_accepted_is_kept_and_read_back_equal(work: Work, acme: Acme, values: dict[str, Any]) -> None:
    try:
        fields = user_fields(values)
    except Refused:
        reject()
    fields = fields.model_copy(update={"user_name": f"{new_id('x')} {fields.user_name}"})
    made = await work.write(acme.alice, create_user, fields)
    read = await work.read(acme.alice, get_user, made.id)
    assert fields_of(read) == fields.model_dump()
    assert user_fields(fields_of(read)) == fields
    again = await work.write(acme.alice, update_user, made.id, lambda now: user_fields(fields_of(now)))
    assert again.version == 1


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164\ufe0f", "\n\t", "\xa0"])
def test_a_user_name_must_show_something(name: str) -> None:
    assert why_not(user_name=name) == Invalid("user_name", "must contain a visible character")


def test_a_user_name_is_required() -> None:
    with pytest.raises(Refused) as caught:
        user_fields({"title": "Baker"})
    assert caught.value.reason == Invalid("user_name", "is required")


@pytest.mark.parametrize("field", ["user_name", "title", "external_id"])
@pytest.mark.parametrize("bad", ["a\x00", "\ud800", "x" * (MAX_TEXT + 1), 1, True, ["a"], {"a": "b"}, b"a"])
def test_a_text_that_is_none_or_cannot_be_kept_is_refused_by_name(field: str, bad: object) -> None:
    assert why_not(**{field: bad}).field == field


@pytest.mark.parametrize("bad", ["true", 1, 0, None, "no"])
def test_whether_somebody_is_active_is_never_guessed(bad: object) -> None:
    assert why_not(active=bad).field == "active"


@pytest.mark.parametrize(
    "emails",
    [
        [{"value": "a@b", "primary": "true"}],
        [{"type": "work"}],
        [{"value": ""}],
        [{"value": "a@b", "color": "red"}],
        ["a@b"],
        "a@b",
        [{"value": "a@b", "primary": True}, {"value": "c@d", "primary": True}],
        [{"value": "a@b"}] * (MAX_VALUES + 1),
    ],
)
def test_addresses_that_cannot_be_are_refused(emails: object) -> None:
    assert why_not(emails=emails).field.startswith("emails")


def test_a_field_that_there_is_not_is_refused() -> None:
    assert why_not(password="hunter2").field == "password"
    assert why_not(role="OWNER").field == "role"
    assert why_not(workspace_id="another").field == "workspace_id"


def test_what_is_refused_is_said_in_a_sentence_that_begins_with_the_field() -> None:
    said = why_not(title="x" * (MAX_TEXT + 1))
    assert said.field == "title"
    assert said.why[0].islower()
    assert "1000" in said.why


def test_the_name_that_people_see() -> None:
    def shown(**more: Any) -> str:
        return shown_name(person("bob@acme.example", **more))

    assert shown(display_name="Bobby", formatted_name="Bob B.", given_name="Bob") == "Bobby"
    assert shown(formatted_name="Bob B.", given_name="Bob") == "Bob B."
    assert shown(given_name="Bob", family_name="Baker") == "Bob Baker"
    assert shown(family_name="Baker") == "Baker"
    assert shown() == "bob@acme.example"


def test_the_address_that_mail_goes_to() -> None:
    home, work = {"value": "Home@Bob.example"}, {"value": "work@acme.example", "primary": True}
    assert primary_email(person("bob", emails=[home, work])) == "work@acme.example"
    assert primary_email(person("bob", emails=[home])) == "Home@Bob.example"
    assert primary_email(person("bob", emails=[])) is None
    assert primary_email(person("bob")) is None
    assert email_keys(person("bob", emails=[home, {"value": "HOME@bob.example"}])) == {"home@bob.example"}


def test_a_new_row_has_every_column_but_its_keys() -> None:
    values = initial_values(person("bob"), Role.MEMBER, ManagedBy.WORKSPACE, datetime.now(UTC))
    missing = set(User.model_fields) - set(values)
    assert missing == {"id", "workspace_id", "deactivated_at", "deactivated_by", "invitation_expires_at"}
