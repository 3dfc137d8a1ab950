"""How the topics are, how settings want them, and the way from the one to the other.

Nothing is ever taken away: Kafka cannot remove partitions, and a limit that somebody has raised
stays. What cannot be undone carries a warning, and whoever asks for changes decides on it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kafka import errors as kafka_errors
from kafka.admin import ConfigResource

from ingest.errors import KafkaUnreachableError
from ingest.kafka.client import open_admin, refused, refuses
from ingest.kafka.topics import DAY_MS, wanted_topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.kafka.topics import Wanted
    from ingest.settings import IngestSettings

SHOWN = (
    "retention.ms",
    "segment.ms",
    "cleanup.policy",
    "max.message.bytes",
    "compression.type",
    "min.insync.replicas",
)
"""What of a topic's configuration concerns whoever runs the platform."""

NEW_PARTITIONS = (
    "A VIN's key maps to another partition from then on: Kafka keeps the order of a vehicle's "
    "messages before and after the change, not across it. Here that loses nothing, for rows are "
    "keyed by vehicle and time; only a time that is sent twice with different values around the "
    "change may keep the earlier ones. Partitions cannot be taken away again."
)

SHORTER_RETENTION = (
    "Kafka deletes what is older than that within minutes, also what no worker has read yet."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """One partition as the brokers have it.

    Attributes:
        number: its own.
        leader: the broker that is written to and read from; None where there is none.
        replicas: brokers that should hold it.
        in_sync: those of them that hold all of it.
        size_bytes: of one copy on disk; None where we may not ask.
    """

    number: int
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    size_bytes: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic as the brokers have it; without partitions it is not there."""

    name: str
    partitions: tuple[Partition, ...] = ()
    configs: Mapping[str, str] = field(default_factory=dict)

    @property
    def replication(self) -> int:
        """Brokers that hold each partition, of the partition that has the fewest."""
        return min((len(each.replicas) for each in self.partitions), default=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One step towards what settings want.

    Attributes:
        wanted: the topic it brings nearer.
        text: what it does.
        warning: what cannot be undone about it.
        create: the topic is made.
        partitions: how many it gets.
        configs: what is set.
    """

    wanted: Wanted
    text: str
    warning: str = ""
    create: bool = False
    partitions: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict)


def look(settings: IngestSettings, bootstrap: str) -> tuple[Topic, ...]:
    """The topic of frames and that of dead letters, as they are.

    Raises:
        KafkaRefusedError: the broker does not let us in, or not look.
        KafkaUnreachableError: no broker answers.
    """
    with closing(open_admin(settings, bootstrap)) as admin:
        try:
            there = set(admin.list_topics())
            return tuple(
                _topic(admin, wanted.name) if wanted.name in there else Topic(name=wanted.name)
                for wanted in wanted_topics(settings)
            )
        except kafka_errors.KafkaError as error:
            raise _failed(settings, bootstrap, error) from error


def plan(settings: IngestSettings, found: tuple[Topic, ...]) -> tuple[Change, ...]:
    """What to do so that topics are as settings want them; nothing where they are."""
    changes: list[Change] = []
    for wanted, topic in zip(wanted_topics(settings), found, strict=True):
        if topic.partitions:
            changes += _adjustments(wanted, topic)
        else:
            copies = wanted.replication or "the cluster's number of"
            text = f"{wanted.name}: create with {_partitions(wanted.partitions)}, {copies} replicas"
            changes.append(Change(wanted=wanted, text=text, create=True))
    return tuple(changes)


def shortfalls(settings: IngestSettings, found: tuple[Topic, ...]) -> tuple[str, ...]:
    """Where topics differ from settings in what `apply` cannot change."""
    told = []
    for wanted, topic in zip(wanted_topics(settings), found, strict=True):
        if not topic.partitions:
            continue
        if len(topic.partitions) > wanted.partitions:
            told.append(
                f"{topic.name} has {_partitions(len(topic.partitions))}, settings want "
                f"{wanted.partitions}: Kafka takes none away."
            )
        if wanted.replication is not None and topic.replication != wanted.replication:
            told.append(
                f"{topic.name} has {topic.replication} replicas, TELEMETRY_REPLICATION wants "
                f"{wanted.replication}: move them with Kafka's own kafka-reassign-partitions.sh."
            )
    return tuple(told)


def apply(settings: IngestSettings, bootstrap: str, changes: tuple[Change, ...]) -> None:
    """Make these changes.

    Raises:
        KafkaRefusedError: the broker does not let us in, or not change it.
        KafkaUnreachableError: no broker answers, or it does not make a change.
    """
    with closing(open_admin(settings, bootstrap)) as admin:
        for change in changes:
            try:
                _make(admin, change)
            except kafka_errors.KafkaError as error:
                raise _failed(settings, bootstrap, error, change.text) from error


def _make(admin: Any, change: Change) -> None:
    name = change.wanted.name
    if change.create:
        admin.create_topics({name: change.wanted.creation()}, wait_for_metadata=True)
    if change.partitions is not None:
        admin.create_partitions({name: change.partitions})
        admin.wait_for_topics([name])
    if change.configs:
        said = admin.alter_configs([ConfigResource("TOPIC", name, dict(change.configs))])
        if said["topic"][name] != "OK":
            raise kafka_errors.KafkaError(said["topic"][name])


def _adjustments(wanted: Wanted, topic: Topic) -> list[Change]:
    changes = []
    for key, value in wanted.configs.items():
        now = topic.configs.get(key, "")
        if now == value or (key == "max.message.bytes" and int(now or 0) > int(value)):
            continue
        shorter = key == "retention.ms" and not 0 <= int(now or 0) <= int(value)
        changes.append(
            Change(
                wanted=wanted,
                text=f"{wanted.name}: {key} {described(key, now)} → {described(key, value)}",
                warning=SHORTER_RETENTION if shorter else "",
                configs={key: value},
            )
        )
    if 0 < len(topic.partitions) < wanted.partitions:
        changes.append(
            Change(
                wanted=wanted,
                text=f"{wanted.name}: {len(topic.partitions)} → {_partitions(wanted.partitions)}",
                warning=NEW_PARTITIONS,
                partitions=wanted.partitions,
            )
        )
    return changes


def described(key: str, value: str) -> str:
    """A configured value as people read it."""
    if not value.lstrip("-").isdecimal():
        return value or "nothing"
    number = int(value)
    if key in ("retention.ms", "segment.ms"):
        return "for ever" if number < 0 else f"{number / DAY_MS:.4g} days"
    return f"{number:,}"


def _topic(admin: Any, name: str) -> Topic:
    described_topic = admin.describe_topics([name])[0]
    resource = ConfigResource("TOPIC", name)
    configs = admin.describe_configs([resource], config_filter="all")["topic"][name]
    sizes = _sizes(admin, name)
    return Topic(
        name=name,
        partitions=tuple(
            Partition(
                number=each["partition_index"],
                leader=each["leader_id"] if each["leader_id"] >= 0 else None,
                replicas=tuple(each["replica_nodes"]),
                in_sync=tuple(each["isr_nodes"]),
                size_bytes=sizes.get(each["partition_index"]),
            )
            for each in sorted(
                described_topic["partitions"], key=lambda each: int(each["partition_index"])
            )
        ),
        configs={key: configs[key]["value"] for key in SHOWN if key in configs},
    )


def _sizes(admin: Any, name: str) -> dict[int, int]:
    """By partition: its largest copy [bytes]; empty where the brokers do not let us ask."""
    sizes: dict[int, int] = {}
    try:
        brokers = admin.describe_log_dirs([name])
    except kafka_errors.KafkaError:
        return {}
    for broker in brokers:
        for folder in broker["log_dirs"]:
            for topic in folder["topics"]:
                for each in topic["partitions"]:
                    number = each["partition_index"]
                    sizes[number] = max(sizes.get(number, 0), each["partition_size"])
    return sizes


def _partitions(count: int) -> str:
    return f"{count} {'partition' if count == 1 else 'partitions'}"


def _failed(
    settings: IngestSettings, bootstrap: str, error: Exception, doing: str = "look at topics"
) -> Exception:
    if refuses(error):
        return refused(settings, bootstrap, error)
    return KafkaUnreachableError(f"Kafka at {bootstrap} did not do this: {doing}: {error}.")
