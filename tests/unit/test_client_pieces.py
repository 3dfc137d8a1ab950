"""A span of signals that is longer than the API takes is asked for in pieces that cut no step."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from api.signals import resolution
from telemetry_client import times
from telemetry_client.queries import of_signals


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
@pytest.mark.parametrize("step_s", [1, 5, 60, 3600])
def test_no_step_is_cut_where_a_span_is_asked_for_in_pieces(zone: str, step_s: int) -> None:
    begin = datetime(2026, 1, 1, 3, 20, tzinfo=UTC)
    finish = begin + timedelta(days=400)
    step = timedelta(seconds=step_s)
    longest = step * of_signals.MOST_STEPS
    found = list(times.pieces(begin, finish, longest, step, zone))
    assert found[0][0] == begin
    assert found[-1][1] == finish
    for (_, end), (start, _) in pairwise(found):
        assert start == end
        local = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert (local - datetime.combine(local.date(), time())) % step == timedelta(0)
    for start, end in found:
        resolution.require_span(
            *resolution.Steps(step_s, zone, start, end).aligned(start, end), step_s
        )
