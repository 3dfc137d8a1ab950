"""Out into Kafka: what vehicles send, and letters of what was refused."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import kafka
from kafka import errors as kafka_errors

from ingest.errors import KafkaUnreachableError, MessageTooLargeError
from ingest.kafka.client import client_arguments, greet, refused, refuses, unreachable
from ingest.kafka.topics import LETTER_MAX_BYTES
from ingest.record import CONTENT_TYPE_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.record import DeadLetter
    from ingest.settings import IngestSettings
    from schemas.wire import ContentType

MESSAGE_MAX_BYTES = 8 << 20
"""The largest message of a vehicle that we produce [bytes]; the embedded broker takes as much."""

LETTERS_BYTES = 16 << 20
"""Letters handed over before we wait until the broker has them [bytes]: it bounds memory."""

PRODUCER_BATCH_BYTES = 1 << 20
"""What the producer gathers for a partition before it sends [bytes]."""

DELIVERY_S = 30.0
"""How long the producer tries to deliver a message before it gives up [s]."""


class Publisher:
    """Sends vehicles' messages, and letters of those that were refused.

    Args:
        settings: the topics, and how to connect.
        bootstrap: host:port,... of the brokers.

    Raises:
        KafkaRefusedError: the broker refuses us.
        KafkaUnreachableError: no broker answers.
    """

    def __init__(self, settings: IngestSettings, bootstrap: str) -> None:
        self._topic, self._dead_topic = settings.topic, settings.dead_topic
        self._settings, self._bootstrap = settings, bootstrap
        greet(settings, bootstrap)
        self._producer = self._open()
        self._failure: tuple[str, BaseException] | None = None

    def _open(self) -> Any:
        try:
            return kafka.KafkaProducer(
                **client_arguments(self._settings, self._bootstrap),
                compression_type="zstd",
                linger_ms=20,
                batch_size=PRODUCER_BATCH_BYTES,
                max_request_size=LETTER_MAX_BYTES,
                max_block_ms=int(DELIVERY_S * 1000),
                request_timeout_ms=int(DELIVERY_S * 1000) // 2,
                delivery_timeout_ms=int(DELIVERY_S * 1000),
                metrics_enabled=False,
            )
        except kafka_errors.KafkaError as error:
            raise unreachable(self._settings, self._bootstrap, error) from error

    def send(self, vin: str, payload: bytes, content_type: ContentType) -> None:
        """Send one message of a vehicle; its VIN is the key, so its messages stay in order.

        Raises:
            KafkaUnreachableError: this message or an earlier one could not be delivered.
            MessageTooLargeError: the message is too large.
        """
        if len(payload) > MESSAGE_MAX_BYTES:
            raise MessageTooLargeError(
                f"A message of {vin} has {len(payload)} bytes, at most {MESSAGE_MAX_BYTES} are "
                "sent: put fewer frames into it."
            )
        self._hand_over(
            self._topic, vin.encode(), payload, [(CONTENT_TYPE_HEADER, content_type.encode())]
        )

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Put refused messages into the dead-letter topic and wait until they are safe there.

        Of one that the topic cannot hold, a letter says where it lies instead.

        Raises:
            KafkaUnreachableError: not all of them are; bury them again.
            MessageTooLargeError: the topic does not even take what says where one lies.
        """
        self._failure = None
        for portion in _portions(letters):
            try:
                for letter in portion:
                    self._bury(letter)
                self.flush()
            except MessageTooLargeError:
                self._begin_anew()
                for letter in portion:
                    self._bury_alone(letter)

    def _bury(self, letter: DeadLetter) -> None:
        record = letter.record
        # The library refuses to send what has neither key nor value.
        value = b"" if record.key is None and record.value is None else record.value
        self._hand_over(self._dead_topic, record.key, value, letter.headers())

    def _bury_alone(self, letter: DeadLetter) -> None:
        """Bury one of which some were too large; where it is one of those, say where it lies."""
        try:
            self._bury(letter)
            self.flush()
        except MessageTooLargeError:
            self._begin_anew()
            self._hand_over(self._dead_topic, None, b"", letter.pointer_headers())
            self.flush()

    def _begin_anew(self) -> None:
        """Another producer: one to which the broker has refused a batch sends nothing any more."""
        with suppress(kafka_errors.KafkaError):
            self._producer.close()
        self._producer, self._failure = self._open(), None

    def send_back(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> None:
        """Send bytes as they once came, to the topic they came through.

        Raises:
            KafkaUnreachableError: this message or an earlier one could not be delivered.
            MessageTooLargeError: the topic does not take it.
        """
        self._hand_over(topic, key, value, headers)

    def flush(self) -> None:
        """Wait until everything sent is acknowledged.

        Raises:
            KafkaUnreachableError: something could not be delivered.
        """
        try:
            self._producer.flush()
        except kafka_errors.KafkaError as error:
            self._failure = self._failure or (self._topic, error)
        self._raise_failure()

    def close(self) -> None:
        """Send what is left and close.

        Raises:
            KafkaUnreachableError: something could not be delivered.
        """
        try:
            self.flush()
        finally:
            self._producer.close()

    def _hand_over(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> None:
        self._raise_failure()
        try:
            future = self._producer.send(topic, value=value, key=key, headers=headers)
        except kafka_errors.KafkaError as error:
            self._note_failure(topic, error)
            self._raise_failure()
        else:
            future.add_errback(partial(self._note_failure, topic))

    def _note_failure(self, topic: str, error: BaseException) -> None:
        self._failure = (topic, error)

    def _raise_failure(self) -> None:
        if self._failure is None:
            return
        (topic, error), self._failure = self._failure, None
        if isinstance(error, _TOO_LARGE):
            raise MessageTooLargeError(
                f"Topic {topic} does not take a message that is so large: {error}. Raise its "
                "max.message.bytes."
            ) from error
        if refuses(error):
            raise refused(self._settings, self._bootstrap, error) from error
        raise KafkaUnreachableError(
            f"Topic {topic} did not take a message: {error}. It was not counted as sent; send "
            "again."
        ) from error


_TOO_LARGE = (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)


def _portions(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    portion: list[DeadLetter] = []
    held = 0
    for letter in letters:
        portion.append(letter)
        held += len(letter.record.value or b"")
        if held >= LETTERS_BYTES:
            yield portion
            portion, held = [], 0
    if portion:
        yield portion
