"""What the API reads of models, through `storage.served.Reader`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRow:
    """A model; None is what is not known, or withheld."""

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
    drifted: int | None
    drift_week: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRow:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftRow:
    """What is said of one input, or one measure of error, in one week."""

    week: date
    of_what: str
    name: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    limit_value: float
    drifted: bool | None
    vehicles: int
    rows: int
    computed_at: datetime


class ModelReader:
    """A method for each question about models."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def models(
        self, principal: int, *, kind: str | None, before_id: int, limit: int
    ) -> list[ModelRow]:
        """At most `limit` models, the newest first; none to whom they are no affair of."""
        return await self._reader.records(
            ModelRow,
            "served_models",
            principal=principal,
            kind=kind,
            before_id=before_id,
            max_rows=limit,
        )

    async def one(self, principal: int, model_id: int) -> tuple[ModelRow, list[GroupRow]]:
        """A model, and how good it is by group of vehicles, the classes first.

        Raises:
            UnknownModelError: there is none that the principal may know.
        """
        groups = await self._reader.records(
            GroupRow, "served_model_groups", principal=principal, model_id=model_id
        )
        (model,) = await self.models(principal, kind=None, before_id=model_id + 1, limit=1)
        return model, groups

    async def drift(
        self, principal: int, model_id: int, *, first: date, limit: int
    ) -> list[DriftRow]:
        """What has drifted since a week, the newest first.

        Raises:
            UnknownModelError: there is none that the principal may know.
        """
        return await self._reader.records(
            DriftRow,
            "served_model_drift",
            principal=principal,
            model_id=model_id,
            first=first,
            max_rows=limit,
        )
