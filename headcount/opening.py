"""From settings to what runs the verbs."""

from dataclasses import replace

from headcount.settings import Settings
from service.store.opening import open_store
from service.store.postgres import PostgresLimits
from service.tokens import Seal
from service.work import Work

_PATIENCE_SECONDS = 30.0


def open_work(settings: Settings, *, patient: bool = False) -> Work:
    """The work on this process's database; UnusableDatabaseError where there is none that can be used.

    `patient`: wait for a busy server as long as somebody at a terminal would, and not as a request may.
    """
    limits = PostgresLimits(
        connections=settings.database_connections,
        statement_seconds=settings.database_statement_seconds,
        lock_seconds=settings.database_lock_seconds,
    )
    if patient:
        limits = replace(limits, lock_seconds=_PATIENCE_SECONDS, connect_seconds=_PATIENCE_SECONDS)
    return Work(open_store(settings.database_url, limits), Seal(settings.secret_key.get_secret_value()))
