"""Steps divide a day and spans fit them; what does not fit is told what would."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import ProblemError
from api.signals import resolution

START = datetime(2026, 11, 1, tzinfo=UTC)


@given(st.integers(1, resolution.DAY_S))
def test_exactly_the_divisors_of_a_day_are_steps(step_s: int) -> None:
    if resolution.DAY_S % step_s == 0:
        resolution.require_step(step_s)
    else:
        with pytest.raises(ProblemError) as refusal:
            resolution.require_step(step_s)
        assert refusal.value.faults[0].field == "step"


def test_the_nearest_steps_are_named() -> None:
    with pytest.raises(ProblemError, match="does not divide") as refusal:
        resolution.require_step(61)
    assert "60 or 64" in refusal.value.way_out  # 64 × 1350 s are a day


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=36_524)))  # the century that is allowed
def test_the_step_that_is_named_fits_and_no_smaller_one_does(span: timedelta) -> None:
    step_s = resolution.fitting_step(span)
    resolution.require_span(START, START + span, step_s)
    smaller = [step for step in resolution.STEPS if step < step_s]
    if smaller:
        with pytest.raises(ProblemError):
            resolution.require_span(START, START + span, smaller[-1])


def test_rows_are_given_for_a_week_and_not_a_moment_more() -> None:
    week = START + timedelta(days=7)
    resolution.require_span(START, week, None)
    with pytest.raises(ProblemError) as refusal:
        resolution.require_span(START, week + timedelta(microseconds=1), None)
    # 604,800 s in 100,000 steps: at least 6.05 s, and 8 divides a day.
    assert "step=8 " in refusal.value.way_out


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - hypothesis wants them naive
    st.timedeltas(timedelta(microseconds=1), timedelta(days=3)),
    st.sampled_from(resolution.STEPS),
)
def test_a_span_is_widened_to_whole_steps_from_midnight_utc(
    naive: datetime, span: timedelta, step_s: int
) -> None:
    asked = (naive.replace(tzinfo=UTC), naive.replace(tzinfo=UTC) + span)
    start, end = resolution.Steps(step_s, "UTC", *asked).aligned(*asked)
    step = timedelta(seconds=step_s)
    assert start <= asked[0] < start + step
    assert end - step < asked[1] <= end
    for edge in (start, end):
        midnight = edge.replace(hour=0, minute=0, second=0, microsecond=0)
        assert (edge - midnight) % step == timedelta(0)


ZONES = ("Asia/Shanghai", "Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "Africa/Cairo")


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.timedeltas(timedelta(microseconds=1), timedelta(days=3)),
    st.sampled_from(resolution.STEPS),
    st.sampled_from(ZONES),
)
def test_in_a_zone_a_span_is_widened_to_steps_from_its_midnights(
    naive: datetime, span: timedelta, step_s: int, name: str
) -> None:
    asked = (naive.replace(tzinfo=UTC), naive.replace(tzinfo=UTC) + span)
    steps = resolution.Steps(step_s, name, *asked)
    start, end = steps.aligned(*asked)
    assert start <= asked[0]
    assert asked[1] <= end
    assert steps.aligned(start, end) == (start, end)  # no further
    zone, step = ZoneInfo(name), timedelta(seconds=step_s)
    assert steps.after(start) > asked[0] or is_said_twice(asked[0], zone)
    for edge in (start, end):
        wall = edge.astimezone(zone).replace(tzinfo=None)
        leapt = edge - timedelta(microseconds=1)
        if edge.astimezone(zone).utcoffset() == leapt.astimezone(zone).utcoffset():
            assert (wall - datetime.combine(wall.date(), time())) % step == timedelta(0)


def is_said_twice(time: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks say so an hour before or after, too."""
    local = time.astimezone(zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@pytest.mark.parametrize(("hour", "minute"), [(3, 31), (4, 29), (4, 30), (4, 40), (5, 29)])
def test_an_hour_that_is_said_twice_is_told_whole(hour: int, minute: int) -> None:
    # In St John's, 2 o'clock was 1 o'clock again at 04:30 UTC; 27 s divide no half hour.
    within = datetime(2016, 11, 6, hour, minute, tzinfo=UTC)
    begins, ends = (
        datetime(2016, 11, 6, 3, 29, 51, tzinfo=UTC),
        datetime(2016, 11, 6, 5, 30, 9, tzinfo=UTC),
    )
    asked = (within, within + timedelta(days=1))
    assert resolution.Steps(27, "America/St_Johns", *asked).aligned(*asked)[0] == begins
    asked = (within - timedelta(days=1), within)
    steps = resolution.Steps(27, "America/St_Johns", *asked)
    start, end = steps.aligned(*asked)
    assert end == ends
    assert steps.aligned(start, end) == (start, end)


@pytest.mark.parametrize(
    ("name", "step_s", "clock"),
    [
        ("Asia/Shanghai", 3600, "UTC"),  # its hours are everybody's
        ("Asia/Shanghai", 28_800, "UTC"),
        ("Asia/Shanghai", 86_400, "Asia/Shanghai"),
        ("Asia/Kolkata", 1800, "UTC"),
        ("Asia/Kolkata", 3600, "Asia/Kolkata"),
        ("Europe/London", 86_400, "UTC"),  # in winter
    ],
)
def test_steps_are_counted_by_local_clocks_where_that_makes_a_difference(
    name: str, step_s: int, clock: str
) -> None:
    assert resolution.Steps(step_s, name, START, START + timedelta(days=9)).clock == clock


def test_a_day_on_which_clocks_change_is_one_step() -> None:
    zone = ZoneInfo("Europe/Berlin")
    for day, hours in (
        (datetime(2026, 3, 29, tzinfo=zone), 23),
        (datetime(2026, 10, 25, tzinfo=zone), 25),
    ):
        noon = day.replace(hour=12)
        steps = resolution.Steps(resolution.DAY_S, zone.key, noon, noon + timedelta(minutes=1))
        start, end = steps.aligned(noon, noon + timedelta(minutes=1))
        assert start == day
        assert (end - start) == timedelta(hours=hours)
