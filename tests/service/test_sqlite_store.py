"""SQLite: many verbs in one commit, none answered before it, none lost after it."""

import asyncio
import os
import signal
import sqlite3  # noqa: TID251 - what another process does to the file
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from service.audit import Action, Event
from service.refusals import Busy, Invalid, Refused, Taken
from service.store import sqlite
from service.store.opening import UnusableDatabaseError, open_engine, open_store
from service.store.schema import check, current_revision, known_revisions, migrate, newest_revision
from service.tokens import Seal
from service.unit_of_work import UnitOfWork
from service.users.commands import create_user, update_user
from service.users.queries import all_users, get_user
from service.work import Work
from tests.service.cast import Acme, changed, events, nothing_changes, person, refusal
from tests.service.databases import SqliteFiles

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def databases(tmp_path: Path) -> SqliteFiles:
    """SQLite's own tests, whatever engines the others run on."""
    return SqliteFiles(tmp_path)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory, seal: Seal) -> Iterator[tuple[str, Acme, object]]:
    """The cast in a file."""
    from tests.service.cast import found_everybody

    url = SqliteFiles(tmp_path_factory.mktemp("sqlite")).migrated()

    async def found() -> tuple[Acme, object]:
        work = Work(open_store(url), seal)
        try:
            return await found_everybody(work)
        finally:
            await work.close()

    yield (url, *asyncio.run(found()))
