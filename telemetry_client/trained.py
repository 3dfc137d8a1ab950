"""What is known of trained models, as frozen records.

Fields are named as in the OpenAPI document, where their meaning is described.
"""

# pydantic, and what makes columns, read these annotations when they run.
# ruff: noqa: TC003

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class GroupOfVehicles:
    """How good a model is on the vehicles of a class, or of a region."""

    grouped_by: str
    name: str
    vehicles: int
    rows: int
    error_percent: float | None
    error_low: float | None
    error_high: float | None
    bias_percent: float | None
    coverage_percent: float | None


@dataclass(frozen=True, kw_only=True)
class ModelWithGroups:
    """A model, and how good it is."""

    model_id: int
    kind: str
    stage: str
    created_at: datetime
    data_from: date | None
    data_to: date | None
    code_version: str
    checksum: str
    vehicles: int | None
    rows: int | None
    error_percent: float | None
    error_low: float | None
    error_high: float | None
    bias_percent: float | None
    coverage_percent: float | None
    drift_week: date | None
    drifted: int | None
    groups: list[GroupOfVehicles]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What is said of one input, or one measure of error, in one week."""

    week: date
    of_what: str
    name: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    limit: float
    drifted: bool | None
    vehicles: int
    rows: int
    computed_at: datetime
