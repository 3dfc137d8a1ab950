"""The topics: made where they are missing, and told apart by their own ids."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka import errors as kafka_errors

from ingest.errors import KafkaUnreachableError, TopicMissingError
from ingest.kafka.client import open_admin, refused, refuses, unreachable

if TYPE_CHECKING:
    from uuid import UUID

    from ingest.kafka_settings import KafkaSettings
    from ingest.settings import IngestSettings

BATCH_MAX_BYTES = 10 << 20
"""The largest batch the topic of frames takes [bytes]: a message of 8 MiB and its surroundings."""

LETTER_MAX_BYTES = 64 << 20
"""The largest letter [bytes]: a message that came compressed is larger than its topic's limit."""

DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A topic as settings want it.

    Attributes:
        name: its name.
        partitions: how many at the least.
        replication: brokers that hold each partition; None: the cluster's own number.
        configs: what it is configured with, by Kafka's names.
    """

    name: str
    partitions: int
    replication: int | None
    configs: dict[str, str]

    def creation(self) -> dict[str, object]:
        """As kafka-python takes it."""
        return {
            "num_partitions": self.partitions,
            "replication_factor": self.replication or -1,
            "configs": self.configs,
        }


def wanted_topics(settings: IngestSettings) -> tuple[Wanted, Wanted]:
    """The topic of frames and that of dead letters."""

    def configs(max_bytes: int, days: int) -> dict[str, str]:
        found = {
            # `dead-letters drop` needs it, and a compacted topic would keep one message a vehicle.
            "cleanup.policy": "delete",
            "retention.ms": str(days * DAY_MS),
            "max.message.bytes": str(max_bytes),
        }
        if settings.replication is not None:
            # One broker may be away and nothing stops; what was acknowledged stands on the others.
            found["min.insync.replicas"] = str(max(1, settings.replication - 1))
        return found

    return (
        Wanted(
            name=settings.topic,
            partitions=settings.partitions,
            replication=settings.replication,
            configs=configs(BATCH_MAX_BYTES, settings.topic_retention_days),
        ),
        Wanted(
            name=settings.dead_topic,
            partitions=1,
            replication=settings.replication,
            configs=configs(LETTER_MAX_BYTES, settings.dead_letter_retention_days),
        ),
    )


def ensure_topics(settings: IngestSettings, bootstrap: str) -> list[str]:
    """Create the topic of frames and that of dead letters where they are missing.

    Returns:
        The names of those that were created.

    Raises:
        KafkaRefusedError: the broker does not let us in, or not create them.
        KafkaUnreachableError: no broker answers, or it does not make them.
    """
    topics = {topic.name: topic for topic in wanted_topics(settings)}
    created = []
    with closing(open_admin(settings, bootstrap)) as admin:
        try:
            there = set(admin.list_topics())
            for name in topics.keys() - there:
                try:
                    admin.create_topics({name: topics[name].creation()}, wait_for_metadata=True)
                except kafka_errors.TopicAlreadyExistsError:
                    continue  # another worker that started with us was quicker
                created.append(name)
        except kafka_errors.KafkaError as error:
            if refuses(error):
                raise refused(settings, bootstrap, error) from error
            raise KafkaUnreachableError(
                f"Topics {', '.join(topics)} could not be made at {bootstrap}: {error}. Let an "
                "administrator create them."
            ) from error
    return sorted(created)


def identify(settings: KafkaSettings, bootstrap: str, topic: str) -> tuple[str, UUID]:
    """The cluster's and the topic's own ids: a topic made again under its name is another one.

    Raises:
        TopicMissingError: the broker answers and has no such topic.
        KafkaUnreachableError: no broker answers.
    """
    with closing(open_admin(settings, bootstrap)) as admin:
        try:
            cluster = admin.describe_cluster()["cluster_id"]
            described = admin.describe_topics([topic])[0]
        except kafka_errors.KafkaError as error:
            raise unreachable(settings, bootstrap, error) from error
    if described.get("error_code"):
        raise TopicMissingError(
            f"Kafka at {bootstrap} has no topic {topic} and this client may not make it: let an "
            "administrator create it."
        )
    return cluster, described["topic_id"]
