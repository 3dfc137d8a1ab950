"""From produce to readable: how long a message takes until `vehicle_state` shows its last frame.

One worker drains a filled topic: its sustained rate. Then, three times, messages are sent at half
that rate for twenty seconds, while a reader asks for the newest frame of every vehicle again and
again. A message's latency is from just before it is handed to the producer to the end of the first
read that has its last frame; the reader's own pace is part of it.
"""

from __future__ import annotations

import statistics
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.databases import servers
from benchmarks.frames import full_messages
from benchmarks.streaming import drain, filled, registered, topic, working
from ingest.kafka import Publisher
from schemas.wire import ContentType, encode_protobuf
from storage.connection import connect

if TYPE_CHECKING:
    from pydantic import SecretStr

    from schemas.wire import Message

ROUNDS = 3
VEHICLES = 1000
FILLED_MESSAGES = 2000
SECONDS = 20
WARM_UP_S = 5.0
"""Latencies of this long after the first message are not counted: the worker joins its group."""

READ_EVERY_S = 0.02
PATIENCE_S = 60.0

NEWEST = (
    "SELECT vin, (extract(epoch FROM max(time)) * 1000000)::bigint"
    " FROM vehicle_state JOIN vehicle USING (vehicle_id) GROUP BY vin"
)


def run() -> dict[str, float]:
    """Measure; seconds unless the name says otherwise."""
    with servers() as bootstrap:
        with filled(bootstrap, full_messages(vehicles=VEHICLES, messages=FILLED_MESSAGES)) as full:
            sustained = statistics.median(drain(full).frames_per_s for _ in range(ROUNDS))
            vins = full.vins
        rounds = []
        for number in range(1, ROUNDS + 1):
            with registered(vins) as dsn:
                rounds.append(_latencies(bootstrap, dsn, sustained / 2))
            print(
                f"round {number}: median {np.median(rounds[-1]):.2f} s,"
                f" 99th percentile {np.quantile(rounds[-1], 0.99):.2f} s",
                flush=True,
            )
    return {
        "sustained_frames_per_s": sustained,
        "sent_frames_per_s": sustained / 2,
        "median_s": statistics.median(float(np.median(found)) for found in rounds),
        "p99_s": statistics.median(float(np.quantile(found, 0.99)) for found in rounds),
    }


def _latencies(bootstrap: str, dsn: SecretStr, frames_per_s: float) -> list[float]:
    """One round's latencies [s]."""
    per_message = 60
    count = int(SECONDS * frames_per_s / per_message)
    messages = [
        (message, encode_protobuf(message))
        for message in full_messages(vehicles=VEHICLES, messages=count)
    ]
    with topic(bootstrap) as settings, working(settings.topic, bootstrap, dsn) as workers:
        publisher = Publisher(settings, bootstrap)
        reader = _Reader(dsn)
        began = monotonic()
        for number, (message, payload) in enumerate(messages):
            sleep(max(0.0, began + number * per_message / frames_per_s - monotonic()))
            reader.sent(message)
            publisher.send(message.vin, payload, ContentType.PROTOBUF)
        publisher.close()
        workers.wait_for(count * per_message)
        return [seconds for at, seconds in reader.finish() if at >= began + WARM_UP_S]


class _Reader:
    """Looks at `vehicle_state` until every message that was sent has been seen there."""

    def __init__(self, dsn: SecretStr) -> None:
        self._dsn = dsn
        self._waiting: dict[tuple[str, int], float] = {}
        self._found: list[tuple[float, float]] = []
        self._last = Event()
        self._thread = Thread(target=self._read)
        self._thread.start()

    def sent(self, message: Message) -> None:
        """Note a message that is about to be sent."""
        self._waiting[message.vin, int(message.frame_times_us[-1])] = monotonic()

    def finish(self) -> list[tuple[float, float]]:
        """When each message was sent, and how long after that it was seen [s]."""
        self._last.set()
        self._thread.join(PATIENCE_S)
        assert not self._waiting, f"{len(self._waiting)} messages were never seen"
        return self._found

    def _read(self) -> None:
        with connect(self._dsn) as connection:
            while self._waiting or not self._last.is_set():
                newest: dict[str, int] = dict(connection.execute(NEWEST).fetchall())
                now = monotonic()
                for (vin, time_us), sent_at in list(self._waiting.items()):
                    if newest.get(vin, 0) >= time_us:
                        del self._waiting[vin, time_us]
                        self._found.append((sent_at, now - sent_at))
                sleep(READ_EVERY_S)
