"""The topics, and how a worker gathers frames from them: settings by environment."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from ingest.kafka_settings import KafkaSettings


class UnknownVin(StrEnum):
    """What becomes of a message whose VIN is in no register."""

    REGISTER = "register"
    REFUSE = "refuse"


class IngestSettings(KafkaSettings):
    """Settings of ingest, each by an environment variable `TELEMETRY_<NAME>`."""

    topic: str = Field(default="vehicle.frames", description="Where vehicles' messages arrive.")
    group: str = Field(default="telemetry.ingest", description="Consumer group of the workers.")
    partitions: int = Field(
        default=6, ge=1, description="Partitions of a topic this platform creates."
    )
    replication: int | None = Field(
        default=None,
        ge=1,
        description="Brokers that hold each partition of a topic this platform creates; unset: "
        "the cluster's own number.",
    )
    topic_retention_days: int = Field(
        default=7, ge=1, description="How long Kafka keeps vehicles' messages [days]."
    )
    dead_letter_retention_days: int = Field(
        default=30, ge=1, description="How long Kafka keeps dead letters [days]."
    )
    session_timeout_s: float = Field(
        default=10.0,
        ge=6,
        description="A worker that Kafka has not heard of for so long loses its partitions [s].",
    )
    unknown_vin: UnknownVin = Field(
        default=UnknownVin.REGISTER,
        description="register: a new VIN becomes a vehicle; refuse: it goes to the dead letters.",
    )
    batch_frames: int = Field(
        default=26_000,
        ge=1,
        description="Frames that are written in one transaction at the most; one of all signals "
        "counts as three and a half.",
    )
    batch_seconds: float = Field(
        default=0.5,
        gt=0,
        description="How long frames wait for company before they are written [s].",
    )
    lanes: int = Field(
        default=2,
        ge=1,
        le=16,
        description="Processes of a worker that decode and write, each over a connection of its "
        "own and for some of the worker's partitions; 1: it does so itself.",
    )
    message_bytes: int = Field(
        default=16 << 20,
        ge=1,
        description="A larger message is refused; the wire format's own limits hold besides it.",
    )
    inflated_batch_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="A Kafka record batch that inflates to more than this is kept unread [bytes].",
    )
    future_tolerance_s: float = Field(
        default=600.0,
        ge=0,
        description="A frame further ahead of our clock than this is refused [s].",
    )
    report_interval_s: int = Field(
        default=60, ge=1, description="How often a vehicle's TIMER report is kept, for rFMS [s]."
    )

    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Where a worker serves /metrics and /healthz; 0: nowhere.",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address it serves them on: this machine alone."
    )
    hung_after_s: float = Field(
        default=60.0,
        gt=0,
        description="/healthz reports a worker whose loop has not turned for so long [s].",
    )
    stuck_after_s: float = Field(
        default=300.0,
        gt=0,
        description="/healthz reports a worker that committed nothing for so long while messages "
        "waited [s].",
    )

    @property
    def dead_topic(self) -> str:
        """Where refused messages are kept."""
        return f"{self.topic}.dead"
