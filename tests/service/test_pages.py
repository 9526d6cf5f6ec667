"""Pages by cursor: nobody is lost or shown twice, whatever comes and goes, and no cursor can be made up."""

import base64

import pytest

from service.actor import Role
from service.api_keys import ApiKeyScope, count_api_keys, create_api_key, list_api_keys, page_api_keys
from service.audit import Action
from service.audit_log import AuditFilter, count_audit_events, get_audit_event, page_audit_events
from service.pages import MAX_SIZE, Page, PageRequest
from service.refusals import Forbidden, Invalid, NotFound, Reason
from service.tokens import Seal
from service.users.commands import create_user, deactivate_user, delete_user, edit_user
from service.users.fields import ManagedBy, User
from service.users.queries import UserFilter, UserOrder, all_users, count_users, get_user, page_users
from service.work import Work
from tests.service.cast import Acme, Globex, events, nothing_changes, person, recorded, refusal
from tests.service.databases import CountingStore

pytestmark = pytest.mark.anyio

EVERYBODY = UserFilter()
NAMES = ["Émile", "emil", "Zoë", "zoe", "ＡＤＡ", "ada", "bob", "Bob", "", "%", "_", "李"]  # noqa: RUF001


async def many(work: Work, acme: Acme) -> None:
    """People whose names are alike, in no order."""
    for number, name in enumerate(NAMES):
        await work.write(acme.alice, create_user, person(f"p{number}", display_name=name or None))


async def people(work: Work, acme: Acme, order: UserOrder, **wanted: object) -> Page[User]:
    """A page of Acme's people."""
    return await work.read(acme.bob, page_users, EVERYBODY, order, PageRequest(**wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize("order", list(UserOrder))
@pytest.mark.parametrize("size", [1, 4, 7, 100])
async def test_walking_forwards_and_backwards_shows_everybody_once(
    work: Work, acme: Acme, order: UserOrder, size: int
) -> None:
    await many(work, acme)
    (whole,) = [(await people(work, acme, order, first=100)).rows]
    assert len(whole) == len(NAMES) + 3
    if order is UserOrder.NAME_ASC:
        assert [(user.name_key, user.id) for user in whole] == sorted((user.name_key, user.id) for user in whole)
    else:
        everybody = await work.read(acme.alice, all_users)
        assert [user.id for user in whole] == [user.id for user in reversed(everybody)]

    forwards: list[User] = []
    page = await people(work, acme, order, first=size)
    assert not page.has_previous
    while True:
        forwards += page.rows
        if not page.has_next:
            break
        page = await people(work, acme, order, first=size, after=page.cursor_of(page.rows[-1]))
        assert page.has_previous
    assert forwards == whole

    backwards: list[User] = []
    page = await people(work, acme, order, last=size)
    assert not page.has_next
    while True:
        backwards = page.rows + backwards
        if not page.has_previous:
            break
        page = await people(work, acme, order, last=size, before=page.cursor_of(page.rows[0]))
        assert page.has_next
    assert backwards == whole


async def test_a_cursor_survives_that_its_row_goes_and_others_come(work: Work, acme: Acme) -> None:
    await many(work, acme)
    before = await people(work, acme, UserOrder.NAME_ASC, first=100)
    here = before.rows[5]
    cursor = before.cursor_of(here)
    await work.write(acme.alice, delete_user, here.id)
    new = await work.write(acme.alice, create_user, person("new", display_name="\u7fff"))
    after = await people(work, acme, UserOrder.NAME_ASC, first=100, after=cursor)
    assert [user.id for user in after.rows] == [*(user.id for user in before.rows[6:]), new.id]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"first": 0},
        {"first": -1},
        {"first": MAX_SIZE + 1},
        {"last": 0},
        {"first": 1, "last": 1},
        {"first": 1, "before": "x"},
        {"last": 1, "after": "x"},
        {"first": 1, "after": ""},
        {"first": 1, "after": "nonsense"},
        {"first": 1, "after": "é"},
        {"last": 1, "before": base64.urlsafe_b64encode(b"x" * 40).decode()},
    ],
)
async def test_a_page_that_cannot_be_is_refused(work: Work, acme: Acme, wanted: dict[str, object]) -> None:
    assert isinstance(await refusal(people(work, acme, UserOrder.NAME_ASC, **wanted)), Invalid)


async def test_a_cursor_is_good_for_its_own_list_order_and_workspace_only(
    work: Work, acme: Acme, globex: Globex, store: CountingStore
) -> None:
    page = await people(work, acme, UserOrder.CREATED_DESC, first=1)
    cursor = page.cursor_of(page.rows[0])
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    tampered = base64.urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()
    after = PageRequest(first=1, after=cursor)
    elsewhere = Work(store, Seal("another secret key of another installation"))
    answers: list[Reason] = [
        await refusal(people(work, acme, UserOrder.NAME_ASC, first=1, after=cursor)),
        await refusal(people(work, acme, UserOrder.CREATED_DESC, first=1, after=tampered)),
        await refusal(work.read(globex.charlie, page_users, EVERYBODY, UserOrder.CREATED_DESC, after)),
        await refusal(work.read(acme.ann, page_api_keys, after)),
        await refusal(work.read(acme.ann, page_audit_events, AuditFilter(), after)),
        await refusal(elsewhere.read(acme.bob, page_users, EVERYBODY, UserOrder.CREATED_DESC, after)),
    ]
    assert len(set(answers)) == 1
    assert isinstance(answers[0], Invalid)
    assert answers[0].field == "after"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ada", {"p4", "p5"}),
        ("ADA", {"p4", "p5"}),
        ("EMIL", {"p1"}),
        ("ÉMIL", {"p0"}),
        ("e\u0301mil", {"p0"}),
        ("%", {"p9"}),
        ("_", {"p10"}),
        ("李", {"p11"}),
        ("\\", set()),
        ("p1", {"p1", "p10", "p11"}),
        ("ALICE@acme", {"alice@acme.example"}),
        ("' OR 1=1 --", set()),
    ],
)
async def test_people_are_found_by_part_of_a_name_or_an_address(
    work: Work, acme: Acme, text: str, found: set[str]
) -> None:
    await many(work, acme)
    which = UserFilter(text=text)
    page = await work.read(acme.bob, page_users, which, UserOrder.NAME_ASC, PageRequest(first=100))
    assert {user.user_name for user in page.rows} == found
    assert await work.read(acme.bob, count_users, which) == len(found)


@pytest.mark.parametrize("text", ["x" * 60_000, "a\x00", "\ud800"])
async def test_a_text_that_nobody_can_be_found_by_is_refused(work: Work, acme: Acme, text: str) -> None:
    reason = await refusal(work.read(acme.bob, count_users, UserFilter(text=text)))
    assert isinstance(reason, Invalid)
    assert reason.field == "text"


async def test_people_are_found_by_what_they_are(work: Work, acme: Acme) -> None:
    carol = await work.write(acme.directory, create_user, person("carol"))
    await work.write(acme.directory, deactivate_user, carol.id)

    async def found(**wanted: object) -> set[str]:
        which = UserFilter(**wanted)  # type: ignore[arg-type]
        page = await work.read(acme.bob, page_users, which, UserOrder.NAME_ASC, PageRequest(first=100))
        assert await work.read(acme.bob, count_users, which) == len(page.rows)
        return {user.id for user in page.rows}

    everybody = {*acme.people.values(), carol.id}
    assert await found() == everybody
    assert await found(statuses=("INACTIVE",)) == {carol.id}
    assert await found(statuses=("ACTIVE",)) == everybody - {carol.id}
    assert await found(roles=(Role.OWNER, Role.ADMIN)) == {acme.people["Alice"], acme.people["Ann"]}
    assert await found(managed_by=ManagedBy.DIRECTORY) == {carol.id}
    assert await found(managed_by=ManagedBy.DIRECTORY, statuses=("ACTIVE", "INVITED")) == set()


async def test_keys_come_the_newest_first(work: Work, acme: Acme) -> None:
    for name in ("second", "third"):
        await work.write(acme.ann, create_api_key, name=name, scopes=[ApiKeyScope.SCIM])
    page = await work.read(acme.ann, page_api_keys, PageRequest(first=2))
    assert [key.name for key in page.rows] == ["third", "second"]
    assert page.has_next
    assert await work.read(acme.ann, count_api_keys) == len(await work.read(acme.ann, list_api_keys)) == 3


async def test_the_audit_log_is_read_the_newest_first_and_by_what_matters(work: Work, acme: Acme) -> None:
    whole = list(reversed(await events(work, acme)))

    async def told(**wanted: object) -> list[str]:
        which = AuditFilter(**wanted)  # type: ignore[arg-type]
        page = await work.read(acme.ann, page_audit_events, which, PageRequest(first=100))
        assert await work.read(acme.ann, count_audit_events, which) == len(page.rows)
        return [event.id for event in page.rows]

    assert await told() == [event.id for event in whole]
    bob, alice = acme.people["Bob"], acme.people["Alice"]
    assert await told(target_id=bob) == [event.id for event in whole if event.target_id == bob]
    assert await told(actor_id=alice) == [event.id for event in whole if event.actor_id == alice]
    made = (Action.USER_CREATED, Action.API_KEY_CREATED)
    assert await told(actions=made) == [event.id for event in whole if event.action in made]
    middle = whole[3].at
    assert await told(since=middle) == [event.id for event in whole if event.at >= middle]
    assert await told(until=middle) == [event.id for event in whole if event.at < middle]
    assert await work.read(acme.ann, get_audit_event, whole[0].id) == whole[0]


async def test_the_audit_log_is_for_owners_and_admins_of_the_workspace(work: Work, acme: Acme, globex: Globex) -> None:
    event = (await events(work, acme))[0]
    for actor in (acme.bob, acme.directory):
        assert await refusal(work.read(actor, get_audit_event, event.id)) == Forbidden("audit:read")
        assert await refusal(work.read(actor, count_audit_events, AuditFilter())) == Forbidden("audit:read")
    gone = NotFound("AuditEvent", event.id)
    assert await refusal(work.read(globex.charlie, get_audit_event, event.id)) == gone


async def test_editing_changes_fields_and_role_together_or_neither(work: Work, acme: Acme) -> None:
    bob = acme.people["Bob"]
    async with nothing_changes(work):
        refused = work.write(acme.ann, edit_user, bob, {"title": "Baker"}, Role.OWNER)
        assert not isinstance(await refusal(refused), NotFound)
        assert isinstance(await refusal(work.write(acme.ann, edit_user, bob, {"role": "OWNER"}, None)), Invalid)
        assert isinstance(await refusal(work.write(acme.ann, edit_user, bob, {"version": 7}, Role.ADMIN)), Invalid)
    async with recorded(work, acme) as new:
        edited = await work.write(acme.ann, edit_user, bob, {"title": "Baker"}, Role.ADMIN)
    assert (edited.title, edited.role) == ("Baker", "ADMIN")
    assert [[change["field"] for change in event.changes or []] for event in new] == [["title"], ["role"]]
    assert await work.read(acme.ann, get_user, bob) == edited
    async with nothing_changes(work):
        await work.write(acme.ann, edit_user, bob, {"title": "Baker"}, Role.ADMIN)
