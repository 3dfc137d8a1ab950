"""Vehicles that send all the time, as disorderly as real uplinks; every message is in the ledger.

The disorder has the probabilities of the TSBS IoT generator. Beside it some messages come twice,
contradict an earlier one about the same moment, hold what is refused, or carry events.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import kafka
import numpy as np

from ingest.record import Reason
from schemas.wire import (
    ContentType,
    DecodeError,
    Lamp,
    Message,
    Trigger,
    TriggerType,
    TroubleCode,
    decode,
    encode_json,
    encode_protobuf,
    make_block,
)
from tests.faults.truth import SERIAL, Sent
from tests.servers.ingest_fixture import SECOND_US, ago_us, random_values, sample_signals, vin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from schemas.catalogue import Signal
    from schemas.wire import Event
    from tests.faults.truth import Truth

# TSBS IoT: how often a batch or a row is missing or late, and a field zero.
BATCH_MISSING, BATCH_LATE, ROW_MISSING, ROW_LATE, FIELD_ZERO = 0.01, 0.05, 0.10, 0.30, 0.10

REPEATED = 0.01
"""How often a message is sent once more."""

CONTRADICTED = 0.02
"""How often one is followed by another about the same moments."""

WORTHLESS = 0.02
"""How often one comes along that is refused, whole or in part."""

AS_JSON, WITH_EVENT, OUT_OF_LIMITS, NEW_VEHICLE = 0.03, 0.05, 0.03, 0.002

VEHICLES = 10
FRAMES = 10
PACE_S = 0.5
"""Pause between two rounds in which every vehicle sends [s]."""

BEGIN_AGO_S = 86_400.0
"""Where the fleet's time begins, before now [s]: it runs 20 times as fast and must not catch up."""

LATE_DAYS = (2, 3, 5, 8, 13, 21, 34, 55)
"""How long ago frames were taken that come days late: few days, so that they meet again [days]."""

DAY_US = 86_400 * SECOND_US

DELIVERY_S = 240.0
"""How long the producer goes on trying [s]: longer than any fault."""


class Fleet:
    """Sends from a thread of its own.

    Args:
        truth: the ledger.
        topic: where vehicles' messages go.
        side_topic: where a second gateway sends frames of the same vehicles.
        bootstrap: Kafka, directly.
        seed: of everything that is drawn here.
    """

    def __init__(
        self, truth: Truth, topic: str, side_topic: str, bootstrap: str, seed: int
    ) -> None:
        self.truth, self.topic, self.side_topic = truth, topic, side_topic
        self.rng = np.random.default_rng(seed)
        self.ends: dict[tuple[str, int], int] = {}
        """By topic and partition: the offset after the last message Kafka has acknowledged."""
        self._signals = sample_signals(truth.catalogue)
        self._groups = sorted({signal.group for signal in self._signals})
        self.vins = [vin(number) for number in range(1, VEHICLES + 1)]
        self._next_us = ago_us(BEGIN_AGO_S)
        self._round = 0
        self._held: list[tuple[int, Message]] = []
        self._recent: deque[Sent] = deque(maxlen=300)
        self._lock = threading.RLock()
        self._run = threading.Event()
        self._closed = threading.Event()
        self._producer: Any = kafka.KafkaProducer(
            bootstrap_servers=bootstrap,
            linger_ms=5,
            acks="all",
            max_block_ms=int(DELIVERY_S * 1000),
            delivery_timeout_ms=int(DELIVERY_S * 1000),
            reconnect_backoff_max_ms=1000,
            metrics_enabled=False,
        )
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def drive(self) -> None:
        """Begin, or go on."""
        self._run.set()

    def halt(self) -> None:
        """Stop sending and wait until Kafka has all of it."""
        self._run.clear()
        with self._lock:
            self._producer.flush(timeout=DELIVERY_S)

    def close(self) -> None:
        """End for good."""
        self._closed.set()
        self._run.set()
        self._thread.join(timeout=DELIVERY_S)
        self._producer.close(timeout=5)

    def forget_ends(self, topic: str) -> None:
        """The topic is another one from now on."""
        with self._lock:
            self.ends = {place: end for place, end in self.ends.items() if place[0] != topic}

    def send_late(self, messages: int, days_ago: Sequence[int] = LATE_DAYS) -> None:
        """Frames of days ago, sometimes the same moments again with other values."""
        with self._lock:
            for _ in range(messages):
                days = int(self.rng.choice(days_ago))
                minute = int(self.rng.integers(30))
                first_us = ago_us(BEGIN_AGO_S) // DAY_US * DAY_US + minute * 60 * SECOND_US
                self._post(self._message(self._any_vin(), self._times(first_us - days * DAY_US)))

    def send_again(self, share: float) -> None:
        """A share of what was sent lately, once more and as it was."""
        with self._lock:
            for sent in [each for each in self._recent if self.rng.random() < share]:
                self._produce(self.topic, sent)

    def send_contradictions(self, messages: int) -> None:
        """Other values for moments that were sent before."""
        with self._lock:
            for sent in list(self._recent)[-messages:]:
                if sent.message is not None and sent.message.blocks:
                    self._contradict(sent.message)

    def send_worthless(self, messages: int) -> None:
        """Messages that are refused, whole or in part."""
        with self._lock:
            for _ in range(messages):
                self._spoil()

    def send_beside(self, rounds: int, strangers: int) -> None:
        """Frames between the others', of the same vehicles by the second topic; and of strangers.

        Only vehicles that were there from the beginning: who writes from there registers nobody.
        """
        with self._lock:
            for number in range(rounds):
                first_us = self._next_us - number * FRAMES * SECOND_US + SECOND_US // 2
                for each in self.vins[:VEHICLES]:
                    self._post(self._message(each, self._times(first_us)), self.side_topic)
            for number in range(strangers):
                message = self._message(vin(900_000 + number), self._times(self._next_us))
                stranger = Sent(
                    value=encode_protobuf(message), message=None, reason=Reason.UNKNOWN_VEHICLE
                )
                self._produce(self.side_topic, stranger, key=message.vin)

    def send_refused_whole(self, messages: int, reason: Reason) -> None:
        """Frames of now while the workers' clocks are wrong: all are refused."""
        with self._lock:
            for _ in range(messages):
                message = self._frames_alone(self._any_vin(), self._times(ago_us(60)))
                self._produce(
                    self.topic,
                    Sent(
                        value=encode_protobuf(message),
                        message=message,
                        reason=reason,
                        refused_us=frozenset(message.frame_times_us.tolist()),
                    ),
                )

    def _drive(self) -> None:
        while not self._closed.is_set():
            self._run.wait()
            with self._lock:
                if self._run.is_set() and not self._closed.is_set():
                    self._send_round()
            self._closed.wait(PACE_S)

    def _send_round(self) -> None:
        rng = self.rng
        self._round += 1
        if rng.random() < NEW_VEHICLE * VEHICLES:
            self.vins.append(vin(len(self.vins) + 1))
        due = [message for round_, message in self._held if round_ <= self._round]
        self._held = [each for each in self._held if each[0] > self._round]
        for each in rng.permutation(np.array(self.vins))[:VEHICLES].tolist():
            if rng.random() < BATCH_MISSING:
                continue
            times = self._times(self._next_us)
            sent = rng.random(FRAMES) >= ROW_MISSING
            late = sent & (rng.random(FRAMES) < ROW_LATE)
            wait = int(rng.integers(5, 40)) if rng.random() < BATCH_LATE else 0
            for part, rounds in ((sent & ~late, wait), (late, wait + int(rng.integers(1, 20)))):
                if not part.any():
                    continue
                message = self._message(each, times[part])
                if rounds:
                    self._held.append((self._round + rounds, message))
                else:
                    due.append(message)
        for message in due:
            self._post(message)
            if rng.random() < REPEATED:
                self._produce(self.topic, self._recent[-1])
            if rng.random() < CONTRADICTED and message.blocks:
                self._contradict(message)
            if rng.random() < WORTHLESS:
                self._spoil()
        self._next_us += FRAMES * SECOND_US

    def _times(self, first_us: int) -> NDArray[np.int64]:
        return first_us + np.arange(FRAMES, dtype=np.int64) * SECOND_US

    def _any_vin(self) -> str:
        return self.vins[int(self.rng.integers(VEHICLES))]

    def _message(self, vin_: str, times: NDArray[np.int64]) -> Message:
        """Values of some groups, and sometimes events."""
        rng = self.rng
        groups = {group for group in self._groups if rng.random() < 0.7} or {self._groups[0]}
        signals = [signal for signal in self._signals if signal.group in groups]
        table = random_values(signals, len(times), rng)
        table[rng.random(table.shape) < FIELD_ZERO] = 0
        if rng.random() < OUT_OF_LIMITS:
            place = tuple(int(rng.integers(n)) for n in table.shape)
            table[place] = _beyond(signals[place[1]])
        events: list[Event] = []
        if rng.random() < WITH_EVENT:
            time_us = int(times[0]) + int(rng.integers(SECOND_US))
            events.append(Trigger(time_us=time_us, type=TriggerType.PTO_ENABLED))
            events.append(
                TroubleCode(
                    time_us=int(times[0]),
                    spn=100,
                    fmi=1,
                    lamp=Lamp.AMBER_WARNING,
                    count=int(rng.integers(100)),
                    source_address=0,
                    active=True,
                )
            )
        return Message(
            vin=vin_,
            catalogue_version=self.truth.catalogue.version,
            blocks=(make_block(self.truth.catalogue, [s.id for s in signals], times, table),),
            events=tuple(events),
        )

    def _frames_alone(self, vin_: str, times: NDArray[np.int64]) -> Message:
        return replace(self._message(vin_, times), events=())

    def _contradict(self, message: Message) -> None:
        """Other values for the same moments."""
        again = self._message(message.vin, message.blocks[0].times_us)
        self._post(again)

    def _spoil(self) -> None:
        kind = int(self.rng.integers(4))
        message = self._message(self._any_vin(), self._times(self._next_us))
        if kind == 0:
            self._produce_unreadable(self.rng.bytes(30))
        elif kind == 1:
            self._produce_unreadable(encode_protobuf(message)[:-7])
        elif kind == 2:
            self._produce_unreadable(b"")
        else:
            # Every third frame is older than any retention.
            times = message.blocks[0].times_us.copy()
            times[::3] -= 400 * DAY_US
            old = self._frames_alone(message.vin, times)
            refused = frozenset(times[::3].tolist())
            self._produce(
                self.topic,
                Sent(
                    value=encode_protobuf(old),
                    message=old,
                    reason=Reason.TOO_OLD,
                    refused_us=refused,
                ),
            )

    def _produce_unreadable(self, value: bytes) -> None:
        try:
            decode(ContentType.PROTOBUF, value, self.truth.catalogue)
        except DecodeError as error:
            self._produce(self.topic, Sent(value=value, message=None, reason=str(error.reason)))

    def _post(self, message: Message, topic: str | None = None) -> None:
        """Send a message that is good."""
        json = self.rng.random() < AS_JSON
        value = encode_json(message, self.truth.catalogue) if json else encode_protobuf(message)
        sent = Sent(value=value, message=message)
        self._produce(topic or self.topic, sent, json=json)
        if not json and topic is None:
            self._recent.append(sent)

    def _produce(self, topic: str, sent: Sent, *, key: str = "", json: bool = False) -> None:
        serial = self.truth.note(sent)
        kind = ContentType.JSON if json else ContentType.PROTOBUF
        vin_ = key or (sent.message.vin if sent.message is not None else self._any_vin())
        future = self._producer.send(
            topic,
            key=vin_.encode(),
            value=sent.value,
            headers=[("content-type", kind.encode()), (SERIAL, str(serial).encode())],
        )
        future.add_callback(self._acknowledged(serial))
        future.add_errback(self._unanswered)

    def _acknowledged(self, serial: int) -> Callable[[Any], None]:
        def note(done: Any) -> None:
            self.truth.acknowledged[serial] = (done.topic, done.partition, done.offset)
            place = (done.topic, done.partition)
            self.ends[place] = max(self.ends.get(place, 0), done.offset + 1)

        return note

    def _unanswered(self, _: BaseException) -> None:
        self.truth.unanswered += 1


def rest(seconds: float) -> None:
    """Let the run go on for a while."""
    time.sleep(seconds)


def _beyond(signal: Signal) -> float:
    """A value out of a signal's limits, whatever they are."""
    return signal.maximum * 2 + 1000
