"""What `telemetry status` makes of what it found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from rich.console import Console

from cli.situation import Situation, as_json
from cli.status import counted, done, duration, show
from ingest import lag
from ingest.kafka.log import Span
from ingest.lag import Ends, Member, PartitionLag
from servers.launcher import Status
from servers.server import ServerStatus, State
from storage import overview
from storage.overview import Rates, Sample
from storage.policies import COMPRESSION, RETENTION, Policy

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
AWAY = ServerStatus(name="postgres", external=True, state=State.UNREACHABLE, detail="refused")
THERE = ServerStatus(name="kafka", external=True, state=State.RUNNING, address="k:9092")


def situation(**known: object) -> Situation:
    fields: dict[str, object] = {
        "servers": Status(home=Path("/h"), kafka=THERE, postgres=AWAY),
        "topic": "vehicle.frames",
        "group": "workers",
        "dead_topic": "vehicle.frames.dead",
    }
    return Situation(**(fields | known))  # type: ignore[arg-type]  # any of its fields


def taken(messages: int, written_s: float | None, at_s: float) -> Sample:
    return Sample(
        messages=messages,
        frames=60 * messages,
        values=6000 * messages,
        written_at=None if written_s is None else NOW + timedelta(seconds=written_s),
        at=NOW + timedelta(seconds=at_s),
    )


def ends(end: int, at: float) -> Ends:
    return Ends(
        cluster_id="c",
        topic_id=UUID(int=1),
        spans={0: Span(first=0, end=end), 1: Span(first=0, end=end)},
        at=at,
        letters=17,
        members=(Member(client="k", host="10.0.0.3"), Member(client="k", host="10.0.0.4")),
    )


def policy(found_days: float | None, wanted_days: int = 7, kind: str = COMPRESSION) -> Policy:
    return Policy(
        relation="signal_motion", kind=kind, found_days=found_days, wanted_days=wanted_days
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (99, "99 s"), (600, "10 min"), (18_000, "5.0 h"), (276_480, "3.2 days")],
)
def test_a_length_of_time_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_rates_are_taken_between_the_batches_that_the_samples_saw() -> None:
    # Three batches of ten messages, a second apart; the looks were 2.6 s apart.
    found = overview.rates(taken(10, 0.0, 0.9), taken(40, 3.0, 3.5))
    assert found == Rates(messages=10, frames=600, values=60_000, seconds=3)


def test_a_batch_after_a_long_pause_does_not_hide_in_it() -> None:
    found = overview.rates(taken(0, 0.0, 3600.0), taken(120, 3601.0, 3602.0))
    assert found.messages == pytest.approx(2)  # spread over a minute, not over the hour
    assert found.seconds == overview.LONGEST_BASE_S


@pytest.mark.parametrize("written_s", [None, 0.0])
def test_without_a_batch_between_the_samples_the_rate_is_nought(written_s: float | None) -> None:
    found = overview.rates(taken(5, written_s, 1.0), taken(5, written_s, 3.0))
    assert found == Rates(messages=0, frames=0, values=0, seconds=2)


def test_the_first_batch_ever_counts_over_the_time_between_the_samples() -> None:
    assert overview.rates(taken(0, None, 1.0), taken(6, 2.0, 3.0)).messages == 3


def test_arriving_messages_are_those_of_all_partitions() -> None:
    assert lag.arrived(ends(100, 5.0), ends(120, 9.0)) == 10


def test_the_queue_is_drained_by_what_is_written_faster_than_it_arrives() -> None:
    waiting = [PartitionLag(partition=0, end=100, written=40, lag=60)]
    rates = Rates(messages=50, frames=0, values=0, seconds=2)
    assert situation(lags=waiting, rates=rates, arriving=20.0).drain_s == 2
    assert situation(lags=waiting, rates=rates, arriving=50.0).drain_s is None
    assert situation(lags=waiting, rates=rates).drain_s is None


def test_of_many_kinds_the_most_frequent_are_shown_and_the_sum() -> None:
    counts = {("refused", "too_old"): 3}
    counts |= {("out_of_limits", f"signal_{number}"): 20 - number for number in range(12)}
    found = counted(counts.items(), shown=3)
    assert found == [
        ("refused", "too_old", 3),
        ("out_of_limits", "signal_0", 20),
        ("out_of_limits", "signal_1", 19),
        ("out_of_limits", "signal_2", 18),
        ("out_of_limits", "in all, of 12 kinds", sum(range(9, 21))),
    ]


def test_policies_that_migrate_has_yet_to_apply_are_marked() -> None:
    assert done([policy(7), policy(7)]) == "7 days"
    assert done([policy(7), policy(30)]) == "30 days or 7 days: run `telemetry migrate`"
    assert done([policy(None, 90, RETENTION)]) == "no policy: run `telemetry migrate`"


def test_what_kafka_knows_is_shown_while_the_database_is_away() -> None:
    console = Console(width=150, record=True, quiet=False)
    with console.capture() as capture:
        show(situation(ends=ends(100, 5.0), faults=["postgres is unreachable"]), console)
    said = capture.get()
    assert "postgres is unreachable" in said
    assert "17 in vehicle.frames.dead" in said
    assert "2 in group workers (10.0.0.3, 10.0.0.4)" in said


def test_json_says_what_could_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEMETRY_RETENTION_DAYS", raising=False)
    made = situation(ends=ends(100, 5.0), faults=["postgres is unreachable"])
    found = json.loads(orjson.dumps(as_json(made)))
    assert found["well"] is False
    assert found["servers"]["postgres"]["state"] == "unreachable"
    assert found["ingest"]["dead_letters"] == 17
    assert found["ingest"]["lag_messages"] is None
    assert found["data"]["vehicles"] is None
    assert found["storage"]["settings"]["retention_days"] == 90
