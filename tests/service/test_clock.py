"""Moments as text: the same for every door, whatever zone they are told in."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from service.clock import now, text_of

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones() | st.just(UTC))  # noqa: DTZ001


@given(MOMENTS)
@example(datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC))
@example(datetime(2026, 11, 30, 12, 0, 0, 999, tzinfo=UTC))
@example(datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_a_moment_is_text_in_utc_to_the_millisecond(moment: datetime) -> None:
    shown = text_of(moment)
    assert len(shown) == len("2026-11-30T12:00:00.000Z")
    assert shown.endswith("Z")
    assert timedelta(0) <= moment - datetime.fromisoformat(shown) < timedelta(milliseconds=1)


def test_now_is_what_is_shown_of_it() -> None:
    before = datetime.now(UTC)
    at = now()
    assert timedelta(milliseconds=-1) < at - before < timedelta(minutes=1)
    assert datetime.fromisoformat(text_of(at)) == at
