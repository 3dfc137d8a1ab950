"""Which rollups a catalogue implies."""

from __future__ import annotations

import pytest

from schemas import catalogue
from storage.rollups import HOUR_S, MINUTE_S, Rollup, rollups
from tests.samples.storage_samples import SMALL, grown, signal


def summary(found: list[Rollup]) -> list[tuple[str, str, int, list[str]]]:
    return [
        (rollup.relation, rollup.source, rollup.bucket_s, [s.name for s in rollup.signals])
        for rollup in found
    ]


def test_a_group_of_every_second_has_minutes_and_hours_on_top_a_slower_one_hours_alone() -> None:
    fast = ["speed", "brake", "gear", "odometer", "level"]
    slow = ["warmth", "starts", "pulses", "hours", "lamp", "mode", "steps", "target"]
    assert summary(rollups(SMALL)) == [
        ("signal_motion_1m", "signal_motion", MINUTE_S, fast),
        ("signal_motion_1h", "signal_motion_1m", HOUR_S, fast),
        ("signal_counters_1h", "signal_counters", HOUR_S, slow),
    ]


def test_signals_of_a_later_version_have_relations_of_their_own() -> None:
    found = rollups(grown(signal(6, "slope", "motion"), signal(19, "dust", "counters")))
    assert summary(found)[2:4] == [
        ("signal_motion_1m_v2", "signal_motion", MINUTE_S, ["slope"]),
        ("signal_motion_1h_v2", "signal_motion_1m_v2", HOUR_S, ["slope"]),
    ]
    assert summary(found)[5:] == [("signal_counters_1h_v2", "signal_counters", HOUR_S, ["dust"])]


@pytest.mark.parametrize("rollup", rollups(catalogue.default()), ids=lambda rollup: rollup.relation)
def test_the_packaged_rollups_fit_into_postgresql(rollup: Rollup) -> None:
    assert len(rollup.relation) <= 63  # bytes of an identifier, NAMEDATALEN - 1
    # 4 figures a signal at the most; 1600 columns are PostgreSQL's limit (MaxHeapAttributeNumber).
    assert 4 * len(rollup.signals) + 2 <= 1600
