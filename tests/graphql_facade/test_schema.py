"""The schema as a published contract: printed, described throughout, and of one shape."""

import re
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    find_breaking_changes,
    get_introspection_query,
    get_named_type,
    is_specified_scalar_type,
    lexicographic_sort_schema,
    print_schema,
)
from graphql.utilities import build_client_schema

from graphql_facade.schema import printed_schema
from tests.graphql_facade.browser import PRINTED, SCHEMA, Browser

OWN_TYPES = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
OBJECTS = {name: type_ for name, type_ in OWN_TYPES.items() if isinstance(type_, GraphQLObjectType)}
assert SCHEMA.query_type
assert SCHEMA.mutation_type
MUTATIONS = SCHEMA.mutation_type.fields


def interfaces(type_: GraphQLObjectType) -> set[str]:
    """The names of a type's interfaces."""
    return {interface.name for interface in type_.interfaces}


def described() -> Iterator[tuple[str, str | None]]:
    """Everything that must say what it is, and what it says."""
    for name, type_ in OWN_TYPES.items():
        yield name, type_.description
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", each.description) for value, each in type_.values.items())
        elif isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", each.description) for field, each in type_.fields.items())
        elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, each in type_.fields.items():
                yield f"{name}.{field}", each.description
                yield from ((f"{name}.{field}({arg}:)", what.description) for arg, what in each.args.items())


def test_the_printed_schema_is_the_one_that_is_served() -> None:
    assert printed_schema() == PRINTED.read_text(), "run `make schema`, and name what breaks clients in CHANGELOG.md"


def test_what_the_server_says_of_itself_is_the_printed_schema(alice: Browser) -> None:
    query = get_introspection_query(descriptions=False)
    served = build_client_schema(alice.ask(query))  # type: ignore[arg-type]
    names = {name for name in served.type_map if not name.startswith("__")}
    assert names >= OWN_TYPES.keys()
    assert print_schema(lexicographic_sort_schema(served)).count("\ntype ") == len(OBJECTS)


def test_everything_says_what_it_is() -> None:
    said = dict(described())
    assert len(said) > 250
    assert [name for name, description in said.items() if not (description or "").strip()] == []


def test_descriptions_are_sentences() -> None:
    assert [name for name, description in described() if description and not description.endswith(".")] == []


def test_a_subscription_takes_nothing_and_gives_one_thing() -> None:
    assert SCHEMA.subscription_type
    fields = SCHEMA.subscription_type.fields
    assert {name: (str(field.type), field.args) for name, field in fields.items()} == {
        "provisioningEvent": ("ProvisioningEvent!", {}),
        "userChanged": ("User!", {}),
    }


WITHOUT_SESSION = ("signIn", "passwordForgotten", "passwordSet", "invitationAccept")


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_takes_one_input_and_answers_with_a_payload_or_errors(name: str) -> None:
    mutation, capital = MUTATIONS[name], name[0].upper() + name[1:]
    taken = {argument: str(each.type) for argument, each in mutation.args.items()}
    assert taken in ({}, {"input": f"{capital}Input!"})
    assert isinstance(mutation.type, GraphQLNonNull)
    result = get_named_type(mutation.type)
    assert isinstance(result, GraphQLUnionType)
    assert result.name == f"{capital}Result"
    payload, *errors = result.types
    assert payload.name.endswith("Payload")
    assert "Error" not in interfaces(payload)
    assert errors
    assert all("Error" in interfaces(error) for error in errors)
    names = {error.name for error in errors}
    assert "Busy" in names
    assert "Unauthenticated" in names or name in WITHOUT_SESSION
    if "id" in getattr(SCHEMA.type_map.get(f"{capital}Input"), "fields", {}):
        assert names >= {"NotFound", "Forbidden"}


def test_an_error_is_known_by_its_interface_and_has_a_code() -> None:
    errors = [type_ for type_ in OBJECTS.values() if "Error" in interfaces(type_)]
    codes = OWN_TYPES["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    spelled = {"".join(f"_{c}" if c.isupper() else c.upper() for c in error.name).lstrip("_") for error in errors}
    # FLAG_OFF is a code of `errors` alone: no mutation is refused with it.
    assert spelled == codes.values.keys() - {"FLAG_OFF"}


def test_whatever_has_an_id_of_its_own_is_a_node() -> None:
    # What the log keeps of actors and targets is no longer the thing itself, and support sees less of a workspace.
    without = {"AuditActor", "AuditTarget", "SupportedWorkspace"}
    with_id = {name for name, type_ in OBJECTS.items() if "id" in type_.fields} - without
    assert with_id == {name for name, type_ in OBJECTS.items() if "Node" in interfaces(type_)}


def test_every_list_that_can_grow_is_a_connection() -> None:
    connections = {name for name in OBJECTS if name.endswith("Connection")}
    lists = {
        get_named_type(field.type).name: field
        for type_ in OBJECTS.values()
        for field in type_.fields.values()
        if get_named_type(field.type).name in connections
    }
    assert lists.keys() == connections
    for name, field in lists.items():
        assert list(field.args)[:4] == ["first", "after", "last", "before"]
        shape = {each: str(what.type) for each, what in OBJECTS[name].fields.items()}
        node = name.removesuffix("Connection")
        assert shape == {
            "nodes": f"[{node}!]!",
            "edges": f"[{node}Edge!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int!",
        }
        assert {each: str(what.type) for each, what in OBJECTS[f"{node}Edge"].fields.items()} == {
            "cursor": "String!",
            "node": f"{node}!",
        }


def test_a_secret_is_in_one_answer_and_passwords_and_tokens_in_questions_only() -> None:
    fields = {
        f"{name}.{field}"
        for name, type_ in OWN_TYPES.items()
        for field in getattr(type_, "fields", ())
        if any(word in field.lower() for word in ("secret", "password", "token", "hash"))
    }
    assert fields == {
        "ApiKeyCreatePayload.secret",
        "Mutation.passwordChange",
        "Mutation.passwordForgotten",
        "Mutation.passwordSet",
        *("SignInInput.password", "ReauthenticateInput.password"),
        *("InvitationAcceptInput.password", "InvitationAcceptInput.token"),
        *("PasswordSetInput.password", "PasswordSetInput.token"),
        *("PasswordChangeInput.currentPassword", "PasswordChangeInput.newPassword"),
    }


CHANGELOG = (PRINTED.parents[1] / "CHANGELOG.md").read_text()
RELEASED = build_schema((PRINTED.parent / "released.graphql").read_text())


def unnamed_breaks(released: GraphQLSchema, now: GraphQLSchema, changelog: str) -> list[str]:
    """What breaks clients of a released schema and is not named in the changelog, as `Type` or `Type.field`."""
    named = set(re.findall(r"`([\w.]+)`", changelog.partition("## Unreleased")[2].partition("\n## ")[0]))
    breaks = [change.description for change in find_breaking_changes(released, now)]
    return [each for each in breaks if named.isdisjoint(re.findall(r"\b[A-Z]\w*(?:\.\w+)?", each))]


def test_what_breaks_clients_is_named_in_the_changelog() -> None:
    assert unnamed_breaks(RELEASED, SCHEMA, CHANGELOG) == [], "name `Type.field` under Unreleased, or do not break it"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("  lockedFields: [String!]!\n", "", "User.lockedFields"),
        ("  lockedFields: [String!]!", "  lockedFields: [String!]", "User.lockedFields"),
        ("  lockedFields: [String!]!", "  lockedFields: [Int!]!", "User.lockedFields"),
        ("input SignInInput {", "input SignInInput {\n  code: String!", "SignInInput.code"),
        ("enum Plan {", "enum Plan {\n  FREE", ""),
        ("  PREMIUM\n", "", "Plan.PREMIUM"),
        ("  nodes: [User!]!", "", "UserConnection.nodes"),
    ],
)
def test_a_break_that_nobody_names_is_noticed(old: str, new: str, name: str) -> None:
    text = re.sub(r'"""[\s\S]*?"""\n', "", PRINTED.read_text())  # a field may go, and what describes it would stay
    assert old in text
    changed = build_schema(text.replace(old, new))
    noticed = unnamed_breaks(SCHEMA, changed, "## Unreleased\n\n- nothing\n")
    assert bool(noticed) is bool(name)
    assert unnamed_breaks(SCHEMA, changed, f"## Unreleased\n\n- `{name}` is gone\n") == []
    assert bool(unnamed_breaks(SCHEMA, changed, f"## Unreleased\n\n## 1.0\n\n- `{name}` is gone\n")) is bool(name)


def test_what_is_deprecated_says_until_when_and_what_to_use() -> None:
    deprecated = {
        f"{name}.{field}": each.deprecation_reason
        for name, type_ in OWN_TYPES.items()
        for field, each in getattr(type_, "fields", getattr(type_, "values", {})).items()
        if each.deprecation_reason
    }
    shape = re.compile(r"\d{4}-\d\d-\d\d: use `\w+`.*\.")
    assert [name for name, reason in deprecated.items() if not shape.fullmatch(reason)] == []
