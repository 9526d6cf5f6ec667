"""Time as the domain keeps it: UTC, whole milliseconds, so that what is stored is what is shown."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, UTC, cut to milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
