"""Which Kafka, and how we speak to it: in clear, encrypted, with a login, with a certificate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts to which nothing travels that others could read."""


class SecurityProtocol(StrEnum):
    """What a listener of the broker speaks, by Kafka's own names."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def encrypted(self) -> bool:
        """Whether it is TLS."""
        return self in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)

    @property
    def login(self) -> bool:
        """Whether clients say who they are by SASL."""
        return self in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


class SaslMechanism(StrEnum):
    """How a client proves who it is, by the names of the SASL registry."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"

    @property
    def shows_secret(self) -> bool:
        """Whether whoever reads the connection has the password or the token."""
        return self in (SaslMechanism.PLAIN, SaslMechanism.OAUTHBEARER)


class KafkaSettings(BaseSettings):
    """Settings of every connection to Kafka, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    kafka_bootstrap: str | None = Field(
        default=None, description="host:port,... of an existing Kafka; unset: the embedded one."
    )
    kafka_security_protocol: SecurityProtocol = Field(
        default=SecurityProtocol.PLAINTEXT, description="What the broker's listener speaks."
    )
    kafka_sasl_mechanism: SaslMechanism | None = Field(
        default=None, description="How we log in; needed with SASL_SSL and SASL_PLAINTEXT."
    )
    kafka_sasl_username: str | None = Field(
        default=None, description="User of PLAIN and SCRAM-SHA-256/512."
    )
    kafka_sasl_password: SecretStr | None = Field(
        default=None, description="Password of that user."
    )
    kafka_oauth_token_url: str | None = Field(
        default=None,
        description="OAUTHBEARER: where an OpenID provider gives tokens for client credentials.",
    )
    kafka_oauth_client_id: str | None = Field(default=None, description="Our id at that provider.")
    kafka_oauth_client_secret: SecretStr | None = Field(
        default=None, description="Our secret at that provider."
    )
    kafka_oauth_scope: str | None = Field(
        default=None, description="Scopes to ask for, divided by spaces; unset: the provider's own."
    )
    kafka_oauth_ca_file: Path | None = Field(
        default=None, description="PEM of who signed the provider's certificate; unset: system's."
    )
    kafka_ssl_ca_file: Path | None = Field(
        default=None, description="PEM of who signed the brokers' certificates; unset: system's."
    )
    kafka_ssl_cert_file: Path | None = Field(
        default=None, description="PEM of our own certificate, where brokers ask for one."
    )
    kafka_ssl_key_file: Path | None = Field(
        default=None, description="PEM of its private key; unset: it is in the same file."
    )
    kafka_ssl_key_password: SecretStr | None = Field(
        default=None, description="Password of the private key, where it is encrypted."
    )
    kafka_ssl_check_hostname: bool = Field(
        default=True, description="Whether a broker's certificate must hold its host name."
    )

    @field_validator(
        "kafka_oauth_ca_file", "kafka_ssl_ca_file", "kafka_ssl_cert_file", "kafka_ssl_key_file"
    )
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("there is no such file")
        return path

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        protocol = self.kafka_security_protocol
        if protocol.login:
            self._require_login()
        elif idle := self._named("kafka_sasl_", "kafka_oauth_"):
            raise ValueError(
                f"{idle[0]} has no effect with TELEMETRY_KAFKA_SECURITY_PROTOCOL={protocol}: set "
                "that to SASL_SSL, or unset the login"
            )
        if not protocol.encrypted and (idle := self._named("kafka_ssl_")):
            raise ValueError(
                f"{idle[0]} has no effect with TELEMETRY_KAFKA_SECURITY_PROTOCOL={protocol}: set "
                "that to SSL or SASL_SSL"
            )
        if self.kafka_ssl_cert_file is None and (
            idle := self._named("kafka_ssl_key_file", "kafka_ssl_key_password")
        ):
            raise ValueError(f"{idle[0]} is set, but TELEMETRY_KAFKA_SSL_CERT_FILE is not")
        return self

    def _require_login(self) -> None:
        mechanism = self.kafka_sasl_mechanism
        if mechanism is None:
            raise ValueError(
                f"TELEMETRY_KAFKA_SECURITY_PROTOCOL is {self.kafka_security_protocol}, which needs "
                f"TELEMETRY_KAFKA_SASL_MECHANISM: one of {', '.join(SaslMechanism)}"
            )
        if mechanism is SaslMechanism.OAUTHBEARER:
            needed = ["kafka_oauth_token_url", "kafka_oauth_client_id", "kafka_oauth_client_secret"]
            idle = self._named("kafka_sasl_username", "kafka_sasl_password")
        else:
            needed = ["kafka_sasl_username", "kafka_sasl_password"]
            idle = self._named("kafka_oauth_")
        if missing := [_variable(name) for name in needed if not getattr(self, name)]:
            raise ValueError(f"login by {mechanism} needs {' and '.join(missing)}")
        if idle:
            raise ValueError(f"{idle[0]} has no effect with login by {mechanism}: unset it")
        if mechanism is SaslMechanism.OAUTHBEARER:
            url = urlsplit(self.kafka_oauth_token_url or "")
            if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
                raise ValueError(
                    "TELEMETRY_KAFKA_OAUTH_TOKEN_URL must begin with https://, for our secret "
                    "goes there"
                )

    def _named(self, *prefixes: str) -> list[str]:
        """The variables of those beginnings that somebody has set to more than their default."""
        return [
            _variable(name)
            for name in sorted(self.model_fields_set)
            if name.startswith(prefixes)
            and getattr(self, name) != type(self).model_fields[name].default
        ]


def _variable(name: str) -> str:
    return f"TELEMETRY_{name.upper()}"
