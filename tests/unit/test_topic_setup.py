"""What is to be done so that topics are as settings want them, and what needs a yes."""

from dataclasses import replace

from ingest.kafka.topic_setup import NEW_PARTITIONS, SHORTER_RETENTION, Partition, Topic, plan
from ingest.kafka.topic_setup import shortfalls as shortfalls_of
from ingest.kafka.topics import wanted_topics
from ingest.settings import IngestSettings

SETTINGS = IngestSettings.model_validate({"partitions": 2, "replication": 3})


def as_wanted(settings: IngestSettings = SETTINGS) -> tuple[Topic, ...]:
    return tuple(
        Topic(
            name=wanted.name,
            partitions=tuple(
                Partition(
                    number=number, leader=1, replicas=(1, 2, 3), in_sync=(1, 2, 3), size_bytes=0
                )
                for number in range(wanted.partitions)
            ),
            configs=wanted.configs,
        )
        for wanted in wanted_topics(settings)
    )


def changed(**configs: str) -> tuple[Topic, ...]:
    frames, dead = as_wanted()
    named = {name.replace("_", "."): value for name, value in configs.items()}
    return replace(frames, configs={**frames.configs, **named}), dead


def test_one_broker_may_be_away_where_settings_name_the_replicas() -> None:
    for replication, needed in ((1, "1"), (2, "1"), (3, "2")):
        settings = SETTINGS.model_copy(update={"replication": replication})
        assert [w.configs["min.insync.replicas"] for w in wanted_topics(settings)] == [needed] * 2
    cluster = SETTINGS.model_copy(update={"replication": None})
    assert "min.insync.replicas" not in wanted_topics(cluster)[0].configs


def test_topics_that_are_as_wanted_need_nothing() -> None:
    assert plan(SETTINGS, as_wanted()) == ()
    assert shortfalls_of(SETTINGS, as_wanted()) == ()


def test_a_shorter_retention_needs_a_yes_and_a_longer_one_does_not() -> None:
    for now, warning in (
        (str(30 * 86_400_000), SHORTER_RETENTION),
        ("-1", SHORTER_RETENTION),
        ("3600000", ""),
    ):
        (change,) = plan(SETTINGS, changed(retention_ms=now))
        assert (change.warning, change.configs) == (warning, {"retention.ms": str(7 * 86_400_000)})


def test_more_partitions_need_a_yes() -> None:
    more = SETTINGS.model_copy(update={"partitions": 12})
    (change,) = plan(more, as_wanted())
    assert (change.partitions, change.warning) == (12, NEW_PARTITIONS)


def test_a_raised_limit_stays_and_a_low_one_is_raised() -> None:
    assert plan(SETTINGS, changed(max_message_bytes=str(64 << 20))) == ()
    (change,) = plan(SETTINGS, changed(max_message_bytes="1048588"))
    assert change.configs == {"max.message.bytes": str(10 << 20)}
    assert change.warning == ""


def test_what_cannot_be_changed_from_here_is_told() -> None:
    other = SETTINGS.model_copy(update={"partitions": 1, "replication": 2})
    frames, moved, dead = shortfalls_of(other, as_wanted())
    assert "has 2 partitions, settings want 1: Kafka takes none away" in frames
    assert "has 3 replicas, TELEMETRY_REPLICATION wants 2" in moved
    assert "vehicle.frames.dead has 3 replicas" in dead
