"""Ids of runs: short, safe in names, sorted by time."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.run_id import SALTS, run_id

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2109, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SALT = st.integers(0, SALTS - 1)


@given(MOMENTS, SALT)
def test_it_is_safe_and_short(now, salt):
    assert re.fullmatch("[a-z0-9]{12}", run_id(now, salt=salt))


@given(MOMENTS, MOMENTS, SALT, SALT)
def test_it_sorts_by_time(one, other, salt, another):
    if one > other + timedelta(milliseconds=1):
        assert run_id(one, salt=salt) > run_id(other, salt=another)


@given(MOMENTS, SALT, SALT)
def test_the_salt_tells_runs_of_one_moment_apart(now, salt, another):
    assert (run_id(now, salt=salt) == run_id(now, salt=another)) == (salt == another)


def test_the_zone_does_not_matter():
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert run_id(noon, salt=1) == run_id(noon.astimezone(timezone(timedelta(hours=9))), salt=1)


@pytest.mark.parametrize("year", [2019, 2110])
def test_a_clock_that_is_far_off_is_refused(year):
    with pytest.raises(ValueError, match="does not fit"):
        run_id(datetime(year, 6, 1, tzinfo=UTC), salt=0)
