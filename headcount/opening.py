"""From settings to what runs the verbs."""

from headcount.settings import Settings
from service.store.opening import open_store
from service.store.postgres import PostgresLimits
from service.tokens import Seal
from service.work import Work


def open_work(settings: Settings) -> Work:
    """The work on this process's database; UnusableDatabaseError where there is none that can be used."""
    limits = PostgresLimits(
        connections=settings.database_connections,
        statement_seconds=settings.database_statement_seconds,
        lock_seconds=settings.database_lock_seconds,
    )
    return Work(open_store(settings.database_url, limits), Seal(settings.secret_key.get_secret_value()))
