"""The figures of several lanes as those of one worker, for Prometheus and for health checks."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Metric, ProcessCollector

from ingest.metrics import stage_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ingest.settings import IngestSettings

_JOINED: Mapping[str, Callable[[Iterable[float]], float]] = {
    # All lanes have their partitions anew together: that is one time.
    "telemetry_ingest_rebalances": max,
    "telemetry_ingest_server_up": min,
    "telemetry_ingest_last_turn_timestamp_seconds": min,
    "telemetry_ingest_last_commit_timestamp_seconds": max,
    "telemetry_ingest_newest_frame_timestamp_seconds": max,
    "process_start_time_seconds": min,
    "process_max_fds": min,
}
"""How a figure of several lanes becomes one; all others are added up."""


class LaneFigures:
    """The figures that lanes tell, joined; the reader's own process counts as one of them.

    Args:
        tell: hands the partitions' beginnings and ends on to the lanes, which know their lag; None
            where Kafka did not answer.

    Attributes:
        registry: what a scrape reads.
    """

    def __init__(self, tell: Callable[[Mapping[int, tuple[int, int]] | None], None]) -> None:
        self._tell = tell
        self._own = CollectorRegistry()
        ProcessCollector(registry=self._own)
        self._lock = Lock()
        self._families: dict[int, Sequence[Metric]] = {}
        self._faults: dict[int, str | None] = {}
        self._told: dict[int, float] = {}
        """By lane: when it told its figures last."""
        self._turned = monotonic()
        self.registry = CollectorRegistry()
        self.registry.register(_Joined(self))

    def turned(self) -> None:
        """The reader's loop is alive."""
        self._turned = monotonic()

    def told(self, lane: int, families: Sequence[Metric], fault: str | None) -> None:
        """A lane has told its figures."""
        with self._lock:
            self._families[lane], self._faults[lane] = families, fault
            self._told[lane] = monotonic()

    def looked(self, spans: Mapping[int, tuple[int, int]]) -> None:
        """Kafka was asked: by partition, where the log begins and ends."""
        self._tell(spans)

    def unanswered(self) -> None:
        """Kafka was asked and did not answer."""
        self._tell(None)

    def fault(self, settings: IngestSettings) -> str | None:
        """Why this worker is not well, for people; None where it is."""
        still_s = monotonic() - self._turned
        if still_s > settings.hung_after_s:
            return f"the reader's loop has not turned for {still_s:.0f} s"
        now = monotonic()
        with self._lock:
            faults = {
                lane: f"lane {lane} has said nothing for {now - told:.0f} s"
                if now - told > settings.hung_after_s
                else f"lane {lane}: {fault}"
                for lane, told in sorted(self._told.items())
                if (fault := self._faults[lane]) or now - told > settings.hung_after_s
            }
        return "; ".join(faults.values()) or None

    def stage_seconds(self) -> dict[str, float]:
        """Seconds that all threads of all lanes were at each stage so far."""
        return stage_seconds(self.registry)

    def joined(self) -> Iterator[Metric]:
        """Each family once."""
        with self._lock:
            told = [list(self._own.collect()), *self._families.values()]
        families: dict[str, list[Metric]] = {}
        for one in told:
            for family in one:
                families.setdefault(family.name, []).append(family)
        for name, members in families.items():
            join = _JOINED.get(name, sum)
            values: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = {}
            for member in members:
                for sample in member.samples:
                    key = (sample.name, tuple(sorted(sample.labels.items())))
                    values.setdefault(key, []).append(sample.value)
            first = members[0]
            made = Metric(first.name, first.documentation, first.type, first.unit)
            for (sample_name, labels), found in values.items():
                made.add_sample(sample_name, dict(labels), join(found))
            yield made


class _Joined:
    """Gives a registry the joined figures."""

    def __init__(self, figures: LaneFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        return self._figures.joined()
