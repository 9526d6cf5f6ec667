"""Whoever changes the engine notices nothing: the same acts have the same answers on both, to the microsecond."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from service.actor import Actor, Role
from service.audit import AuditEvent
from service.audit_log import AuditFilter, count_audit_events, page_audit_events
from service.clock import now
from service.flags import Flag, set_flag
from service.pages import PageRequest
from service.refusals import Refused
from service.store.columns import table_of
from service.store.copying import copy_rows
from service.store.opening import open_store
from service.store.statements import UniqueViolationError
from service.tokens import Seal
from service.users.commands import create_user, deactivate_user, delete_user, edit_user, set_role, update_user
from service.users.fields import ManagedBy, UserEmail
from service.users.queries import UserFilter, UserOrder, all_users, count_users, page_users
from service.work import Work
from tests.postgres import PostgresServer
from tests.service.cast import Acme, changed, events, everything, found_everybody, person
from tests.service.databases import PostgresDatabases, SqliteFiles

pytestmark = pytest.mark.anyio

# Alike or not, by case, width, composition, script or locale; and what means something to SQL, LIKE or a collation.
WIDE_ADA = "\uff21\uff24\uff21"
NAMES = (
    *("zoe", "Zoë", "ZOE\u0308", "zoë", "Émile", "emile", "E\u0301MILE", "ada", WIDE_ADA, "Ada", "ß", "ss", "SS", "ẞ"),
    *("ﬁnn", "finn", "İpek", "ipek", "\u0131pek", "I\u0307PEK", "Ω", "ω", "\u2126", "李", "🧑", "\ufffd", "a\u200bb"),
    *("%", "_", "\\", "\\%", "'", '"', "--", "a b", "a-b", "a_b", "aXb", "a~b", "ab", "A", "a", "B", "b", "~", "Z"),
)
TEXTS = ("a", "A", "%", "_", "\\", "\\%", "ss", "ß", "é", "E\u0301", "ada", "\uff21", "i", "İ", "'", "🧑", "b", "zz")

HUNDRED = PageRequest(first=100)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def both(tmp_path: Path, postgres: PostgresServer, seal: Seal) -> AsyncIterator[tuple[Work, Work, Acme]]:
    """A database on SQLite with Acme in it, and an empty one on PostgreSQL."""
    stores = [open_store(where.migrated()) for where in (SqliteFiles(tmp_path), PostgresDatabases(postgres))]
    on_sqlite, on_postgres = (Work(store, seal) for store in stores)
    acme, _ = await found_everybody(on_sqlite)
    yield on_sqlite, on_postgres, acme
    for work in (on_sqlite, on_postgres):
        await work.close()


async def made_alike(one: Work, empty: Work) -> None:
    """Give the one database what the other has."""
    async for _ in copy_rows(one._store, empty._store):
        pass


async def answer(act: Awaitable[Any]) -> Any:
    """What comes of an act: its result, or the reason of its refusal."""
    try:
        return await act
    except Refused as refused:
        return refused.reason


class Renamed:
    """Ids, tokens and moments of now by the order in which they turned up: what two runs must have in common."""

    def __init__(self, acme: Acme) -> None:
        self._known = {each: each for each in (acme.id, acme.key_id, *acme.people.values())}
        self._since = now()

    def __call__(self, value: Any) -> Any:
        match value:
            case str() if value[:4] in ("usr_", "ses_", "aud_", "key_", "wsp_"):
                return self._known.setdefault(value, f"{value[:4]}{len(self._known)}")
            case datetime() if value >= self._since:
                return "now"
            case tuple() | list():
                return [self(each) for each in value]
            case dict():
                return {name: self(each) for name, each in value.items()}
            case _ if hasattr(value, "__dataclass_fields__"):
                return type(value).__name__, self(list(vars(value).values()))
            case _:
                return value


async def test_the_same_acts_have_the_same_answers_and_leave_the_same(both: tuple[Work, Work, Acme]) -> None:
    *works, acme = both
    await made_alike(*works)
    told, left = [], []
    for work in works:
        renamed = Renamed(acme)
        told.append([renamed(each) async for each in script(work, acme)])
        left.append([(event.action, event.target_name, event.changes) for event in await events(work, acme)])
    assert told[0] == told[1]
    assert left[0] == left[1]
    refusals = [each for each in told[0] if isinstance(each, tuple)]
    assert {kind for kind, _ in refusals} == {
        "Taken",
        "Stale",
        "NotFound",
        "OwnerProtected",
        "Invalid",
        "FlagState",
    } | {"DirectoryManaged"}


async def script(work: Work, acme: Acme) -> AsyncIterator[Any]:
    """What many people do in turn, and what they are answered."""

    async def does(actor: Actor, verb: Any, *args: Any, **kwargs: Any) -> Any:
        return await answer(work.write(actor, verb, *args, **kwargs))

    bob, ann, alice = (acme.people[name] for name in ("Bob", "Ann", "Alice"))
    for number, name in enumerate(NAMES):
        fields = {"display_name": name, "emails": [{"value": f"{name}@x.example"}], "external_id": name}
        yield await does(acme.directory if number % 3 else acme.alice, create_user, person(name, **fields))
    taken = {user.user_name: user.id for user in await work.read(acme.alice, all_users)}

    # Several things are wrong at once: the same one is named.
    yield await does(acme.alice, create_user, person("ADA", emails=[{"value": "bob@acme.example"}]), role=Role.OWNER)
    yield await does(acme.ann, create_user, person("ADA"), role=Role.OWNER)
    yield await does(acme.directory, create_user, person(f"{WIDE_ADA}@x.example"))
    yield await does(acme.alice, update_user, taken["ada"], changed(user_name="SS"), if_version={7})
    yield await does(acme.alice, update_user, taken["ada"], changed(user_name="SS"), if_version={1})
    yield await does(acme.alice, update_user, taken["ada"], changed(user_name="zoe@X.example"))
    yield await does(acme.alice, update_user, "usr_0", changed(user_name="SS"))
    yield await does(acme.directory, deactivate_user, alice)
    yield await does(acme.alice, deactivate_user, alice)
    yield await does(acme.alice, edit_user, taken["ada"], {"title": "x" * 1001}, Role.ADMIN)
    yield await does(acme.ann, edit_user, taken["ada"], {"title": "kept by nobody"}, Role.OWNER)

    # What goes through.
    yield await does(acme.alice, update_user, taken["ada"], changed(user_name=WIDE_ADA, emails=None, title=""))
    yield await does(acme.directory, update_user, bob, changed(title="adopted", emails=None))
    yield await does(acme.alice, set_role, bob, Role.OWNER)
    yield await does(acme.alice, set_role, alice, Role.MEMBER)
    yield await does(acme.directory, deactivate_user, ann)
    yield await does(acme.alice, delete_user, taken["ß"])
    yield await does(acme.directory, create_user, person("SS", roles=[], photos=[{"value": "é", "primary": True}]))
    yield await does(acme.support, set_flag, Flag.SCIM_PROVISIONING, enabled=True, reason=" for the test\t")
    yield [tuple(user) for user in await work.read(acme.alice, all_users)]


async def test_orders_searches_and_cursors_are_the_same(both: tuple[Work, Work, Acme]) -> None:
    on_sqlite, on_postgres, acme = both
    for name in NAMES:
        fields = {"display_name": name, "emails": [{"value": f"{name}@x.example"}]}
        await answer(on_sqlite.write(acme.alice, create_user, person(name, **fields)))
    await made_alike(on_sqlite, on_postgres)
    works = (on_sqlite, on_postgres)
    for wanted in (
        *(UserFilter(text=text) for text in TEXTS),
        *(
            UserFilter(statuses=("ACTIVE", "INVITED"), roles=(Role.OWNER, Role.ADMIN)),
            UserFilter(managed_by=ManagedBy.DIRECTORY),
        ),
    ):
        counts = [await work.read(acme.alice, count_users, wanted) for work in works]
        pages = [await work.read(acme.alice, page_users, wanted, UserOrder.NAME_ASC, HUNDRED) for work in works]
        assert counts[0] == counts[1] == len(pages[0].rows), wanted
        assert pages[0].rows == pages[1].rows, wanted
    for order in UserOrder:
        cursor, seen = None, 0
        while True:
            page = PageRequest(first=7, after=cursor)
            here, there = [await work.read(acme.alice, page_users, UserFilter(), order, page) for work in works]
            assert here.rows == there.rows
            assert (here.has_next, here.has_previous) == (there.has_next, there.has_previous)
            seen += len(here.rows)
            if not here.has_next:
                break
            cursor = here.cursor_of(here.rows[-1])
            assert there.cursor_of(there.rows[-1]) == cursor
        assert seen == len(await on_sqlite.read(acme.alice, all_users))


async def test_moments_are_kept_and_compared_to_the_microsecond(both: tuple[Work, Work, Acme]) -> None:
    *works, acme = both
    await made_alike(*works)
    at = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)  # clocks are put forward in Berlin a microsecond later
    moments = [at + timedelta(microseconds=step) for step in (-1, 0, 1, 2)] + [datetime(1970, 1, 1, tzinfo=UTC)]
    (known, *_) = await events(works[0], acme)
    row = {name: getattr(known, name) for name in AuditEvent.model_fields}
    found = []
    for work in works:
        for number, moment in enumerate(moments):
            values = [row | {"id": f"aud_{number}", "at": moment}]
            statement = insert(table_of(AuditEvent))
            await work._store.write(acme.id, lambda c, v=values, s=statement: c.run_many(s, v))  # type: ignore[misc]
        kept = {event.id: event.at for event in await events(work, acme)}
        assert [kept[f"aud_{number}"] for number in range(len(moments))] == moments
        assert all(moment.utcoffset() == timedelta(0) for moment in kept.values())
        within = AuditFilter(since=at, until=at + timedelta(microseconds=1))
        assert await work.read(acme.alice, count_audit_events, within) == 1
        elsewhere = replace(within, since=at.astimezone(BERLIN), until=moments[2].astimezone(BERLIN))
        page = await work.read(acme.alice, page_audit_events, elsewhere, PageRequest(first=5))
        assert [event.id for event in page.rows] == ["aud_1"]
        found.append([tuple(event) for event in await events(work, acme)])
    assert found[0] == found[1]


async def test_what_is_there_already_is_named_alike_whether_one_row_is_added_or_many(
    both: tuple[Work, Work, Acme],
) -> None:
    *works, acme = both
    await made_alike(*works)
    bob = {"workspace_id": acme.id, "value_key": "bob@acme.example", "user_id": acme.people["Bob"]}
    new = bob | {"value_key": "new@acme.example"}
    for work in works:
        before = await everything(work)
        for act in (
            lambda c: c.rows(insert(table_of(UserEmail)).returning(table_of(UserEmail)), bob),
            lambda c: c.run_many(insert(table_of(UserEmail)), [new, bob]),
        ):
            with pytest.raises(UniqueViolationError):
                await work._store.write(acme.id, act)
        assert await everything(work) == before
