"""What makes a worker stop, because only a person can decide."""

from __future__ import annotations

from schemas.errors import TelemetryError


class IngestError(TelemetryError):
    """The worker cannot go on by itself; the message names topic, partition and offset."""


class KafkaUnreachableError(IngestError):
    """The broker did not answer, or does not know the topic."""


class KafkaRefusedError(IngestError):
    """The broker, or who gives tokens for it, does not let us in; trying again would not help."""


class TopicMissingError(KafkaUnreachableError):
    """The broker answers and has no such topic."""


class MessageTooLargeError(IngestError):
    """A topic does not take a message of that size; for a letter this means it would be lost."""


class EverythingRefusedError(IngestError):
    """The database refuses message after message for one reason: tables or code are wrong."""


class OffsetOutOfRangeError(IngestError):
    """The log no longer has the offset the database stands at; never skipped silently."""


class DeadLetterError(IngestError):
    """The dead-letter topic does not hold, or does not let go of, what is asked for."""


class ReplayError(IngestError):
    """A file or a mapping cannot be replayed; the message names file, column and what would do."""


class HistoryError(IngestError):
    """Parquet files cannot be loaded; the message names file, column and what would do."""
