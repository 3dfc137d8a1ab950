"""Where the embedded servers live, and which ones settings replace: settings by environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServersSettings(BaseSettings):
    """Settings of the launcher, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Field(
        default=Path(".telemetry"),
        description="Folder with everything the embedded servers own; default: here.",
    )
    kafka_bootstrap: str | None = Field(
        default=None,
        description="host:port[,host:port] of an existing Kafka; unset: one is started.",
    )
    database_dsn: SecretStr | None = Field(
        default=None,
        description="libpq connection string of an existing database; unset: one is started.",
    )
    kafka_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the embedded Kafka; 0: a free one."
    )
    pg_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the embedded PostgreSQL; 0: a free one."
    )
    pg_bin: Path | None = Field(
        default=None,
        description="Folder with initdb, pg_ctl, postgres and pg_config; unset: found by itself.",
    )
    kafka_jars: Path | None = Field(
        default=None,
        description="Folder that has or gets Kafka's jars; unset: kafka/jars in the home.",
    )
    server_start_timeout_s: float = Field(
        default=60.0, gt=0, description="How long a server may take until it answers [s]."
    )

    @field_validator("home", "pg_bin", "kafka_jars")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Daemons outlive the working directory they were started from."""
        return path.expanduser().absolute() if path is not None else None
