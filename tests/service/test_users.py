"""What may be done to a person, and what is refused."""

import asyncio

import pytest

from service.actor import Role
from service.audit import AuditEvent
from service.finding import Search, Window
from service.pages import Order
from service.refusals import Forbidden, Invalid, NotFound, Refused, Stale, Taken
from service.store.columns import table_of
from service.unit_of_work import narrowed
from service.users.commands import (
    create_user,
    deactivate_user,
    delete_user,
    reactivate_user,
    set_role,
    update_user,
)
from service.users.fields import User, UserFields
from service.users.queries import all_users, find_users, get_user
from service.work import Work
from tests.service.cast import Acme, Globex, changed, events, nothing_changes, person, recorded, refusal

pytestmark = pytest.mark.anyio

EVERYBODY = Search(query=narrowed(User), order=Order("users", (table_of(User).c.id,)), parameters={})
TAKEN_SPELLINGS = [
    "bob@acme.example",
    "BOB@ACME.EXAMPLE",
    "\uff42\uff4f\uff42@acme.example",
    "b\u200bob@acme.example",
    "bob\u00ad@acme.example",
    "bo\ufe0fb@acme.example",
    "\u3164bob@acme.example",
]


def lines(event: AuditEvent) -> dict[str | None, tuple[str | None, str | None]]:
    """What an event says has changed."""
    return {change["field"]: (change["before"], change["after"]) for change in event.changes or []}


async def test_creating_a_person_keeps_what_was_said_and_answers_with_it(work: Work, acme: Acme) -> None:
    said = person(
        "carol@acme.example",
        given_name="Carol",
        family_name="Céleste",
        emails=[{"value": "Carol@Acme.example", "type": "work", "primary": True}, {"value": "c@home.example"}],
        phone_numbers=[{"value": "+49 30 901820", "type": "work", "primary": True}],
        department="Rolls",
    )
    async with recorded(work, acme) as new:
        made = await work.write(acme.alice, create_user, said)
    assert {name: getattr(made, name) for name in UserFields.model_fields} == said.model_dump()
    assert (made.role, made.managed_by, made.version) == ("MEMBER", "WORKSPACE", 1)
    assert made.created_at == made.updated_at
    assert made.id.startswith("usr_")
    assert await work.read(acme.alice, get_user, made.id) == made
    (event,) = new
    assert (event.action, event.target_id, event.target_name) == ("USER_CREATED", made.id, "Carol Céleste")
    assert (event.actor_kind, event.actor_id, event.actor_name) == ("USER", acme.alice.id, "Alice")
    assert (event.channel, event.ip, event.request_id) == ("APP", "192.0.2.1", "request-1")


async def test_a_person_that_a_directory_creates_is_managed_by_it(work: Work, acme: Acme) -> None:
    made = await work.write(acme.directory, create_user, person("carol@acme.example"))
    assert made.managed_by == "DIRECTORY"


@pytest.mark.parametrize("spelling", TAKEN_SPELLINGS)
async def test_a_user_name_is_taken_however_it_is_written(work: Work, acme: Acme, spelling: str) -> None:
    async with nothing_changes(work):
        reason = await refusal(work.write(acme.alice, create_user, person(spelling)))
    assert isinstance(reason, Taken)
    assert (reason.field, reason.value) == ("user_name", spelling)
    assert "already the userName" in reason.why  # and not "the e-mail address of another", though it is that too


@pytest.mark.parametrize("spelling", TAKEN_SPELLINGS)
async def test_nobody_can_be_renamed_to_a_taken_user_name(work: Work, acme: Acme, spelling: str) -> None:
    carol = await work.write(acme.alice, create_user, person("carol@acme.example"))
    async with nothing_changes(work):
        change = changed(user_name=spelling, title="Baker")
        assert isinstance(await refusal(work.write(acme.alice, update_user, carol.id, change)), Taken)


async def test_a_person_may_change_the_case_of_their_own_user_name(work: Work, acme: Acme) -> None:
    bob = await work.write(acme.alice, update_user, acme.people["Bob"], changed(user_name="Bob@Acme.Example"))
    assert bob.user_name == "Bob@Acme.Example"
    assert bob.version == 2


async def test_two_workspaces_may_have_the_same_user_name(work: Work, globex: Globex) -> None:
    made = await work.write(globex.charlie, create_user, person("bob@acme.example"))
    assert made.workspace_id == globex.id


@pytest.mark.parametrize("spelling", ["robert@home.example", "ROBERT@home.example", "robe\u200drt@home.example"])
async def test_a_user_name_that_is_the_address_of_another_is_refused(work: Work, acme: Acme, spelling: str) -> None:
    bob = acme.people["Bob"]
    await work.write(acme.alice, update_user, bob, changed(emails=[{"value": "Robert@Home.example"}]))
    carol = await work.write(acme.alice, create_user, person("carol@acme.example"))
    async with nothing_changes(work):
        for refused in (
            work.write(acme.alice, create_user, person(spelling)),
            work.write(acme.directory, update_user, carol.id, changed(user_name=spelling)),
        ):
            reason = await refusal(refused)
            assert isinstance(reason, Taken)
            assert "e-mail address of another person" in reason.why
    assert (await work.write(acme.alice, update_user, bob, changed(user_name=spelling))).user_name == spelling


async def test_people_may_share_an_address(work: Work, acme: Acme) -> None:
    shared = [{"value": "reception@acme.example"}]
    for name in ("carol", "dave"):
        await work.write(acme.alice, create_user, person(name, emails=shared))
    assert len(await work.read(acme.alice, all_users)) == 5


async def test_of_twenty_racers_for_one_user_name_one_wins(work: Work, acme: Acme) -> None:
    async def race() -> str:
        try:
            await work.write(acme.directory, create_user, person("carol@acme.example"))
        except Refused as refused:
            return type(refused.reason).__name__
        return "won"

    async with recorded(work, acme) as new:
        assert sorted(await asyncio.gather(*(race() for _ in range(20)))) == ["Taken"] * 19 + ["won"]
    assert [event.action for event in new] == ["USER_CREATED"]


async def test_an_update_says_what_was_and_what_is(work: Work, acme: Acme) -> None:
    async with recorded(work, acme) as new:
        change = changed(title="Baker", emails=[{"value": "b@acme.example"}, {"value": "bob@acme.example"}])
        bob = await work.write(acme.ann, update_user, acme.people["Bob"], change)
    assert (bob.title, bob.version) == ("Baker", 2)
    assert bob.updated_at >= bob.created_at
    (event,) = new
    assert event.action == "USER_UPDATED"
    assert lines(event) == {
        "title": (None, "Baker"),
        "emails": ("bob@acme.example", "b@acme.example, bob@acme.example"),
    }


async def test_an_update_that_changes_nothing_records_nothing_and_keeps_the_version(work: Work, acme: Acme) -> None:
    before = await work.read(acme.alice, get_user, acme.people["Bob"])
    async with nothing_changes(work):
        assert await work.write(acme.alice, update_user, before.id, changed()) == before
        assert await work.write(acme.alice, reactivate_user, before.id) == before
        assert await work.write(acme.alice, set_role, before.id, Role.MEMBER) == before


async def test_a_version_that_is_no_more_is_stale(work: Work, acme: Acme) -> None:
    bob = await work.write(acme.alice, update_user, acme.people["Bob"], changed(title="Baker"), if_version={1})
    assert bob.version == 2
    async with nothing_changes(work):
        stale = [
            work.write(acme.alice, update_user, bob.id, changed(title="Cook"), if_version={1}),
            work.write(acme.alice, update_user, bob.id, changed(), if_version={1}),
            work.write(acme.alice, delete_user, bob.id, if_version={1}),
        ]
        for act in stale:
            assert await refusal(act) == Stale("User", bob.id)


async def test_of_two_who_read_the_same_version_one_writes(work: Work, acme: Acme) -> None:
    async def write(title: str) -> str:
        try:
            change = changed(title=title)
            await work.write(acme.alice, update_user, acme.people["Bob"], change, if_version={1})
        except Refused as refused:
            return type(refused.reason).__name__
        return "wrote"

    assert sorted(await asyncio.gather(*(write(title) for title in ("Baker", "Cook")))) == ["Stale", "wrote"]


async def test_a_change_that_cannot_be_accepted_leaves_nothing(work: Work, acme: Acme) -> None:
    async with nothing_changes(work):
        refused = work.write(acme.alice, update_user, acme.people["Bob"], changed(title="Baker", nick_name="\x00"))
        assert isinstance(await refusal(refused), Invalid)


async def test_a_deactivated_person_stays_and_comes_back_as_the_same(work: Work, acme: Acme) -> None:
    bob = await work.read(acme.alice, get_user, acme.people["Bob"])
    async with recorded(work, acme) as new:
        gone = await work.write(acme.alice, deactivate_user, bob.id)
        again = await work.write(acme.alice, deactivate_user, bob.id)
        back = await work.write(acme.alice, reactivate_user, bob.id)
    assert (gone.active, gone.deactivated_by) == (False, "ADMIN")
    assert gone.deactivated_at == gone.updated_at
    assert again == gone
    assert (back.active, back.deactivated_at, back.deactivated_by) == (True, None, None)
    assert [getattr(back, name) for name in UserFields.model_fields] == [
        getattr(bob, name) for name in UserFields.model_fields
    ]
    assert [event.action for event in new] == ["USER_DEACTIVATED", "USER_REACTIVATED"]
    assert lines(new[0]) == {"active": ("true", "false"), "sessions": ("0", "0"), "personal_keys": ("0", "0")}
    assert lines(new[1]) == {"active": ("false", "true")}


async def test_the_directory_that_deactivated_somebody_is_remembered(work: Work, acme: Acme) -> None:
    carol = await work.write(acme.directory, create_user, person("carol@acme.example"))
    gone = await work.write(acme.directory, update_user, carol.id, changed(active=False))
    assert gone.deactivated_by == "DIRECTORY"


async def test_deleting_frees_the_user_name_and_the_addresses(work: Work, acme: Acme) -> None:
    bob = await work.read(acme.alice, get_user, acme.people["Bob"])
    async with recorded(work, acme) as new:
        await work.write(acme.alice, delete_user, bob.id)
    (event,) = new
    assert (event.action, event.target_id, event.target_name) == ("USER_DELETED", bob.id, "Bob")
    assert await refusal(work.read(acme.alice, get_user, bob.id)) == NotFound("User", bob.id)
    assert await refusal(work.write(acme.alice, delete_user, bob.id)) == NotFound("User", bob.id)
    again = await work.write(acme.alice, create_user, person(bob.user_name))
    assert again.id != bob.id


async def test_every_change_is_one_event_and_every_refusal_none(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    async with recorded(work, acme) as new:
        await work.write(acme.alice, update_user, bob, changed(title="Baker", nick_name="Bobby", active=False))
        await refusal(work.write(acme.alice, update_user, bob, changed(user_name="ann@acme.example")))
        await work.write(acme.alice, reactivate_user, bob)
        await refusal(work.write(acme.bob, deactivate_user, bob))
        await work.write(acme.directory, update_user, bob, changed(title="Cook"))
        await work.write(acme.alice, delete_user, bob)
    actions = ["USER_DEACTIVATED", "USER_REACTIVATED", "USER_LINKED", "USER_DELETED"]
    assert [event.action for event in new] == actions


async def test_a_directory_that_adopts_a_person_keeps_their_addresses(work: Work, acme: Acme) -> None:
    mallory = [{"value": "mallory@evil.example", "primary": True}]
    async with recorded(work, acme) as new:
        change = changed(emails=mallory, title="Baker")
        linked = await work.write(acme.directory, update_user, acme.people["Bob"], change)
    assert (linked.managed_by, linked.title) == ("DIRECTORY", "Baker")
    assert [email["value"] for email in linked.emails or []] == ["bob@acme.example"]
    (event,) = new
    assert event.action == "USER_LINKED"
    assert lines(event) == {"managed_by": ("WORKSPACE", "DIRECTORY"), "title": (None, "Baker")}
    moved = await work.write(acme.directory, update_user, linked.id, changed(emails=mallory))
    assert [email["value"] for email in moved.emails or []] == ["mallory@evil.example"]


async def test_adopting_a_person_as_they_are_is_a_change_once(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    linked = await work.write(acme.directory, update_user, bob, changed())
    assert (linked.managed_by, linked.version) == ("DIRECTORY", 2)
    async with nothing_changes(work):
        await work.write(acme.directory, update_user, bob, changed())


async def test_members_read_and_do_not_write(work: Work, acme: Acme) -> None:
    ann = acme.people["Ann"]
    assert (await work.read(acme.bob, get_user, ann)).id == ann
    async with nothing_changes(work):
        for act in (
            work.write(acme.bob, create_user, person("carol@acme.example")),
            work.write(acme.bob, update_user, acme.people["Bob"], changed(title="Owner")),
            work.write(acme.bob, delete_user, ann),
        ):
            assert await refusal(act) == Forbidden("users:write")


async def test_people_are_found_by_page_with_how_many_there_are(work: Work, acme: Acme) -> None:
    for number in range(7):
        await work.write(acme.alice, create_user, person(f"p{number}@acme.example"))
    everybody = await work.read(acme.alice, all_users)
    assert [user.id for user in everybody] == sorted(user.id for user in everybody)
    seen = []
    for offset in (0, 4, 8, 12):
        page = await work.read(acme.bob, find_users, EVERYBODY, Window(offset=offset, limit=4))
        assert page.total == 10
        seen += page.rows
    assert seen == everybody
    nobody = await work.read(acme.bob, find_users, EVERYBODY, Window(offset=0, limit=0))
    assert (nobody.rows, nobody.total) == ([], 10)


async def test_the_log_of_one_company_says_nothing_of_another(work: Work, acme: Acme, globex: Globex) -> None:
    before = await events(work, globex)
    await work.write(acme.alice, create_user, person("carol@acme.example"))
    assert await events(work, globex) == before
