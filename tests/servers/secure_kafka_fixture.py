"""A Kafka that lets nobody in without TLS: the launcher's broker with more listeners.

It keeps the launcher's own listener in clear on loopback, by which the launcher asks whether it
answers. Its SASL_SSL listener knows one user by PLAIN and by SCRAM, and takes tokens that `signer`
has signed; its SSL listener asks clients for a certificate. Both are `localhost`, by name only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from threading import Event
from typing import TYPE_CHECKING

import pytest
from kafka.admin import KafkaAdminClient
from kafka.admin._users import UserScramCredentialUpsertion

from ingest.settings import IngestSettings
from servers import ports
from servers.home import Home
from servers.kafka_server import KafkaServer
from servers.launcher import silent
from servers.state import StateFile
from tests.servers.certificates import Authority, Certificate
from tests.servers.servers_fixture import settings as launcher_settings
from tests.servers.token_endpoint import AUDIENCE, ISSUER, Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.java import Java

USER, PASSWORD = "fleet", "open-sesame-71"

SECURITY = Path(__file__).with_name("secure_kafka.properties")
"""Added to the launcher's own configuration."""


class SecureKafkaServer(KafkaServer):
    """The launcher's broker, configured further."""

    certificate: Path
    authority: Path
    keys: Path
    sasl_port: int
    mutual_port: int

    def _configure(self, port: int) -> Path:
        configuration = super()._configure(port)
        text = configuration.read_text(encoding="ascii")
        controller = re.search(r"CONTROLLER://127\.0\.0\.1:(\d+)", text)
        assert controller is not None
        others = {port, int(controller[1])}
        self.sasl_port, self.mutual_port = [p for p in ports.free(4) if p not in others][:2]
        security = Template(SECURITY.read_text(encoding="ascii")).substitute(
            port=port,
            controller=controller[1],
            sasl=self.sasl_port,
            mutual=self.mutual_port,
            certificate=self.certificate,
            authority=self.authority,
            user=USER,
            password=PASSWORD,
            audience=AUDIENCE,
            issuer=ISSUER,
            keys=self.keys.as_uri(),
        )
        configuration.write_text(text + security, encoding="ascii")
        return configuration

    def _java(self, runtime: Java) -> list[str]:
        executable, *options = super()._java(runtime)
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.keys.as_uri()}"
        return [executable, allowed, *options]


@dataclass(frozen=True, kw_only=True)
class SecureKafka:
    """Where the secured broker is, and what its clients need.

    Attributes:
        sasl: address that asks for a login.
        mutual: address that asks for a certificate.
        clear: address without any of it, which no client of ours uses.
        authority: who signed the broker's certificate, and those of its clients.
        client: a certificate the broker takes.
        signer: whose tokens the broker takes.
        folder: where more certificates may go.
    """

    sasl: str
    mutual: str
    clear: str
    authority: Authority
    client: Certificate
    signer: Signer
    folder: Path

    def environment(
        self, mechanism: str | None = "SCRAM-SHA-512", **changes: str | None
    ) -> dict[str, str]:
        """Settings by which a client logs in, as environment variables; None takes one away."""
        found: dict[str, str | None] = {
            "bootstrap": self.sasl,
            "security_protocol": "SASL_SSL",
            "ssl_ca_file": str(self.authority.file),
            "sasl_mechanism": mechanism,
            "sasl_username": USER,
            "sasl_password": PASSWORD,
        }
        found |= changes
        return {
            f"TELEMETRY_KAFKA_{name.upper()}": text
            for name, text in found.items()
            if text is not None
        }

    def settings(
        self,
        mechanism: str | None = "SCRAM-SHA-512",
        *,
        topic: str | None = "vehicle.frames",
        **changes: str | None,
    ) -> IngestSettings:
        """The same as settings."""
        fields = {
            name.removeprefix("TELEMETRY_").lower(): text
            for name, text in self.environment(mechanism, **changes).items()
        }
        return IngestSettings.model_validate({"topic": topic, **fields})


@pytest.fixture(scope="session")
def secure_kafka(servers_home: Path) -> Iterator[SecureKafka]:
    """A secured broker that lives as long as the test session."""
    home = Home(servers_home / "secure")
    home.prepare()
    authority, signer = Authority(home.root, "authority"), Signer()
    server = SecureKafkaServer(launcher_settings(home.root), home, StateFile(home.state_file))
    server.certificate = authority.issue("broker", "localhost").both
    server.authority = authority.file
    server.keys = home.root / "keys.json"
    server.keys.write_text(json.dumps(signer.jwks()), encoding="ascii")
    server.start(silent, Event())
    try:
        _add_user(server.url())
        yield SecureKafka(
            sasl=f"localhost:{server.sasl_port}",
            mutual=f"localhost:{server.mutual_port}",
            clear=server.url(),
            authority=authority,
            client=authority.issue("client"),
            signer=signer,
            folder=home.root,
        )
    finally:
        server.stop(silent)


def _add_user(bootstrap: str) -> None:
    """SCRAM users live in the cluster's metadata."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            user = UserScramCredentialUpsertion(USER, mechanism, PASSWORD)
            assert admin.alter_user_scram_credentials([user]) == {USER: None}
    finally:
        admin.close()
