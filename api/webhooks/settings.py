"""Settings of webhooks: what seals their secrets, where they may go, how long one tries."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads it

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class WebhookSettings(BaseSettings):
    """Settings of webhooks, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    webhook_keys: SecretStr | None = Field(
        default=None,
        description="What webhooks' secrets are sealed with: Fernet keys, comma separated, the "
        "first one seals; where API and senders share no disk. Unset: "
        "TELEMETRY_WEBHOOK_KEYS_FILE.",
    )
    webhook_keys_file: Path | None = Field(
        default=None,
        description="File of these keys, a line each; unset: webhooks/keys in TELEMETRY_HOME, made "
        "at the first start.",
    )
    webhook_private_networks: str = Field(
        default="",
        description="Private networks that webhooks may go to, comma separated (10.1.0.0/16); all "
        "others, loopback and link-local ones are refused.",
    )
    webhook_ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) of authorities of your own that receivers' may be signed "
        "by, beside those of the system.",
    )
    webhook_timeout_s: float = Field(
        default=15.0, gt=0, le=60, description="How long a receiver may take to answer [s]."
    )
    webhook_retry_first_s: float = Field(
        default=5.0, gt=0, le=3600, description="How soon the first retry is made [s]."
    )
    webhook_give_up_s: float = Field(
        default=3 * 86_400.0,
        gt=0,
        le=20 * 86_400,
        description="How long a message is tried, and how long a webhook may fail before it is "
        "disabled [s].",
    )
    webhook_at_once: int = Field(
        default=50, ge=2, le=1000, description="Webhooks that a sender sends for at once."
    )
    webhook_poll_s: float = Field(
        default=1.0, gt=0, le=60, description="How often a sender looks for what is due [s]."
    )
    webhook_secret_overlap_s: int = Field(
        default=86_400,
        ge=0,
        le=30 * 86_400,
        description="How long the secret before goes on signing after a rotation [s].",
    )

    @property
    def webhook_secret_overlap(self) -> timedelta:
        """How long the secret before goes on signing after a rotation."""
        return timedelta(seconds=self.webhook_secret_overlap_s)

    @field_validator("webhook_private_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        _networks(text)
        return text

    @property
    def private_networks(self) -> tuple[Network, ...]:
        """The private networks that webhooks may go to."""
        return _networks(self.webhook_private_networks)


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
