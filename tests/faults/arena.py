"""What a fault acts on: the servers, the workers and the fleet of one run, brought up together."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
from kafka.admin import KafkaAdminClient

from ingest.kafka import ensure_topics
from ingest.kafka.topics import identify
from ingest.settings import IngestSettings, UnknownVin
from storage.errors import DatabaseUnreachableError
from tests.asking.patience import PATIENCE_S, wait_until
from tests.faults.crew import ANSWER_S, Crew
from tests.faults.fleet import Fleet
from tests.faults.grounds import Grounds
from tests.faults.truth import Truth
from tests.servers.ingest_fixture import Bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from tests.faults.member import Member

TOPIC, SIDE_TOPIC = "faults.frames", "faults.side"

PARTITIONS = 4

LANES = (2, 1)
"""Of the workers: a reader with lanes as processes of their own, and one process that does all."""

SESSION_TIMEOUT_S = 6.0
"""The shortest that ingest allows: a worker that died is missed after this [s]."""

RECOVERY_S = 120.0
"""After a fault, how long until all is stored that was sent up to its end [s]."""


class Arena:
    """One run's servers, workers and fleet.

    Args:
        seed: of the fleet.
        folder: for what workers and servers say.
        log: told what happens.
    """

    def __init__(self, seed: int, folder: Path, log: Callable[[str], None]) -> None:
        self.log, self._folder = log, folder
        self.settings = IngestSettings(
            topic=TOPIC,
            group="faults",
            partitions=PARTITIONS,
            batch_seconds=0.3,
            batch_frames=400,
            session_timeout_s=SESSION_TIMEOUT_S,
        )
        self.side_settings = self.settings.model_copy(
            update={"topic": SIDE_TOPIC, "group": "faults.side", "unknown_vin": UnknownVin.REFUSE}
        )
        with ExitStack() as opened:
            self.grounds = Grounds()
            opened.callback(self.grounds.close)
            for settings in (self.settings, self.side_settings):
                ensure_topics(settings, self.grounds.bootstrap)
            self._topic_ids = {
                topic: identify(self.settings, self.grounds.bootstrap, topic)[1]
                for topic in (TOPIC, SIDE_TOPIC)
            }
            self.truth = Truth(self.grounds.catalogue)
            self.fleet = Fleet(self.truth, TOPIC, SIDE_TOPIC, self.grounds.bootstrap, seed)
            opened.callback(self.fleet.close)
            logs = folder / "workers"
            logs.mkdir(parents=True, exist_ok=True)
            self.crew = Crew(self.grounds, self.settings, LANES, logs, log)
            opened.callback(self.crew.close)
            self.fleet.drive()
            self.wait_for(lambda: sum(self.stored(TOPIC).values()) > 0, "the first batch")
            # Those the fleet begins with must be known before a second gateway sends for them.
            self.catch_up()
            self._opened = opened.pop_all()

    @property
    def timescale(self) -> bool:
        """Whether the database has hypertables."""
        return self.grounds.database.timescaledb is not None

    def close(self) -> None:
        """Stop all of it, keeping what the servers said."""
        self.grounds.keep_logs(self._folder)
        self._opened.close()

    def benches(self) -> list[Bench]:
        """A bench a topic."""
        return [
            Bench(settings, self.grounds.bootstrap, self.grounds.dsn, self.grounds.catalogue)
            for settings in (self.settings, self.side_settings)
        ]

    def worker(self, rng: np.random.Generator, *, with_lanes: bool = False) -> Member:
        """Some worker that no other fault has in hand."""
        return self.crew.pick(lambda count: int(rng.integers(count)), with_lanes=with_lanes)

    def stored(self, topic: str) -> dict[int, int]:
        """Where the database stands; empty while it is away."""
        try:
            return dict(
                self.grounds.ask(
                    "SELECT partition, next_offset FROM telemetry.ingest_offset"
                    " WHERE topic_id = %s",
                    self._topic_ids[topic],
                )
            )
        except (psycopg.Error, DatabaseUnreachableError):
            return {}

    def wait_for(
        self, condition: Callable[[], bool], what: str, within_s: float = PATIENCE_S
    ) -> None:
        """Wait for something in steps that cost little."""
        wait_until(condition, what, within_s, every_s=0.1)

    def catch_up(self, topic: str = TOPIC, within_s: float = RECOVERY_S) -> float:
        """Wait until all is stored that Kafka has by now; returns how long it took [s]."""
        began = time.monotonic()
        ends = {p: end for (name, p), end in list(self.fleet.ends.items()) if name == topic}

        def stored() -> bool:
            stands = self.stored(topic)
            return all(stands.get(partition, 0) >= end for partition, end in ends.items())

        self.wait_for(stored, f"{topic} stored up to {ends}", within_s)
        return time.monotonic() - began

    def write_beside(self, while_it_works: Callable[[Member], None]) -> None:
        """Have a worker of the second topic write what is there for it."""
        member = self.crew.hire(1, self.side_settings)
        try:
            self.wait_for(
                lambda: member.was_ready or member.ended, f"{member.name} at work", ANSWER_S
            )
            while_it_works(member)
            self.catch_up(SIDE_TOPIC)
            member.leave()
        finally:
            self.crew.note_end(member)

    def make_topic_again(self) -> None:
        """Delete the topic, once it is drained, and make it anew under its name."""
        self.fleet.halt()
        self.catch_up()
        self.truth.read_back(TOPIC, self._topic_ids[TOPIC], self.grounds.bootstrap)
        admin: Any = KafkaAdminClient(bootstrap_servers=self.grounds.bootstrap)
        try:
            admin.delete_topics([TOPIC])
            self.wait_for(lambda: TOPIC not in admin.list_topics(), "the deletion", 30)
        finally:
            admin.close()
        ensure_topics(self.settings, self.grounds.bootstrap)
        self._topic_ids[TOPIC] = identify(self.settings, self.grounds.bootstrap, TOPIC)[1]
        self.fleet.forget_ends(TOPIC)
        self.fleet.drive()

    def finish(self) -> list[str]:
        """Drain both topics, let the workers go, read the logs back; returns complaints."""
        self.fleet.halt()
        self.catch_up()
        if any(name == SIDE_TOPIC for name, _ in self.fleet.ends):
            self.write_beside(lambda _: None)
        complaints = [*self.crew.dismiss(), *self.crew.deserters]
        # Two may write their last batches at once, and one of them alone publishes then.
        ((waited,),) = self.grounds.ask("SELECT telemetry.publish_reports()")
        self.log(f"{waited} reports were left for the next batch to publish")
        for topic, topic_id in self._topic_ids.items():
            self.truth.read_back(topic, topic_id, self.grounds.bootstrap)
        return complaints
