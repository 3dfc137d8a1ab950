"""Encrypted and authenticated, from Kafka to the database, against a real broker that insists."""

from __future__ import annotations

import logging
import os
import uuid
from typing import TYPE_CHECKING

import kafka
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from ingest.errors import KafkaRefusedError, KafkaUnreachableError
from ingest.kafka import Publisher, TopicLog, ensure_topics
from schemas.wire import ContentType, encode_protobuf
from storage.connection import connect
from storage.errors import DatabaseUnreachableError
from tests.asking.command_line import CommandLine
from tests.servers.certificates import Authority
from tests.servers.ingest_fixture import Bench, ago_us, new_vins
from tests.servers.secure_kafka_fixture import PASSWORD
from tests.servers.tls_front import tls_front
from tests.servers.token_endpoint import CLIENT, SECRET, Signer, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.settings import IngestSettings
    from tests.servers.database_fixture import Migrated
    from tests.servers.secure_kafka_fixture import SecureKafka

NO_LOGIN = {"sasl_mechanism": None, "sasl_username": None, "sasl_password": None}


@pytest.fixture
def topic(secure_kafka: SecureKafka) -> Iterator[str]:
    """A topic's name of this test's own, deleted at the end."""
    name = f"test.{uuid.uuid4().hex[:10]}"
    yield name
    admin = kafka.KafkaAdminClient(bootstrap_servers=secure_kafka.clear)
    admin.delete_topics(sorted({name, f"{name}.dead"} & set(admin.list_topics())))
    admin.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the database's certificate."""
    return Authority(tmp_path_factory.mktemp("database"), "database-authority")


@pytest.fixture(scope="module")
def encrypted(migrated: Migrated, authority: Authority) -> Iterator[str]:
    """The module's database behind TLS: its connection string, certificate checked in full."""
    parts = conninfo_to_dict(migrated.dsn.get_secret_value())
    behind = (str(parts.get("host") or "127.0.0.1"), int(parts.get("port") or 5432))
    with tls_front(authority.issue("database", "localhost"), behind) as port:
        yield make_conninfo(
            migrated.dsn.get_secret_value(),
            host="localhost",
            port=port,
            sslmode="verify-full",
            sslrootcert=str(authority.file),
        )


def travels(settings: IngestSettings, bootstrap: str) -> None:
    """A message goes out and is read again, all with these settings."""
    ensure_topics(settings, bootstrap)
    publisher = Publisher(settings, bootstrap)
    publisher.send(new_vins(1)[0], b"payload", ContentType.PROTOBUF)
    publisher.close()
    with TopicLog(settings.topic, settings, bootstrap) as log:
        assert [entry.record.value for entry in log.entries()] == [b"payload"]


def command_line(secure_kafka: SecureKafka, dsn: str, home: Path, **others: str) -> CommandLine:
    inherited = {n: text for n, text in os.environ.items() if not n.startswith("TELEMETRY_")}
    return CommandLine(
        environment={
            **inherited,
            **secure_kafka.environment(),
            "TELEMETRY_DATABASE_DSN": dsn,
            "TELEMETRY_HOME": str(home),
            **others,
        }
    )


def test_frames_go_from_a_publisher_to_tables_with_every_connection_encrypted(
    secure_kafka: SecureKafka, migrated: Migrated, encrypted: str, topic: str, tmp_path: Path
) -> None:
    settings = secure_kafka.settings(topic=topic)
    bench = Bench(
        settings=settings,
        bootstrap=secure_kafka.clear,
        dsn=migrated.dsn,
        catalogue=migrated.catalogue,
    )
    ensure_topics(settings, secure_kafka.sasl)
    vin, first = new_vins(1)[0], ago_us(100)
    message = bench.message(
        vin, {first + n * 1_000_000: {"wheel_speed": 50.0 + n} for n in range(20)}
    )
    publisher = Publisher(settings, secure_kafka.sasl)
    publisher.send(vin, encode_protobuf(message), ContentType.PROTOBUF)
    publisher.send(vin, b"no message at all", ContentType.PROTOBUF)
    publisher.close()

    telemetry = command_line(secure_kafka, encrypted, tmp_path, TELEMETRY_TOPIC=topic)
    said = telemetry.run("ingest", "--until-idle", "1")
    assert len(bench.rows(vin)) == 20
    letters = telemetry.run("dead-letters", "list")
    assert "1 letters" in letters.stdout
    assert PASSWORD not in said.stdout + said.stderr + letters.stdout + letters.stderr


def test_a_wrong_password_is_told_at_once_in_one_line(
    secure_kafka: SecureKafka, encrypted: str, tmp_path: Path
) -> None:
    telemetry = command_line(
        secure_kafka, encrypted, tmp_path, TELEMETRY_KAFKA_SASL_PASSWORD="not-this-one"
    )
    refused = telemetry.run("ingest", fails=True)
    assert refused.stderr.count("\n") == 1, refused.stderr
    assert "refuses the login of user fleet by SCRAM-SHA-512" in refused.stderr
    assert "TELEMETRY_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD" in refused.stderr
    assert "not-this-one" not in refused.stdout + refused.stderr


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
def test_a_message_travels_by_password(
    secure_kafka: SecureKafka, topic: str, mechanism: str
) -> None:
    travels(secure_kafka.settings(mechanism, topic=topic), secure_kafka.sasl)
    wrong = secure_kafka.settings(mechanism, topic=topic, sasl_password="not-this-one")
    with pytest.raises(KafkaRefusedError, match=f"refuses the login of user fleet by {mechanism}"):
        Publisher(wrong, secure_kafka.sasl)


def test_a_message_travels_by_a_token_that_is_asked_for_once(
    secure_kafka: SecureKafka, topic: str
) -> None:
    with endpoint(secure_kafka.signer) as provider:
        oauth = NO_LOGIN | {
            "sasl_mechanism": "OAUTHBEARER",
            "oauth_token_url": provider.url,
            "oauth_client_id": CLIENT,
            "oauth_client_secret": SECRET,
            "oauth_scope": "kafka",
        }
        travels(secure_kafka.settings(topic=topic, **oauth), secure_kafka.sasl)
        assert provider.asked == [{"grant_type": ["client_credentials"], "scope": ["kafka"]}]
        provider.signer = Signer()
        forged = secure_kafka.settings(topic=topic, **oauth | {"oauth_scope": None})
        with pytest.raises(KafkaRefusedError, match="refuses the login of user ingest by OAUTHB"):
            ensure_topics(forged, secure_kafka.sasl)


def test_a_message_travels_by_certificate_and_not_without_one(
    secure_kafka: SecureKafka, topic: str
) -> None:
    mutual = NO_LOGIN | {"security_protocol": "SSL"}
    ours = secure_kafka.settings(
        topic=topic,
        **mutual,
        ssl_cert_file=str(secure_kafka.client.file),
        ssl_key_file=str(secure_kafka.client.key),
    )
    travels(ours, secure_kafka.mutual)
    with pytest.raises(KafkaRefusedError, match="TELEMETRY_KAFKA_SSL_CERT_FILE"):
        ensure_topics(secure_kafka.settings(topic=topic, **mutual), secure_kafka.mutual)


def test_a_broker_that_is_not_the_one_we_trust_is_refused(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    for settings, address, why in (
        (secure_kafka.settings(ssl_ca_file=str(stranger.file)), secure_kafka.sasl, "issuer"),
        (secure_kafka.settings(ssl_ca_file=None), secure_kafka.sasl, "issuer"),
        (
            secure_kafka.settings(),
            secure_kafka.sasl.replace("localhost", "127.0.0.1"),
            "not valid for '127.0.0.1'",
        ),
    ):
        with pytest.raises(KafkaRefusedError, match=f"is not trusted: .*{why}"):
            Publisher(settings, address)


def test_where_the_host_name_is_not_checked_another_name_will_do(
    secure_kafka: SecureKafka, topic: str
) -> None:
    settings = secure_kafka.settings(topic=topic, ssl_check_hostname="false")
    travels(settings, secure_kafka.sasl.replace("localhost", "127.0.0.1"))


def test_tls_to_a_listener_without_it_asks_for_the_protocol(secure_kafka: SecureKafka) -> None:
    with pytest.raises(KafkaUnreachableError, match=r"speak SASL_SSL.*SECURITY_PROTOCOL"):
        ensure_topics(secure_kafka.settings(), secure_kafka.clear)


def test_no_log_line_of_any_level_holds_the_password(
    secure_kafka: SecureKafka, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="kafka")
    travels(secure_kafka.settings("PLAIN", topic=topic), secure_kafka.sasl)
    assert "Starting KafkaAdminClient with configuration" in caplog.text
    assert PASSWORD not in caplog.text


def test_the_database_is_reached_by_tls_with_its_certificate_checked(
    migrated: Migrated, encrypted: str
) -> None:
    with connect(SecretStr(encrypted)) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT count(*) FROM vehicle").fetchone() is not None
    # The server itself has no TLS here: one that is asked for is not done without.
    plain = make_conninfo(migrated.dsn.get_secret_value(), sslmode="require")
    with pytest.raises(DatabaseUnreachableError, match="does not support SSL"):
        connect(SecretStr(plain))


def test_a_database_that_is_not_the_one_we_trust_is_refused(encrypted: str, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    for changed, why in (
        ({"sslrootcert": str(stranger.file)}, "certificate verify failed"),
        ({"host": "127.0.0.1"}, "does not match host name"),
    ):
        with pytest.raises(DatabaseUnreachableError, match=why) as refused:
            connect(SecretStr(make_conninfo(encrypted, **changed)))
        password = conninfo_to_dict(encrypted).get("password")
        assert password is None or str(password) not in str(refused.value)
