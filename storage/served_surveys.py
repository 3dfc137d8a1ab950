"""Many vehicles together, through `storage.served.Reader`: spreads, and datasets that may be.

What is looked at and whom it is told to is in storage/migrations, in the one on surveys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.served_datasets import Defined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storage.served import Reader
    from storage.served_datasets import Definition

Row = dict[str, Any]
"""A row of JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A bar of a histogram; of a state, low and high are its value."""

    low: float
    high: float
    share: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpread:
    """Who has a signal among the vehicles of a model, or of all others."""

    model: str | None
    others: bool
    vehicles: int
    with_it: int | None
    rows: int | None
    rows_with: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A signal over many vehicles; None is what is not told."""

    told: str
    """all, availability, few, nothing or never."""
    vehicles: int | None
    with_it: int | None
    rows: int | None
    rows_with: float | None
    p1: float | None
    p50: float | None
    p99: float | None
    bins: list[Bar]
    models: list[ModelSpread]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spread:
    told: str
    vehicles: int | None
    with_it: int | None
    rows: int | None
    rows_with: float | None
    p1: float | None
    p50: float | None
    p99: float | None
    bins: list[Row]
    models: list[Row]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A model or region that a dataset may be of."""

    kind: str
    """model or region."""
    name: str
    vehicles: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a dataset would be of."""

    models: Sequence[str] | None
    """None: of every model."""
    regions: Sequence[str] | None
    """ISO 3166-2, or a country alone; None: of every region."""
    data_from: datetime
    data_until: datetime
    signals: Sequence[str]
    resolution_s: int

    def parameters(self) -> dict[str, object]:
        """What the statements take."""
        return {
            "models": None if self.models is None else list(self.models),
            "regions": None if self.regions is None else list(self.regions),
            "data_from": self.data_from,
            "data_until": self.data_until,
            "signals": list(self.signals),
            "resolution_s": self.resolution_s,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """How much it would hold; None where it is not told."""

    told: str
    """all, few, nothing or many."""
    vehicles: int | None
    vehicle_days: float | None
    steps: float | None
    """Rows of signals within trips, of all vehicles."""
    availability: dict[str, float | None] | None
    """Of each signal that any vehicle has, the share that has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstRow:
    """A row that it would tell."""

    vehicle: str
    time: datetime
    values: list[float | None]


class SurveyReader:
    """A method for each question about many vehicles together."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def spread(self, principal: int, name: str) -> Spread:
        """How far a signal spreads, and who has it."""
        (found,) = await self._reader.records(
            _Spread, "served_signal_spread", principal=principal, signal=name
        )
        return Spread(
            told=found.told,
            vehicles=found.vehicles,
            with_it=found.with_it,
            rows=found.rows,
            rows_with=found.rows_with,
            p1=found.p1,
            p50=found.p50,
            p99=found.p99,
            bins=[Bar(**one) for one in found.bins],
            models=[ModelSpread(**one) for one in found.models],
        )

    async def choices(self, principal: int) -> list[Choice]:
        """Models and regions that a dataset may be of, the most frequent first."""
        return await self._reader.records(Choice, "served_dataset_choices", principal=principal)

    async def preview(self, principal: int, selection: Selection) -> Preview:
        """How much a dataset would hold."""
        (found,) = await self._reader.records(
            Preview, "served_dataset_preview", principal=principal, **selection.parameters()
        )
        return found

    async def first_rows(
        self, principal: int, selection: Selection, *, party: str, limit: int
    ) -> list[FirstRow]:
        """The first rows that it would tell; none to who may not define it."""
        return await self._reader.change(
            FirstRow,
            "served_dataset_first_rows",
            principal=principal,
            party=party,
            max_rows=limit,
            **selection.parameters(),
        )

    async def define(
        self,
        principal: int,
        definition: Definition,
        *,
        models: Sequence[str] | None,
        regions: Sequence[str] | None,
    ) -> Defined:
        """Define a dataset over the vehicles of models and regions, or say what is refused."""
        (defined,) = await self._reader.change(
            Defined,
            "served_define_dataset_of",
            principal=principal,
            models=None if models is None else list(models),
            regions=None if regions is None else list(regions),
            **definition.parameters(),
        )
        return defined
