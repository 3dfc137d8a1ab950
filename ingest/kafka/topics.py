"""The topics: made where they are missing, and told apart by their own ids."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import kafka
from kafka import errors as kafka_errors

from ingest.errors import KafkaUnreachableError

if TYPE_CHECKING:
    from uuid import UUID

    from ingest.settings import IngestSettings

ANSWER_S = 10.0
"""How long we wait for the first answer of a broker [s]."""

RECONNECT_S = 2.0
"""Longest wait before another try to connect to a broker [s]; the library's 30 s are long."""

LETTER_MAX_BYTES = 64 << 20
"""The largest letter [bytes]: a message that came compressed is larger than its topic's limit."""


def ensure_topics(settings: IngestSettings, bootstrap: str) -> list[str]:
    """Create the topic of frames and that of dead letters where they are missing.

    Returns:
        The names of those that were created.

    Raises:
        KafkaUnreachableError: no broker answers, or it does not let us.
    """
    topics = {
        settings.topic: {"num_partitions": settings.partitions},
        settings.dead_topic: {
            "num_partitions": 1,
            "configs": {"max.message.bytes": str(LETTER_MAX_BYTES)},
        },
    }
    created = []
    with closing(open_admin(bootstrap)) as admin:
        try:
            there = set(admin.list_topics())
            for name in topics.keys() - there:
                try:
                    admin.create_topics({name: topics[name]}, wait_for_metadata=True)
                except kafka_errors.TopicAlreadyExistsError:
                    continue  # another worker that started with us was quicker
                created.append(name)
        except kafka_errors.KafkaError as error:
            raise KafkaUnreachableError(
                f"Topics {', '.join(topics)} could not be made at {bootstrap}: {error}. Let an "
                "administrator create them."
            ) from error
    return sorted(created)


def identify(bootstrap: str, topic: str) -> tuple[str, UUID]:
    """The cluster's and the topic's own ids: a topic made again under its name is another one."""
    with closing(open_admin(bootstrap)) as admin:
        try:
            cluster = admin.describe_cluster()["cluster_id"]
            described = admin.describe_topics([topic])[0]
        except kafka_errors.KafkaError as error:
            raise unreachable(bootstrap, error) from error
    if described.get("error_code"):
        raise KafkaUnreachableError(
            f"Kafka at {bootstrap} has no topic {topic} and this client may not make it: let an "
            "administrator create it."
        )
    return cluster, described["topic_id"]


def open_admin(bootstrap: str) -> Any:
    """kafka-python's client for administration; the caller closes it.

    Raises:
        KafkaUnreachableError: no broker answers.
    """
    try:
        return kafka.KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","), bootstrap_timeout_ms=int(ANSWER_S * 1000)
        )
    except kafka_errors.KafkaError as error:
        raise unreachable(bootstrap, error) from error


def unreachable(bootstrap: str, error: Exception) -> KafkaUnreachableError:
    """The error that says what to do where no broker answers."""
    return KafkaUnreachableError(
        f"Kafka at {bootstrap} does not answer: {error}. Is it running? `telemetry up` starts an "
        "embedded one; TELEMETRY_KAFKA_BOOTSTRAP names another."
    )
