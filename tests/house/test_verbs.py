"""Every verb checks its permission first, and no verb tells an outsider more than that there is no such thing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.accounts import invite_user
from service.actor import Actor, Permission, Role, system
from service.api_keys import ApiKeyScope, RotationOverlap
from service.audit_log import AuditFilter
from service.finding import Search, Window
from service.flags import Flag
from service.groups.commands import create_group
from service.groups.fields import GroupFields
from service.ids import new_id
from service.links import Purpose
from service.mail.outbox import take_out
from service.pages import Order, PageRequest
from service.provisioning.conflicts import page_conflicts
from service.provisioning.log import ProvisioningFilter, page_provisioning_events, write_exchanges
from service.provisioning.pausing import ManagedPeople
from service.refusals import Forbidden, NotFound, Reason, Refused, Taken
from service.sessions import open_session
from service.store.columns import table_of
from service.unit_of_work import narrowed
from service.users.commands import create_user
from service.users.fields import User
from service.users.importing import Listed
from service.users.queries import UserFilter, UserOrder
from service.work import Work
from service.workspaces import Plan
from tests.house.verbs import Verb, verbs
from tests.service.cast import EXCHANGE, Acme, Globex, changed, events, everything, nothing_changes, person, refusal
from tests.service.databases import CountingStore

pytestmark = pytest.mark.anyio

VERBS = verbs()

# What a verb is given where it is no id. Values that would be refused belong to the tests of the verb itself.
VALUES: dict[str, Any] = {
    "before": datetime(2026, 1, 1, tzinfo=UTC),
    "change": changed(title="Mine"),
    "changes": {"title": "Mine"},
    "client": "a browser",
    "enabled": True,
    "fields": person("mallory@globex.example"),
    "flag": Flag.SCIM_PROVISIONING,
    "last": None,
    "limit": 100,
    "members": [],
    "order": UserOrder.NAME_ASC,
    "name": "Mine",
    "password_hash": "a hash",
    "plan": Plan.STANDARD,
    "reason": "a reason",
    "role": Role.ADMIN,
    "scopes": [ApiKeyScope.SCIM],
    "overlap": RotationOverlap.DAY,
    "identifier": "mallory",
    "page": lambda subdomain: f"https://{subdomain}.example",
    "purpose": Purpose.NEW_PASSWORD,
    "token": "hc_link_none",
    "why": "no answer",
    "since": "x_0",
    "search": Search(query=narrowed(User), order=Order("users", (table_of(User).c.id,)), parameters={}),
    "subdomain": "mine",
    "user_name": "Mallory",
    "wanted": PageRequest(first=100),
    "part": Window(offset=0, limit=100),
    "text": None,
    "link": True,
    "seats": 5,
    "managed_people": ManagedPeople.KEEP,
    "people": [Listed("mallory@globex.example", {})],
    "service.provisioning.conflicts.state": None,
    "exchanges": [EXCHANGE],
    "service.provisioning.log.filter": ProvisioningFilter(),
    "user_ids": [],
    "target_ids": [],
    "group_ids": [],
    # Where one name means two things, the module comes first.
    "service.groups.commands.fields": GroupFields(display_name="Mine"),
    "service.groups.commands.change": lambda group: GroupFields(display_name=group.display_name + " of Mine"),
    "service.audit_log.filter": AuditFilter(),
    "service.users.queries.filter": UserFilter(),
}

# Notes of a last use, and of mail: they change nothing that anybody decided, and nobody waits for their answer.
ANSWERS_NOTHING = {"note_activity", "note_sent", "note_failed"}


def arguments(verb: Verb, ids: dict[str, str]) -> tuple[list[Any], dict[str, Any]]:
    """What to call a verb with."""
    known = VALUES | ids
    module = verb.function.__module__
    values: dict[str, Any] = {}
    for name in verb.parameters:
        key = f"{module}.{name}" if f"{module}.{name}" in known else name
        assert key in known, f"teach this test about {name!r} of {verb.name}: an id goes to `ids`, the rest to VALUES"
        values[name] = known[key]
    return [values[name] for name in verb.positional], {name: values[name] for name in verb.keywords}


@pytest.fixture
async def ids(work: Work, acme: Acme) -> dict[str, str]:
    """An id of Acme's for every parameter that takes one."""
    event = (await events(work, acme))[0]
    bob = acme.people["Bob"]
    session, _ = await work.write(acme.nobody, open_session, user_id=bob, user_name="Bob", client="a browser")
    group = await work.write(acme.directory, create_group, GroupFields(display_name="Engineers"))
    await work.write(system(acme.id), write_exchanges, [EXCHANGE])
    (entry,) = (await work.read(acme.alice, page_provisioning_events, ProvisioningFilter(), PageRequest(first=1))).rows
    made = person("carol@acme.example")
    await work.write(acme.alice, create_user, made)
    assert isinstance(await refusal(work.write(acme.directory, create_user, made)), Taken)
    (conflict,) = (await work.read(acme.alice, page_conflicts, None, PageRequest(first=1))).rows
    invited = person("dave@acme.example", emails=[{"value": "dave@acme.example"}])
    await work.write(acme.alice, invite_user, invited, Role.MEMBER, str)
    (mail,) = await work.write(system(acme.id), take_out)
    return {
        "mail_id": mail.id,
        "conflict_id": conflict.id,
        "entry_id": entry.id,
        "user_id": bob,
        "key_id": acme.key_id,
        "session_id": session.id,
        "event_id": event.id,
        "group_id": group.id,
    }


def test_there_are_verbs_and_each_is_found() -> None:
    assert len(VERBS) >= 20
    assert {"create_user", "find_users", "revoke_api_key", "set_flag", "end_session"} <= {
        verb.function.__name__ for verb in VERBS
    }


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_a_verb_asks_for_its_permission_before_anything_else(
    verb: Verb, work: Work, acme: Acme, ids: dict[str, str], store: CountingStore
) -> None:
    nothing = replace(acme.alice, permissions=frozenset())
    given, named = arguments(verb, {name: new_id("xxx") for name in ids})
    with store.counting() as statements, pytest.raises(Refused) as caught:
        await work.write(nothing, verb.function, *given, **named)
    assert isinstance(caught.value.reason, Forbidden), verb.name
    assert statements == []


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_one_permission_less_is_not_enough(verb: Verb, work: Work, acme: Acme, ids: dict[str, str]) -> None:
    """The permission that a verb asks for is one that it cannot be run without."""
    given, named = arguments(verb, ids)
    nothing = replace(acme.alice, permissions=frozenset())
    asked = await reason_of(work, nothing, verb, given, named)
    assert isinstance(asked, Forbidden)
    all_others = replace(acme.alice, permissions=frozenset(Permission) - {Permission(asked.permission)})
    async with nothing_changes(work):
        assert await reason_of(work, all_others, verb, given, named) == asked


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_an_outsider_cannot_tell_another_s_id_from_one_that_nobody_has(
    verb: Verb, work: Work, acme: Acme, globex: Globex, ids: dict[str, str]
) -> None:
    outsider = replace(globex.charlie, permissions=frozenset(Permission))
    before = await everything(work, acme.id)
    invented = {name: new_id(value.partition("_")[0]) for name, value in ids.items()}
    answers = []
    for chosen in (ids, invented):
        given, named = arguments(verb, chosen)
        answer = repr(await answer_of(work, outsider, verb, given, named))
        assert acme.id not in answer
        assert "acme" not in answer
        for name, value in chosen.items():
            answer = answer.replace(value, name)
        answers.append(answer)
    assert await everything(work, acme.id) == before
    if set(verb.parameters) & set(ids):
        assert answers[0] == answers[1]
        if verb.function.__name__ not in ANSWERS_NOTHING:
            assert answers[0].startswith(NotFound.__name__), verb.name


async def reason_of(work: Work, actor: Actor, verb: Verb, given: list[Any], named: dict[str, Any]) -> Reason | None:
    answer = await answer_of(work, actor, verb, given, named)
    assert answer is None or isinstance(answer, Reason)
    return answer


async def answer_of(work: Work, actor: Actor, verb: Verb, given: list[Any], named: dict[str, Any]) -> object:
    """What a verb returns, or why it refuses."""
    try:
        return await work.write(actor, verb.function, *given, **named)
    except Refused as refused:
        return refused.reason
