"""Tests of moments as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kernel.errors import Invalid
from features.kernel.moments import moment_of, text_of, utc_now

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12, minutes=-30))])
MOMENTS = st.datetimes(timezones=ZONES)


@given(MOMENTS.filter(lambda moment: 1900 < moment.year < 9998))
def test_a_moment_survives_being_written(moment: datetime) -> None:
    text = text_of(moment)
    assert moment_of(text) == moment
    assert text.endswith("Z")
    assert len(text) == 27


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(Invalid, match="is not a moment"):
        moment_of("yesterday")


def test_the_clock_tells_a_zone() -> None:
    assert utc_now().tzinfo is UTC
