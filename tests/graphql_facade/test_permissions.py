"""Who may do what: a row for every field that asks for something, a column for every role.

A new field, mutation, node, id argument or way to the workspace that stands in no table here makes a test fail.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from graphql_facade.schema import make_schema
from graphql_facade.spelling import camel_case
from service.actor import Role
from tests.graphql_facade.browser import SCHEMA, SIGN_OUT, Browser, Data, browser, nothing_happens, signed_in
from tests.graphql_facade.conftest import Cast
from tests.stage import PASSWORD, Tenant

YES, OUT = "allowed", "UNAUTHENTICATED"


@dataclass(frozen=True)
class Row:
    """What each role gets: `YES`, `OUT`, or the permission that it lacks."""

    owner: str = YES
    admin: str = YES
    member: str = YES
    nobody: str = OUT


def admins(permission: str) -> Row:
    """For owners and admins."""
    return Row(member=permission)


SIGNED_IN = Row()
ANYBODY = Row(nobody=YES)
SUPPORT = Row(*3 * ("WORKSPACES_SUPPORT",))  # what staff get: test_support.py
LINKED = Row(*4 * ("INVALID_INPUT",))  # for whoever has the link: test_accounts.py

TABLE = {
    "Query.viewer": SIGNED_IN,
    "Query.node": SIGNED_IN,
    "Query.rateLimit": ANYBODY,
    "Query.workspace": SUPPORT,
    "Viewer.user": SIGNED_IN,
    "Viewer.session": SIGNED_IN,
    "Viewer.workspace": SIGNED_IN,
    "Viewer.permissions": SIGNED_IN,
    "Viewer.apiKeys": SIGNED_IN,
    "Viewer.sessions": SIGNED_IN,
    "Workspace.id": SIGNED_IN,
    "Workspace.name": SIGNED_IN,
    "Workspace.subdomain": SIGNED_IN,
    "Workspace.plan": SIGNED_IN,
    "Workspace.flags": admins("FLAGS_READ"),
    "Workspace.provisioning": SIGNED_IN,
    "Workspace.users": SIGNED_IN,
    "Workspace.groups": SIGNED_IN,
    **{f"Group.{name}": SIGNED_IN for name in ("id", "displayName", "externalId", "role", "createdAt", "updatedAt")},
    "Group.members": SIGNED_IN,
    "User.groups": SIGNED_IN,
    "User.lastProvisioningEvent": admins("PROVISIONING_READ"),
    "Workspace.sessions": admins("USERS_WRITE"),
    "Workspace.apiKeys": admins("API_KEYS_READ"),
    "Workspace.auditEvents": admins("AUDIT_READ"),
    "Provisioning.baseUrl": SIGNED_IN,
    "Provisioning.enabled": admins("FLAGS_READ"),
    "Provisioning.events": admins("PROVISIONING_READ"),
    "Provisioning.conflicts": admins("PROVISIONING_READ"),
    "Provisioning.breaker": admins("PROVISIONING_READ"),
    "Provisioning.settings": admins("PROVISIONING_READ"),
    "Provisioning.pause": SIGNED_IN,
    "Provisioning.strictReadiness": admins("PROVISIONING_READ"),
    "Mutation.signIn": ANYBODY,
    "Mutation.signOut": SIGNED_IN,
    "Mutation.reauthenticate": SIGNED_IN,
    "Mutation.passwordChange": Row(*3 * ("INVALID_CREDENTIALS",)),  # the right one would sign the cast out
    "Mutation.passwordForgotten": ANYBODY,
    "Mutation.passwordSet": LINKED,
    "Mutation.invitationAccept": LINKED,
    "Mutation.userInvite": admins("USERS_WRITE"),
    "Mutation.invitationResend": admins("USERS_WRITE"),
    "Mutation.sessionRevoke": SIGNED_IN,
    "Mutation.userSessionsRevoke": admins("USERS_WRITE"),
    "Mutation.userCreate": admins("USERS_WRITE"),
    "Mutation.userUpdate": admins("USERS_WRITE"),
    "Mutation.userDeactivate": admins("USERS_WRITE"),
    "Mutation.userReactivate": admins("USERS_WRITE"),
    "Mutation.userDelete": admins("USERS_WRITE"),
    "Mutation.groupRoleSet": admins("GROUP_ROLES_WRITE"),
    "Mutation.apiKeyCreate": admins("API_KEYS_WRITE"),
    "Mutation.apiKeyRotate": admins("API_KEYS_WRITE"),
    "Mutation.apiKeyRevoke": admins("API_KEYS_WRITE"),
    "Mutation.personalKeyCreate": SIGNED_IN,
    "Mutation.personalKeyRotate": SIGNED_IN,
    "Mutation.personalKeyRevoke": SIGNED_IN,
    "Mutation.provisioningConflictDecide": admins("PROVISIONING_WRITE"),
    "Mutation.massDeactivationApprove": admins("PROVISIONING_WRITE"),
    "Mutation.provisioningPause": admins("PROVISIONING_WRITE"),
    "Mutation.provisioningResume": admins("PROVISIONING_WRITE"),
    "Mutation.userUnlink": admins("USERS_WRITE"),
    "Mutation.provisioningSettingsUpdate": admins("PROVISIONING_WRITE"),
    "Mutation.workspaceFlagSet": SUPPORT,
    "Mutation.workspacePlanSet": SUPPORT,
    "Mutation.workspaceSeatsSet": SUPPORT,
}
NODES = {
    "User": SIGNED_IN,
    "Group": SIGNED_IN,
    "Session": SIGNED_IN,
    "Workspace": SIGNED_IN,
    "WorkspaceFlag": admins("FLAGS_READ"),
    "ApiKey": admins("API_KEYS_READ"),
    "AuditEvent": admins("AUDIT_READ"),
    "ProvisioningEvent": admins("PROVISIONING_READ"),
    "ProvisioningConflict": admins("PROVISIONING_READ"),
}
ROLES = ("owner", "admin", "member", "nobody")

# The types whose fields each ask for something; the fields of all others are values of a row that was read.
GUARDED = ("Query", "Viewer", "Workspace", "Provisioning", "Group", "Mutation")
ARGUMENTS = {
    "Query.node": '(id: "nothing")',
    "Query.workspace": '(by: {subdomain: "acme"})',
    "Workspace.users": "(first: 2)",
    "Workspace.groups": "(first: 2)",
    "Group.members": "(first: 2)",
    "Provisioning.events": "(first: 2)",
    "Provisioning.conflicts": "(first: 2)",
    "Workspace.apiKeys": "(first: 2)",
    "Viewer.apiKeys": "(first: 2)",
    "Viewer.sessions": "(first: 2)",
    "Workspace.sessions": '(userId: "{user}", first: 2)',
    "Workspace.auditEvents": "(first: 2)",
}

_SIGN_IN = f"""mutation ($email: String!) {{
    signIn(input: {{email: $email, password: "{PASSWORD}"}}) {{ ... on SignInPayload {{ viewer {{ <fields> }} }} }}
}}"""
WAYS = [
    ("Query", "{ <fields> }"),
    ("Viewer", "{ viewer { <fields> } }"),
    ("Viewer", _SIGN_IN),
    ("Workspace", "{ viewer { workspace { <fields> } } }"),
    ("Workspace", _SIGN_IN.replace("<fields>", "workspace { <fields> }")),
    ("Workspace", "query ($workspace: ID!) { node(id: $workspace) { ... on Workspace { <fields> } } }"),
    ("Group", "query ($group: ID!) { node(id: $group) { ... on Group { <fields> } } }"),
    ("User", "{ viewer { workspace { users(first: 2) { nodes { <fields> } } } } }"),
    ("Provisioning", "{ viewer { workspace { provisioning { <fields> } } } }"),
]
"""Every way to a guarded type, and to the fields there."""

ASKED = [
    (name, way, role)
    for name in TABLE
    for type_, way in WAYS
    for role in ROLES
    if type_ == name.partition(".")[0] and ("signIn" not in way or role != "nobody")  # who signs in is somebody
]
DONE = [(name.partition(".")[2], role) for name in TABLE if name.startswith("Mutation.") for role in ROLES]


@dataclass(frozen=True)
class Stage:
    """The cast, and what each of the tables' acts needs."""

    acme: Tenant
    cast: Cast
    workspace: str
    group: str
    emails: dict[str, str]

    def somebody(self, role: str) -> Browser:
        """Somebody of this role at a browser of their own, whose session may end."""
        return signed_in(self.acme, self.emails[role]) if role in self.emails else browser(self.acme)

    def at_hand(self, role: str) -> Browser:
        """Somebody of this role, whose session must stay."""
        return {"owner": self.cast.alice, "admin": self.cast.ann, "member": self.cast.bob}.get(role, self.cast.nobody)

    def ids(self, somebody: Browser) -> dict[str, str]:
        """An id of Acme's of every kind; the person and the session are somebody's own."""
        viewer = somebody.ask("{ viewer { user { id } session { id } } }")["viewer"]
        document = "{ viewer { workspace { id flags { id } auditEvents(first: 1) { nodes { id } } } } }"
        workspace = self.cast.alice.ask(document)["viewer"]["workspace"]
        return {
            "User": viewer["user"]["id"],
            "Session": viewer["session"]["id"],
            "Group": self.group,
            "Workspace": workspace["id"],
            "WorkspaceFlag": workspace["flags"][0]["id"],
            "ApiKey": self.new_key(),
            "ProvisioningEvent": self.provisioning_event(),
            "ProvisioningConflict": self.conflict(),
            "AuditEvent": workspace["auditEvents"]["nodes"][0]["id"],
        }

    def provisioning_event(self) -> str:
        """The id of an entry of the provisioning log, which is written a moment after the answer."""
        document = "{ viewer { workspace { provisioning { events(first: 1) { nodes { id } } } } } }"
        for _ in range(100):
            workspace = self.cast.alice.ask(document)["viewer"]["workspace"]
            if nodes := workspace["provisioning"]["events"]["nodes"]:
                return str(nodes[0]["id"])
            time.sleep(0.05)
        raise AssertionError("nothing was logged")

    def conflict(self) -> str:
        """The id of a conflict: a person of Acme's own whom the directory tries to create."""
        person = self.cast.alice.new_person()
        with self.acme.scim() as scim:
            assert scim.post("/Users", json={"userName": person["userName"]}).status_code == 409
        document = "{ viewer { workspace { provisioning { conflicts(first: 1) { nodes { id } } } } } }"
        workspace = self.cast.alice.ask(document)["viewer"]["workspace"]
        return str(workspace["provisioning"]["conflicts"]["nodes"][0]["id"])

    def new_key(self) -> str:
        """The id of a new API key."""
        wanted = "... on ApiKeyCreatePayload { apiKey { id } }"
        made = self.cast.alice.do("apiKeyCreate", {"name": "Okta", "scopes": ["SCIM"]}, wanted)
        id_: str = made["apiKey"]["id"]
        return id_

    def another_session(self, role: str) -> str:
        """The id of a session of somebody of this role, at another browser."""
        theirs = self.somebody("owner" if role == "nobody" else role)
        return str(theirs.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"])

    def invited(self) -> str:
        """The id of somebody who is invited and has not come in yet."""
        person = {"email": f"invited.{secrets.token_hex(4)}@permissions.example"}
        wanted = "... on UserInvitePayload { outcomes { user { id } } }"
        made = self.cast.alice.do("userInvite", {"people": [person]}, wanted)
        return str(made["outcomes"][0]["user"]["id"])

    def own_key(self, role: str) -> str:
        """The id of an API key that somebody of this role has made for themselves."""
        wanted = "... on ApiKeyCreatePayload { apiKey { id } }"
        somebody = self.at_hand("owner" if role == "nobody" else role)
        made = somebody.do("personalKeyCreate", {"name": "A script", "scopes": ["USERS_READ"]}, wanted)
        return str(made["apiKey"]["id"])

    def input_of(self, mutation: str, role: str) -> Data:
        """An input with which a mutation goes well for who may do it."""
        inputs: dict[str, Callable[[], Data]] = {
            "signIn": lambda: {"email": self.emails.get(role, self.acme.owner_email), "password": PASSWORD},
            "passwordForgotten": lambda: {"email": f"{role}@nowhere.example"},
            "passwordSet": lambda: {"token": "hc_link_none", "password": PASSWORD},
            "invitationAccept": lambda: {"token": "hc_link_none", "password": PASSWORD},
            "passwordChange": lambda: {"currentPassword": "not the password", "newPassword": PASSWORD},
            "userInvite": lambda: {"people": [{"email": f"invited.{role}@permissions.example"}]},
            "invitationResend": lambda: {"id": self.invited()},
            "reauthenticate": lambda: {"password": PASSWORD},
            "sessionRevoke": lambda: {"id": self.another_session(role)},
            "userCreate": lambda: {"email": f"{role}@permissions.example", "userName": f"made by {role}"},
            "apiKeyCreate": lambda: {"name": f"made by {role}", "scopes": ["SCIM"]},
            "apiKeyRotate": lambda: {"id": self.new_key()},
            "apiKeyRevoke": lambda: {"id": self.new_key()},
            "personalKeyCreate": lambda: {"name": f"{role}'s own", "scopes": ["USERS_READ"]},
            "personalKeyRotate": lambda: {"id": self.own_key(role)},
            "personalKeyRevoke": lambda: {"id": self.own_key(role)},
            "provisioningConflictDecide": lambda: {"id": self.conflict(), "link": False},
            "provisioningSettingsUpdate": lambda: {"provisioningLogDays": 20},
            "provisioningPause": lambda: {"managedPeople": "KEEP"},
            "groupRoleSet": lambda: {"id": self.group, "role": "MEMBER"},
            "workspaceFlagSet": lambda: {
                "workspaceId": self.workspace,
                "key": "SCIM_PROVISIONING",
                "enabled": False,
                "reason": "a test",
            },
            "workspacePlanSet": lambda: {"workspaceId": self.workspace, "plan": "ESSENTIAL", "reason": "a test"},
            "workspaceSeatsSet": lambda: {"workspaceId": self.workspace, "seats": 1, "reason": "a test"},
        }
        return inputs.get(mutation, lambda: {"id": self.cast.alice.new_person()["id"]})()


@pytest.fixture(scope="module")
def stage(acme: Tenant, cast: Cast) -> Stage:
    """Acme, and who is who."""
    workspace = cast.alice.ask("{ viewer { workspace { id } } }")["viewer"]["workspace"]["id"]
    emails = {"owner": acme.owner_email, "admin": "ann@acme.example", "member": "bob@acme.example"}
    with acme.scim() as scim:
        group = scim.post("/Groups", json={"displayName": "Engineers", "members": []}).json()["id"]
    return Stage(acme, cast, workspace, group, emails)


def fields_of(type_: GraphQLNamedType) -> dict[str, Any]:
    """The fields of a type that has some."""
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)
    return dict(type_.fields)


def selected(type_: GraphQLNamedType) -> str:
    """All fields of a type, and of the types in it, but those with a row of their own; of a guarded one none."""
    if is_leaf_type(type_):
        return ""
    if type_.name in (*GUARDED, "Node"):
        return "{ __typename }"
    plain = {name: field for name, field in fields_of(type_).items() if f"{type_.name}.{name}" not in TABLE}
    inner = (f"{name} {selected(get_named_type(field.type))}" for name, field in plain.items())
    return f"{{ {' '.join(inner)} }}"


def questions(name: str) -> list[str]:
    """A field of the table with all that is in it; each part of a page by itself, since it is looked up by itself."""
    type_, _, own = name.partition(".")
    wanted = get_named_type(fields_of(SCHEMA.type_map[type_])[own].type)
    parts = [selected(wanted)]
    if wanted.name.endswith("Connection"):
        parts = [f"{{ {part} {selected(get_named_type(each.type))} }}" for part, each in fields_of(wanted).items()]
    return [f"{own}{ARGUMENTS.get(name, '')} {part}" for part in parts]


def outcome(body: Data) -> str:
    """What an answer comes to, in the words of the tables."""
    if "errors" in body:
        said = [error["extensions"] for error in body["errors"]]
        (refusal,) = {str(each["requires"] if each["code"] == "FORBIDDEN" else each["code"]) for each in said}
        return refusal
    (result,) = body["data"].values()
    if isinstance(result, dict) and result.get("code"):
        return str(result["requires"] if result["code"] == "FORBIDDEN" else result["code"])
    return YES


def asked(somebody: Browser, stage: Stage, role: str, name: str, way: str) -> set[str]:
    """What comes of asking for a field in this way."""
    known = {"email": stage.emails.get(role), "workspace": stage.workspace, "group": stage.group}
    variables = {variable: known[variable] for variable in known if f"${variable}" in way}
    said = (question.replace("{user}", stage.cast.ids["Ann"]) for question in questions(name))
    documents = (way.replace("<fields>", question) for question in said)
    return {outcome(somebody.answer(document, **variables)) for document in documents}


def done(somebody: Browser, mutation: str, said: Data) -> str:
    """What comes of a mutation."""
    if mutation == "signOut":
        return outcome(somebody.answer(SIGN_OUT))
    if mutation in ("massDeactivationApprove", "provisioningResume"):
        wanted = "__typename ... on Error { code } ... on Forbidden { requires }"
        return outcome(somebody.answer(f"mutation {{ {mutation} {{ {wanted} }} }}"))
    result = outcome({"data": {mutation: somebody.do(mutation, said)}})
    if mutation == "provisioningPause":
        somebody.answer("mutation { provisioningResume { __typename } }")  # others want the directory let in
    return result


def test_the_table_has_every_field_that_there_is() -> None:
    guarded = {f"{type_}.{name}" for type_ in GUARDED for name in fields_of(SCHEMA.type_map[type_])}
    assert TABLE.keys() == guarded | {"User.groups", "User.lastProvisioningEvent"}


def test_the_table_has_every_node_that_there_is() -> None:
    node = SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert NODES.keys() == {type_.name for type_ in SCHEMA.get_possible_types(node)}


# Tested with who may: test_support.py, test_subscriptions.py.
ELSEWHERE = {
    *("SupportedWorkspace.flags", "SupportedWorkspace.auditEvents"),
    *("Subscription.userChanged", "Subscription.provisioningEvent"),
}

# From where groups are reached, by whoever may see groups: nothing of a group asks for more.
GROUPS_FOUND = {"GroupConnection.nodes", "GroupEdge.node", "GroupRoleSetPayload.group", "User.groups"}


def test_there_is_no_other_way_to_what_is_guarded() -> None:
    leading = {
        f"{name}.{own}"
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType)
        for own, field in type_.fields.items()
        if get_named_type(field.type).name in (*GUARDED, "Node")
    }
    assert leading == {
        "Query.viewer",
        "Query.node",
        "Viewer.workspace",
        "Workspace.provisioning",
        "SignInPayload.viewer",
        "PasswordSetPayload.viewer",
        *GROUPS_FOUND,
    }


def test_whatever_is_looked_up_is_in_the_table() -> None:
    """A field that a method finds may ask for more than the row that it hangs from; a page's fields ask as it does."""
    looked_up = {
        f"{getattr(type_.definition, 'name', '')}.{camel_case(field.python_name)}"
        for type_ in make_schema().schema_converter.type_map.values()
        for field in getattr(type_.definition, "fields", ())
        if field.base_resolver is not None
    }
    pages = {name for name in looked_up if name.endswith((".edges", ".pageInfo", ".totalCount"))}
    assert len(looked_up) > 20
    assert looked_up - pages - ELSEWHERE <= TABLE.keys()


@pytest.mark.parametrize(("name", "way", "role"), ASKED)
def test_each_role_is_shown_what_the_table_says(stage: Stage, name: str, way: str, role: str) -> None:
    somebody = stage.somebody(role) if "signIn" in way else stage.at_hand(role)
    assert asked(somebody, stage, role, name, way) == {getattr(TABLE[name], role)}


@pytest.mark.parametrize(("mutation", "role"), DONE)
def test_each_role_does_what_the_table_says(stage: Stage, mutation: str, role: str) -> None:
    somebody, said = stage.somebody(role), stage.input_of(mutation, role)
    expected = getattr(TABLE[f"Mutation.{mutation}"], role)
    if expected == YES:
        assert done(somebody, mutation, said) == YES
    else:
        with nothing_happens(stage.cast.alice):
            assert done(somebody, mutation, said) == expected


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", NODES)
def test_each_role_fetches_what_the_table_says(stage: Stage, kind: str, role: str) -> None:
    somebody = stage.at_hand(role)
    id_ = stage.ids(stage.at_hand("owner" if role == "nobody" else role))[kind]
    whole = f"... on {kind} {selected(SCHEMA.type_map[kind])}" if kind not in GUARDED else ""
    body = somebody.answer(f"query ($id: ID!) {{ node(id: $id) {{ __typename {whole} }} }}", id=id_)
    assert outcome(body) == getattr(NODES[kind], role)
    assert "errors" in body or body["data"]["node"]["__typename"] == kind


def test_what_a_person_may_do_is_said_by_their_role(stage: Stage) -> None:
    for role in ("owner", "admin", "member"):
        permissions = stage.at_hand(role).ask("{ viewer { permissions } }")["viewer"]["permissions"]
        assert set(permissions) == {permission.name for permission in Role[role.upper()].permissions}
        lacking = {getattr(row, role) for row in (*TABLE.values(), *NODES.values())} - {YES}
        assert lacking.isdisjoint(permissions)


def test_whose_session_has_ended_is_nobody(stage: Stage) -> None:
    fay = stage.acme.add("Fay", "admin")
    hers = signed_in(stage.acme, "fay@acme.example")
    ((cookie, token),) = hers.cookies
    stage.cast.alice.do("userDeactivate", {"id": fay})
    for mutation, role in DONE:
        asks_for_a_session = TABLE[f"Mutation.{mutation}"].nobody == OUT and mutation != "signOut"
        if role == "nobody" and asks_for_a_session:
            assert done(hers, mutation, stage.input_of(mutation, role)) == OUT, mutation
    for name, way, role in ASKED:
        if role == "nobody":
            assert asked(hers, stage, role, name, way) == {TABLE[name].nobody}, name
    assert hers.cookies == [(cookie, token)]


def test_nobody_raises_themselves(stage: Stage) -> None:
    cast = stage.cast
    with nothing_happens(cast.alice):
        for role in ("ADMIN", "OWNER"):
            result = cast.bob.do("userUpdate", {"id": cast.ids["Bob"], "role": role})
            assert (result["code"], result["requires"]) == ("FORBIDDEN", "USERS_WRITE")
        assert cast.ann.do("userUpdate", {"id": cast.ids["Ann"], "role": "OWNER"})["code"] == "OWNER_PROTECTED"


OUTSIDER = {
    "Query.node(id)": "query ($id: ID!) { node(id: $id) { __typename id } }",
    "Workspace.sessions(userId)": """query ($id: ID!) { viewer { workspace {
        sessions(userId: $id, first: 100) { totalCount nodes { id } }
    } } }""",
    "ProvisioningConflictDecideInput.id": """mutation ($id: ID!) {
        provisioningConflictDecide(input: {id: $id, link: true}) { __typename ... on Error { code message } }
    }""",
    **{
        f"{name[0].upper()}{name[1:]}Input.id": f"""mutation ($id: ID!) {{ {name}(input: {{id: $id}}) {{
            __typename ... on Error {{ code message }}
        }} }}"""
        for name in (
            "userUpdate",
            "userDeactivate",
            "userReactivate",
            "userDelete",
            "sessionRevoke",
            "userSessionsRevoke",
            "invitationResend",
            "apiKeyRotate",
            "apiKeyRevoke",
            "personalKeyRotate",
            "personalKeyRevoke",
            "groupRoleSet",
            "userUnlink",
        )
    },
    **{
        f"AuditFilter.{name}": f"""query ($id: ID!) {{ viewer {{ workspace {{
            auditEvents(first: 100, filter: {{{name}: $id}}) {{ totalCount nodes {{ id }} }}
        }} }} }}"""
        for name in ("actorId", "targetId")
    },
    **{
        f"ProvisioningEventFilter.{name}": f"""query ($id: ID!) {{ viewer {{ workspace {{ provisioning {{
            events(first: 100, filter: {{{name}: $id}}) {{ totalCount nodes {{ id }} }}
        }} }} }} }}"""
        for name in ("apiKeyId", "targetId")
    },
    "WorkspaceBy.id": "query ($id: ID!) { workspace(by: {id: $id}) { name } }",
    **{
        f"{name[0].upper()}{name[1:]}Input.workspaceId": f"""mutation ($id: ID!) {{
            {name}(input: {{workspaceId: $id, {more}, reason: "mine"}}) {{ __typename ... on Error {{ code message }} }}
        }}"""
        for name, more in (
            ("workspaceFlagSet", "key: SCIM_PROVISIONING, enabled: true"),
            ("workspacePlanSet", "plan: ESSENTIAL"),
            ("workspaceSeatsSet", "seats: 1"),
        )
    },
}
"""What Charlie tries with every id that he may have heard of: an operation for each argument that takes one."""


def id_arguments() -> Iterator[str]:
    """Every argument and field of an input that takes an id."""
    for name, type_ in SCHEMA.type_map.items():
        if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType) and not name.startswith("__"):
            for own, field in type_.fields.items():
                if isinstance(type_, GraphQLInputObjectType) and get_named_type(field.type).name == "ID":
                    yield f"{name}.{own}"
                for argument, taken in getattr(field, "args", {}).items():
                    if get_named_type(taken.type).name == "ID":
                        yield f"{name}.{own}({argument})"


def test_the_outsider_has_a_try_for_every_argument_that_takes_an_id() -> None:
    assert sorted(id_arguments()) == sorted(OUTSIDER)


@pytest.mark.parametrize("argument", OUTSIDER)
def test_an_outsider_cannot_tell_an_id_of_acme_s_from_no_id_at_all(stage: Stage, argument: str) -> None:
    alice, charlie = stage.cast.alice, stage.cast.charlie
    known = [*stage.ids(alice).values(), *stage.cast.ids.values(), alice.new_person()["id"], stage.new_key()]
    unknown = [f"{id_.partition('_')[0]}_{'0' * 32}{id_.partition('_')[2][32:]}" for id_ in known]
    with nothing_happens(alice), nothing_happens(charlie):
        answers = [charlie.post(OUTSIDER[argument], {"id": id_}) for id_ in (*known, *unknown, "", "x")]
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    body = answers[0].json()
    if argument in ("Workspace.sessions(userId)", "WorkspaceBy.id"):
        code = "FORBIDDEN" if argument == "WorkspaceBy.id" else "NOT_FOUND"
        assert body["errors"][0]["extensions"]["code"] == code
        return
    (result,) = body["data"].values()
    match argument.partition(".")[0]:
        case "Query":
            assert result is None
        case "AuditFilter":
            assert result["workspace"]["auditEvents"] == {"totalCount": 0, "nodes": []}
        case "ProvisioningEventFilter":
            assert result["workspace"]["provisioning"]["events"] == {"totalCount": 0, "nodes": []}
        case _ if argument.endswith(".workspaceId"):  # for staff, who try it in test_support.py
            assert (result["__typename"], result["code"]) == ("Forbidden", "FORBIDDEN")
        case _:
            assert (result["__typename"], result["code"]) == ("NotFound", "NOT_FOUND")
