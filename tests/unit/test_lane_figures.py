"""Figures of several lanes are told as those of one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.lanes.figures import LaneFigures
from ingest.metrics import Metrics
from ingest.settings import IngestSettings
from schemas import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = IngestSettings()


@pytest.fixture
def lanes() -> list[Metrics]:
    """What two lanes count for themselves."""
    return [Metrics(catalogue.default()) for _ in range(2)]


def joined(lanes: list[Metrics], faults: Mapping[int, str] | None = None) -> LaneFigures:
    """What the reader makes of it."""
    figures = LaneFigures(lambda _: None)
    for number, metrics in enumerate(lanes):
        families = list(metrics.registry.collect())
        figures.told(number, families, (faults or {}).get(number))
    return figures


def value(figures: LaneFigures, name: str, **labels: str) -> float | None:
    """A sample as a scrape sees it."""
    return figures.registry.get_sample_value(name, labels)


def test_counts_and_histograms_are_added_up_label_by_label(lanes: list[Metrics]) -> None:
    lanes[0].working.mark("fetch")
    lanes[0].working.mark(None)
    lanes[0].write_seconds.observe(0.3)
    lanes[1].write_seconds.observe(0.2)
    lanes[1].write_seconds.observe(7)
    figures = joined(lanes)
    assert value(figures, "telemetry_ingest_write_seconds_count") == 3
    assert value(figures, "telemetry_ingest_write_seconds_sum") == pytest.approx(7.5)
    assert value(figures, "telemetry_ingest_write_seconds_bucket", le="0.25") == 1
    fetched = figures.stage_seconds()["fetch"]
    assert fetched > 0
    assert fetched == sum(metrics.stage_seconds()["fetch"] for metrics in lanes)


def test_partitions_come_together_and_are_had_anew_once(lanes: list[Metrics]) -> None:
    lanes[0].assigned({0: 5, 2: None})
    lanes[1].assigned({1: 7})
    for metrics in lanes:
        metrics.looked({0: (0, 12), 1: (0, 9), 2: (3, 8)})
    figures = joined(lanes)
    assert value(figures, "telemetry_ingest_partitions") == 3
    assert value(figures, "telemetry_ingest_rebalances_total") == 1
    assert [
        value(figures, "telemetry_ingest_lag_messages", partition=str(number))
        for number in range(3)
    ] == [7, 2, 5]


def test_a_server_is_up_while_all_lanes_see_it_and_the_slowest_loop_counts(
    lanes: list[Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes[1].failed(RuntimeError("the database is away"))
    monkeypatch.setattr("prometheus_client.metrics.time.time", lambda: 100.0)
    lanes[0].turned()
    monkeypatch.setattr("prometheus_client.metrics.time.time", lambda: 90.0)
    lanes[1].turned()
    figures = joined(lanes)
    assert value(figures, "telemetry_ingest_server_up", server="database") == 0
    assert value(figures, "telemetry_ingest_server_up", server="kafka") == 1
    assert value(figures, "telemetry_ingest_last_turn_timestamp_seconds") == 90


def test_lanes_hear_whether_kafka_answered() -> None:
    told: list[Mapping[int, tuple[int, int]] | None] = []
    figures = LaneFigures(told.append)
    figures.looked({0: (0, 9)})
    figures.unanswered()
    assert told == [{0: (0, 9)}, None]


def test_memory_is_that_of_all_processes(lanes: list[Metrics]) -> None:
    alone, both = joined([]), joined(lanes)
    one = value(alone, "process_resident_memory_bytes")
    assert one is not None
    assert (value(both, "process_resident_memory_bytes") or 0) > 2 * one


def test_whoever_restarts_it_is_told_which_lane_is_not_well(
    lanes: list[Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = joined(lanes, {1: "nothing was committed for 301 s, and 40 messages wait"})
    assert figures.fault(SETTINGS) == (
        "lane 1: nothing was committed for 301 s, and 40 messages wait"
    )
    figures = joined(lanes)
    assert figures.fault(SETTINGS) is None
    now = figures._turned + 61
    monkeypatch.setattr("ingest.lanes.figures.monotonic", lambda: now)
    assert figures.fault(SETTINGS) == "the reader's loop has not turned for 61 s"
    figures.turned()
    assert "lane 0 has said nothing for 61 s" in (figures.fault(SETTINGS) or "")
