"""`telemetry topics` against a real broker: what it shows, makes, changes and asks about."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import kafka
import pytest
from kafka.admin import ConfigResource
from typer.testing import CliRunner

from cli.app import app
from ingest.kafka import Publisher
from ingest.kafka.topic_setup import look
from ingest.settings import IngestSettings
from schemas.wire import ContentType
from tests.servers.ingest_fixture import new_vins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.servers_fixture import Addresses


@pytest.fixture
def settings(servers: Addresses, monkeypatch: pytest.MonkeyPatch) -> Iterator[IngestSettings]:
    """The settings that the command has from its environment; its topics go at the end."""
    monkeypatch.setenv("TELEMETRY_KAFKA_BOOTSTRAP", servers.kafka_bootstrap)
    monkeypatch.setenv("TELEMETRY_TOPIC", f"test.{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("COLUMNS", "200")
    found = IngestSettings()
    yield found
    admin = kafka.KafkaAdminClient(bootstrap_servers=found.kafka_bootstrap)
    admin.delete_topics(sorted({found.topic, found.dead_topic} & set(admin.list_topics())))
    admin.close()


def telemetry(*arguments: str, exit_code: int = 0) -> str:
    """What the command prints."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == exit_code, done.output
    return done.output


def configs(settings: IngestSettings) -> list[dict[str, str]]:
    return [dict(topic.configs) for topic in look(settings, settings.kafka_bootstrap or "")]


def partitions(settings: IngestSettings) -> list[int]:
    return [len(topic.partitions) for topic in look(settings, settings.kafka_bootstrap or "")]


def test_topics_are_shown_made_adjusted_and_then_left_alone(
    settings: IngestSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = telemetry("topics", exit_code=1)
    assert f"{settings.topic} is not there: telemetry topics create makes it." in missing

    monkeypatch.setenv("TELEMETRY_REPLICATION", "1")
    made = telemetry("topics", "create", "--partitions", "2")
    assert f"+ {settings.topic}: create with 2 partitions, 1 replicas" in made
    frames, dead = configs(settings)
    assert frames["retention.ms"] == str(7 * 86_400_000)
    assert frames["max.message.bytes"] == str(10 << 20)
    assert dead["retention.ms"] == str(30 * 86_400_000)
    assert dead["max.message.bytes"] == str(64 << 20)
    assert frames["cleanup.policy"] == dead["cleanup.policy"] == "delete"
    assert frames["min.insync.replicas"] == "1"
    again = telemetry("topics", "create", "--partitions", "2")
    assert again == "The topics are as settings want them.\n"

    publisher = Publisher(settings, settings.kafka_bootstrap or "")
    publisher.send(new_vins(1)[0], bytes(2_000_000), ContentType.PROTOBUF)
    publisher.close()
    shown = telemetry("topics")
    assert "retention.ms: 7 days" in shown
    assert "max.message.bytes: 10,485,760" in shown
    assert "compression.type: producer" in shown
    found = look(settings, settings.kafka_bootstrap or "")[0]
    assert sum(each.size_bytes or 0 for each in found.partitions) > 0

    # More partitions cannot be undone: without a yes nothing changes, not even what could be.
    refused = telemetry("topics", "create", "--partitions", "3", exit_code=1)
    assert "A VIN's key maps to another partition" in refused
    assert partitions(settings) == [2, 1]
    grown = telemetry("topics", "create", "--partitions", "3", "--yes")
    assert f"+ {settings.topic}: 2 → 3 partitions" in grown
    assert partitions(settings) == [3, 1]
    fewer = telemetry("topics", "create", "--partitions", "1")
    assert "has 3 partitions, settings want 1: Kafka takes none away." in fewer
    assert "as settings want" not in fewer


def test_a_limit_that_somebody_has_raised_stays_and_another_value_is_set_back(
    settings: IngestSettings,
) -> None:
    telemetry("topics", "create")
    admin = kafka.KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    changed = {"max.message.bytes": str(32 << 20), "cleanup.policy": "compact"}
    admin.alter_configs([ConfigResource("TOPIC", settings.topic, changed)])
    admin.close()
    said = telemetry("topics", "create")
    assert said == f"+ {settings.topic}: cleanup.policy compact → delete\n"
    assert configs(settings)[0]["max.message.bytes"] == str(32 << 20)
