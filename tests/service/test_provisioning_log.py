"""How long the provisioning log is kept, and how much of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from service.actor import system
from service.clock import now
from service.pages import PageRequest
from service.provisioning import log, recorder
from service.provisioning.log import (
    ProvisioningFilter,
    count_provisioning_events,
    last_provisioning_events,
    page_provisioning_events,
    trim_provisioning_log,
    write_exchanges,
)
from service.provisioning.recorder import Recorder
from service.provisioning.settings import set_provisioning_settings
from service.work import Work
from tests.service.cast import EXCHANGE, Acme, Globex

pytestmark = pytest.mark.anyio

EVERYTHING = ProvisioningFilter()


async def count(work: Work, acme: Acme) -> int:
    return await work.read(acme.alice, count_provisioning_events, EVERYTHING)


async def test_entries_go_when_the_workspace_s_days_are_over(work: Work, acme: Acme) -> None:
    ages = [replace(EXCHANGE, at=now() - timedelta(days=days)) for days in (0, 4, 6, 31)]
    await work.write(system(acme.id), write_exchanges, ages)
    assert await work.write(system(acme.id), trim_provisioning_log) == 1
    await work.write(acme.alice, set_provisioning_settings, {"provisioning_log_days": 5})
    assert await work.write(system(acme.id), trim_provisioning_log) == 1
    assert await count(work, acme) == 2


async def test_the_oldest_go_where_there_are_too_many(
    work: Work, acme: Acme, globex: Globex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_ENTRIES", 3)
    fresh = [replace(EXCHANGE, at=now(), address=f"/{number}") for number in range(5)]
    for company in (acme, globex):
        await work.write(system(company.id), write_exchanges, fresh)
    assert await work.write(system(acme.id), trim_provisioning_log) == 2
    page = await work.read(acme.alice, page_provisioning_events, EVERYTHING, PageRequest(first=9))
    assert [row.address for row in page.rows] == ["/4", "/3", "/2"]
    assert await work.read(globex.charlie, count_provisioning_events, EVERYTHING) == 5


async def test_the_last_entry_about_each_of_many_is_found_at_once(work: Work, acme: Acme, globex: Globex) -> None:
    bob, ann = acme.people["Bob"], acme.people["Ann"]
    told = [(bob, "/1"), (ann, "/2"), (bob, "/3"), (None, "/4")]
    entries = [replace(EXCHANGE, target_kind="User", target_id=target, address=address) for target, address in told]
    await work.write(system(acme.id), write_exchanges, entries)
    later = replace(entries[0], address="/of another workspace")
    await work.write(system(globex.id), write_exchanges, [later])
    last = await work.read(acme.alice, last_provisioning_events, [bob, ann, "usr_none"])
    assert {target: event.address for target, event in last.items()} == {bob: "/3", ann: "/2"}
    assert await work.read(acme.alice, last_provisioning_events, []) == {}


async def test_what_cannot_be_written_in_time_is_counted_and_said(
    work: Work, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_MAX_WAITING", 3)
    behind = Recorder(work)
    for number in range(10):
        behind.note(acme.id, replace(EXCHANGE, address=f"/{number}"))
    await behind.close()
    behind.note(acme.id, replace(EXCHANGE, address="/after"))
    await asyncio.gather(behind.close())
    page = await work.read(acme.alice, page_provisioning_events, EVERYTHING, PageRequest(first=9))
    said = [row.response for row in page.rows if row.operation == "ENTRIES_LOST"]
    assert said == ["7 entries were lost: more came than could be written"]
    assert {row.address for row in page.rows} == {"/0", "/1", "/2", "/after", "-"}
