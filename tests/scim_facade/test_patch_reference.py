"""PATCH against a plain reading of RFC 7644, 3.5.2, and documents that come back as they were sent."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scim_facade.messages import Rejected
from scim_facade.patch import patched
from scim_facade.tolerances import Tolerances
from scim_facade.user_attributes import ENTERPRISE, USER
from service.actor import Role
from service.clock import now
from service.refusals import Refused
from service.users.fields import ManagedBy, User, initial_values, user_fields

Document = dict[str, Any]

FORGIVING = Tolerances(strict=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8).filter(str.strip)
KINDS = st.sampled_from(["work", "home", "other"])
VALUES = st.lists(
    st.fixed_dictionaries({"value": TEXTS, "type": KINDS}, optional={"display": TEXTS}),
    max_size=3,
    unique_by=lambda value: str(value["type"]),
)
SINGLE = ("title", "displayName", "nickName", "externalId", "userType")
PARTS = ("givenName", "familyName", "middleName")
BOB = {"id": "usr_1", "userName": "bob", "active": True, "meta": {"version": 'W/"1"'}, "schemas": [USER.urn]}


@st.composite
def people(draw: st.DrawFn) -> Document:
    """A user as it is rendered: nothing that is empty."""
    bob: Document = copy.deepcopy(BOB)
    bob |= draw(st.fixed_dictionaries({}, optional=dict.fromkeys(SINGLE, TEXTS)))
    for name, parts in (("name", PARTS), (ENTERPRISE, ("department", "division"))):
        if value := draw(st.fixed_dictionaries({}, optional=dict.fromkeys(parts, TEXTS))):
            bob[name] = value
    for name in ("emails", "phoneNumbers"):
        if values := draw(VALUES):
            bob[name] = values
    return bob


@st.composite
def operations(draw: st.DrawFn) -> Document:
    """An operation whose meaning the RFC fixes."""
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    plural = draw(st.sampled_from(["emails", "phoneNumbers"]))
    kind = draw(st.sampled_from(["single", "part", "extension", "plural", "filtered", "filtered part", "no path"]))
    if kind == "no path":
        value = draw(st.fixed_dictionaries({}, optional={**dict.fromkeys(SINGLE, TEXTS), "emails": VALUES}))
        return {"op": draw(st.sampled_from(["add", "replace"])), "value": value}
    path = {
        "single": draw(st.sampled_from(SINGLE)),
        "part": f"name.{draw(st.sampled_from(PARTS))}",
        "extension": f"{ENTERPRISE}:department",
        "plural": plural,
        "filtered": f'{plural}[type eq "{draw(KINDS)}"]',
        "filtered part": f'{plural}[type eq "{draw(KINDS)}"].display',
    }[kind]
    if kind == "filtered" or op == "remove":
        return {"op": "remove", "path": path}
    return {"op": op, "path": path, "value": draw(VALUES if kind == "plural" else TEXTS)}


def reference(document: Document, operation: Document) -> None:  # noqa: C901 - a branch for each kind
    """Do one operation as the RFC tells it, with no regard to how the service does."""
    if "path" not in operation:
        for name, value in operation["value"].items():
            reference(document, {"op": operation["op"], "path": name, "value": value})
        return
    op, path, value = operation["op"], operation["path"], operation.get("value")
    if "[" in path:
        name, _, rest = path.partition("[")
        kind, part = rest.split('"')[1], rest.partition("].")[2]
        values = document.get(name, [])
        if not part:
            document[name] = [each for each in values if each["type"] != kind]
        elif op == "remove":
            for each in values:
                if each["type"] == kind:
                    each.pop(part, None)
        else:
            chosen = [each for each in values if each["type"] == kind] or [{"type": kind}]
            for each in chosen:
                each[part] = value
            document[name] = values + [each for each in chosen if each not in values]
    elif path in ("emails", "phoneNumbers"):
        kept = document.get(path, []) if op == "add" else []
        document[path] = kept + [each for each in value or [] if each not in kept]
    else:
        target = document
        if path.startswith(ENTERPRISE):
            target, path = document.setdefault(ENTERPRISE, {}), path.rpartition(":")[2]
        elif "." in path:
            target, path = document.setdefault("name", {}), path.partition(".")[2]
        if op == "remove":
            target.pop(path, None)
        else:
            target[path] = value


def without_empty(document: Document) -> Document:
    """A document as it is stored: nothing that is empty (RFC 7643, 2.5)."""
    return {name: value for name, value in document.items() if value not in ({}, [], None)}


@given(people(), st.lists(operations(), max_size=5))
def test_a_patch_does_what_a_reading_of_the_rfc_does(bob: Document, chosen: list[Document]) -> None:
    expected, before = copy.deepcopy(bob), copy.deepcopy(bob)
    for operation in chosen:
        reference(expected, operation)
    after = patched(bob, {"Operations": chosen}, USER, FORGIVING)
    assert without_empty(after) == without_empty(expected)
    assert bob == before


@given(people(), st.lists(operations(), max_size=3), st.lists(operations(), max_size=2))
def test_a_patch_with_one_bad_operation_does_nothing(
    bob: Document, chosen: list[Document], more: list[Document]
) -> None:
    before = copy.deepcopy(bob)
    bad = {"op": "replace", "path": "nonsense", "value": "x"}
    try:
        patched(bob, {"Operations": [*chosen, bad, *more]}, USER, FORGIVING)
    except Rejected as rejected:
        assert rejected.scim_type == "invalidPath"  # noqa: PT017 - what comes of it otherwise is an error
    else:
        raise AssertionError("it was accepted")
    assert bob == before


@given(people())
def test_what_is_rendered_parses_and_renders_as_it_was(bob: Document) -> None:
    def rendered(document: Document) -> Document | None:
        try:
            fields = user_fields(USER.parse(document, FORGIVING))
        except Refused:
            return None
        row = {"id": "usr_1", "workspace_id": "wsp_1", "deactivated_at": None, "deactivated_by": None}
        row["invitation_expires_at"] = None
        values = row | initial_values(fields, Role.MEMBER, ManagedBy.DIRECTORY, at)
        columns = [column.key for column in User.__table__.columns]  # type: ignore[attr-defined]
        return USER.render(tuple(values[name] for name in columns), "https://acme.example/1")  # type: ignore[arg-type]

    at = now()
    once = rendered(bob)
    if once is not None:  # whitespace alone is no address
        assert rendered(once) == once
        assert {name: value for name, value in once.items() if name not in ("meta", "schemas")} == {
            name: value for name, value in bob.items() if name not in ("meta", "schemas")
        }
