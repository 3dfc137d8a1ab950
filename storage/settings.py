"""How to reach the database and how long it keeps what: settings by environment."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class StorageSettings(BaseSettings):
    """Settings of the database, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    database_dsn: SecretStr | None = Field(
        default=None,
        description="libpq connection string of an existing database; unset: the embedded one.",
    )
    cell: int = Field(
        default=0,
        ge=0,
        lt=2**22,
        description="Number of this region's database; vehicle ids are unique across cells.",
    )
    retention_days: int = Field(
        default=90, ge=1, description="Raw signal rows older than this are dropped [days]."
    )
    compress_after_days: int = Field(
        default=7,
        ge=1,
        description="On TimescaleDB, chunks older than this become columnstore [days].",
    )
    rollup_retention_days: int = Field(
        default=730,
        ge=1,
        description="Rollups older than this are dropped [days]; unset, they are kept no shorter "
        "than rows.",
    )
    report_retention_days: int = Field(
        default=15,
        ge=14,
        description="Reports (rFMS) received longer ago than this are dropped, but for each "
        "vehicle's last one [days].",
    )
    backup_retention_days: int | None = Field(
        default=None,
        ge=1,
        description="How long the database's backups are kept [days], as whoever makes them sees "
        "to it; `telemetry privacy status` tells it.",
    )
    archive: str | None = Field(
        default=None,
        description="A folder or address to which `telemetry export --identified` is brought up to "
        "date; `research` reads from it what the database no longer keeps.",
    )
    refused_values_kept: int = Field(
        default=1_000_000,
        ge=1,
        description="Values out of limits that are kept to look at; the oldest make room.",
    )
    dataset_min_vehicles: int = Field(
        default=5,
        ge=2,
        le=100_000,
        description="A dataset of fewer vehicles is refused, and withheld when so few are left.",
    )
    dataset_finest_grid_deg: float = Field(
        default=0.01,
        ge=1e-4,
        le=10,
        description="No dataset tells a position finer than on a grid of so many degrees.",
    )

    @model_validator(mode="after")
    def _spans_fit_together(self) -> Self:
        if self.compress_after_days >= self.retention_days:
            raise ValueError(
                f"compress_after_days ({self.compress_after_days}) must be less than retention_days"
                f" ({self.retention_days}), or nothing would ever be compressed"
            )
        if "rollup_retention_days" not in self.model_fields_set:
            self.rollup_retention_days = max(self.rollup_retention_days, self.retention_days)
        if self.rollup_retention_days < self.retention_days:
            raise ValueError(
                f"rollup_retention_days ({self.rollup_retention_days}) must be at least "
                f"retention_days ({self.retention_days}): a day that was summed up is read from "
                "its rollups, and would seem empty while its rows are still there"
            )
        return self
