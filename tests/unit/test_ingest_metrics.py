"""What a worker tells about itself: documented, bounded, and true to what it was told."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from prometheus_client.metrics import MetricWrapperBase

from ingest import metrics as module
from ingest.assemble import Assembled
from ingest.errors import KafkaUnreachableError
from ingest.metrics import CAUSES, STAGES, Metrics, cause_of
from ingest.monitor import application
from ingest.record import DeadLetter, Reason, Record
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.wire import Refusal
from storage.batch import Batch, CountKey, GroupRows, OffsetAdvance
from storage.errors import DatabaseUnreachableError, OffsetConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SETTINGS = IngestSettings(hung_after_s=60, stuck_after_s=300)
FIRST_US = 1_790_000_000_000_000


class Clock:
    """A monotonic clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "monotonic", made)
    monkeypatch.setattr(module, "perf_counter", made)
    return made


@pytest.fixture
def metrics(clock: Clock) -> Metrics:  # noqa: ARG001 - its clock is the one that stands still
    return Metrics(catalogue.default())


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"telemetry_ingest_{name}", labels)


def families(metrics: Metrics) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, labels and help of each metric of ours."""
    for made in metrics.registry._collector_to_names:
        if isinstance(made, MetricWrapperBase):
            (family,) = made.collect()
            name = family.name + ("_total" if family.type == "counter" else "")
            yield name, family.type, ", ".join(made._labelnames), family.documentation


def assembled(counts: dict[CountKey, int], *, frames: int = 0, letters: int = 0) -> Assembled:
    record = Record(topic="t", partition=0, offset=1, key=None, value=b"", content_type=None)
    letter = DeadLetter(record=record, reason="too_old", detail="")
    rows = GroupRows(
        group="motion",
        vehicle_ids=np.zeros(2, dtype=np.int64),
        times_us=np.array([FIRST_US + 5_000_000, FIRST_US], dtype=np.int64),
        narrow=np.zeros((2, 1), dtype=np.float32),
        wide=np.zeros((2, 0)),
    )
    offsets = OffsetAdvance(
        cluster_id="c", topic_id=UUID(int=1), topic="t", partition=0, expected=0, next_offset=9
    )
    return Assembled(
        batch=Batch(groups=(rows,), counts=counts, offsets=(offsets,)),
        dead=(letter,) * letters,
        frames=frames,
        records=(),
        now=datetime.now(tz=UTC),
    )


def ask(metrics: Metrics, path: str) -> tuple[str, str]:
    """Status and text of an answer over HTTP."""
    said: list[str] = []

    def start(status: str, _headers: list[tuple[str, str]], *_: Any) -> Any:
        said.append(status)

    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    body = b"".join(application(metrics, SETTINGS)(environ, start)).decode()
    return said[0], body


def test_every_metric_stands_in_the_documents_as_the_registry_has_it(metrics: Metrics) -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `(telemetry_\w+)` \| (\w+) \| ([\w, ]*) \| (.+) \|$", text, re.MULTILINE
    )
    assert [(name, kind, labels.strip(), what) for name, kind, labels, what in rows] == list(
        families(metrics)
    )


def test_every_stage_and_cause_stands_in_the_documents() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    stages = re.findall(r"^\| `(\w+)` \| (?:worker|writing) \|", text, re.MULTILINE)
    assert tuple(stages) == STAGES
    assert all(f"`{cause}`" in text for cause in CAUSES)


def test_alert_rules_ask_only_for_metrics_that_are_there(metrics: Metrics) -> None:
    rules = (ROOT / "deploy" / "prometheus-rules.yml").read_text("utf-8")
    asked = set(re.findall(r"telemetry_ingest_\w+", rules))
    assert asked
    assert asked <= {name for name, *_ in families(metrics)}


def test_labels_are_few_and_none_is_a_vehicle(metrics: Metrics) -> None:
    labels = {label for *_, labels, _ in families(metrics) for label in labels.split(", ") if label}
    assert labels == {"reason", "signal", "stage", "partition", "cause", "server"}


def test_names_say_unit_and_kind(metrics: Metrics) -> None:
    for name, kind, _, what in families(metrics):
        assert name.startswith("telemetry_ingest_")
        assert name.endswith("_total") == (kind == "counter"), name
        assert ("timestamp" in name) == name.endswith("_timestamp_seconds"), name
        assert what.endswith("."), name


def test_a_written_batch_counts_what_it_held(metrics: Metrics) -> None:
    counts = {
        CountKey("t", 0, "messages"): 3,
        CountKey("t", 1, "messages"): 2,
        CountKey("t", 0, "frames"): 40,
        CountKey("t", 0, "values"): 700,
        CountKey("t", 0, "refused", "too_old"): 4,
        CountKey("t", 1, "refused", "too_old"): 1,
        CountKey("t", 0, "out_of_limits", "wheel_speed"): 6,
        CountKey("t", 0, "out_of_limits", "no_such_signal"): 1,
        CountKey("t", 0, "unknown_signal", "sent by a stranger"): 8,
    }
    metrics.committed(assembled(counts, frames=40, letters=2), {0: 9})
    assert value(metrics, "messages_total") == 5
    assert value(metrics, "frames_total") == 40
    assert value(metrics, "values_total") == 700
    assert value(metrics, "refused_total", reason="too_old") == 5
    assert value(metrics, "refused_total", reason="unreadable") == 0
    assert value(metrics, "dead_letters_total") == 2
    assert value(metrics, "out_of_limits_total", signal="wheel_speed") == 6
    assert value(metrics, "out_of_limits_total", signal="other") == 1
    assert value(metrics, "out_of_limits_total", signal="no_such_signal") is None
    assert value(metrics, "unknown_signals_total") == 8
    assert value(metrics, "batch_frames_count") == 1
    assert value(metrics, "batch_frames_bucket", le="10.0") == 0
    assert value(metrics, "batch_frames_bucket", le="100.0") == 1
    assert value(metrics, "newest_frame_timestamp_seconds") == (FIRST_US + 5_000_000) / 1e6


def test_a_reason_is_there_before_anything_is_refused_for_it(metrics: Metrics) -> None:
    for reason in (*Refusal, *Reason):
        assert value(metrics, "refused_total", reason=str(reason)) == 0


def test_lag_is_what_lies_between_the_database_and_the_end_of_the_log(metrics: Metrics) -> None:
    metrics.assigned({0: 5, 1: None})
    metrics.looked({0: (0, 12), 1: (30, 50), 2: (0, 99)})
    assert value(metrics, "lag_messages", partition="0") == 7
    assert value(metrics, "lag_messages", partition="1") == 20  # from its beginning
    assert value(metrics, "lag_messages", partition="2") is None  # another worker's
    metrics.committed(assembled({}), {0: 12, 1: 49})
    assert value(metrics, "lag_messages", partition="0") == 0
    assert value(metrics, "lag_messages", partition="1") == 1
    metrics.assigned({1: 49})
    assert value(metrics, "lag_messages", partition="0") is None
    assert value(metrics, "partitions") == 1
    assert value(metrics, "rebalances_total") == 2


@pytest.mark.parametrize(
    ("error", "cause", "away"),
    [
        (psycopg.OperationalError("gone"), "database", "database"),
        (DatabaseUnreachableError("gone"), "database", "database"),
        (psycopg.errors.DeadlockDetected("circle"), "deadlock", None),
        (psycopg.errors.ReadOnlySqlTransaction("standby"), "read_only", None),
        (KafkaUnreachableError("gone"), "kafka", "kafka"),
        (OffsetConflictError("t", 0, 5), "offset_conflict", None),
    ],
)
def test_a_failure_is_counted_by_its_cause_and_tells_which_server_is_away(
    metrics: Metrics, error: Exception, cause: str, away: str | None
) -> None:
    metrics.failed(error)
    assert cause_of(error) == cause
    assert value(metrics, "retries_total", cause=cause) == 1
    for server in ("database", "kafka"):
        assert value(metrics, "server_up", server=server) == (server != away)
    metrics.committed(assembled({}), {})
    assert value(metrics, "server_up", server="database") == 1
    assert value(metrics, "server_up", server="kafka") == 1


def test_stages_of_a_thread_share_its_time_without_overlap(metrics: Metrics, clock: Clock) -> None:
    mark = metrics.working.mark
    assert mark("fetch") is None
    clock.now += 2
    assert mark("gather") == "fetch"
    clock.now += 3
    assert mark("fetch") == "gather"
    clock.now += 5
    mark(None)
    clock.now += 100
    mark("hold")
    assert value(metrics, "stage_seconds_total", stage="fetch") == 7
    assert value(metrics, "stage_seconds_total", stage="gather") == 3
    assert value(metrics, "stage_seconds_total", stage="hold") == 0


def test_a_loop_that_no_longer_turns_is_reported(metrics: Metrics, clock: Clock) -> None:
    metrics.turned()
    clock.now += 59
    assert ask(metrics, "/healthz") == ("200 OK", "at work\n")
    clock.now += 2
    status, why = ask(metrics, "/healthz")
    assert status == "503 Service Unavailable"
    assert "has not turned for 61 s" in why


def test_messages_that_wait_while_nothing_is_committed_are_reported(
    metrics: Metrics, clock: Clock
) -> None:
    metrics.assigned({0: 0})
    metrics.looked({0: (0, 0)})
    clock.now += 1000  # nothing waits: nothing to commit
    metrics.turned()
    assert metrics.fault(SETTINGS) is None
    metrics.looked({0: (0, 0)})
    clock.now += 200
    metrics.looked({0: (0, 40)})
    metrics.turned()
    assert metrics.fault(SETTINGS) is None
    clock.now += 101
    metrics.turned()
    assert metrics.fault(SETTINGS) == "nothing was committed for 301 s, and 40 messages wait"
    metrics.committed(assembled({}), {0: 10})
    assert metrics.fault(SETTINGS) is None


def test_what_is_asked_for_elsewhere_is_not_there(metrics: Metrics) -> None:
    assert ask(metrics, "/")[0] == "404 Not Found"
    status, text = ask(metrics, "/metrics")
    assert status == "200 OK"
    assert "process_resident_memory_bytes" in text
    assert "_created" not in text
