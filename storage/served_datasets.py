"""Datasets for data scientists, through `storage.served.Reader`: pseudonyms and coarse values.

What may be read and how finely is in storage/migrations, in the one on datasets. Every method
raises `storage.served_errors.UnknownDatasetError` where there is none that the principal may read,
and `DatasetWithheldError` where it has too few vehicles left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.served_vehicles import signal_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from storage.answers import SignalRows
    from storage.served import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A dataset as one may know it."""

    dataset_id: int
    name: str
    purpose: str
    for_party: str | None
    """Told to whom defined it."""
    is_yours: bool
    """Whether the principal defined it."""
    valid_from: datetime
    valid_until: datetime
    ended_at: datetime | None
    """When it was ended before its time."""
    created_at: datetime
    data_from: datetime
    data_until: datetime
    signals: list[str]
    resolution_s: int
    grid_deg: float
    with_trips: bool
    with_events: bool
    holds: bool
    """Whether it may be read now."""
    is_withheld: bool
    """Whether it has too few vehicles left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How much there is in a dataset."""

    vehicles: int
    vehicle_days: int
    trips: int | None
    events: int | None
    availability: dict[str, int]
    """Of each signal that was told, by how many vehicles."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A vehicle of a dataset."""

    vehicle: str
    """Its pseudonym."""
    vehicle_class: str | None
    model: str | None
    signals: list[str]
    """Those it has told since the data begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pseudonym:
    vehicle: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CoarseTrip:
    """A trip of a dataset; None is what is not known."""

    vehicle: str
    start_time: datetime
    end_time: datetime
    kind: str
    distance_km: float | None
    duration_s: float
    driving_s: float | None
    idle_s: float
    stop_count: int | None
    fuel_l: float | None
    idle_fuel_l: float | None
    max_speed_kmh: float | None
    start_latitude: float | None
    start_longitude: float | None
    end_latitude: float | None
    end_longitude: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CoarseEvent:
    """A driving event of a dataset; None is what is not known."""

    vehicle: str
    kind: str
    start_time: datetime
    trip_start: datetime | None
    duration_s: float
    severity: int
    peak: float | None
    limit_value: float | None
    speed_km_h: float | None
    distance_km: float | None
    fuel_l: float | None
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedRows:
    """Which rows of a listing by vehicle and start are wanted."""

    start: datetime
    stop: datetime
    limit: int
    from_vehicle: str = ""
    from_start: datetime | None = None
    """Of that vehicle those that start then or later; None: all."""
    skipped: int = 0
    """So many of the first are passed over."""

    def parameters(self) -> dict[str, object]:
        """What the statement takes."""
        return {
            "start": self.start,
            "stop": self.stop,
            "from_vehicle": self.from_vehicle,
            "from_start": self.from_start,
            "skipped": self.skipped,
            "max_rows": self.limit,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A dataset that is to be."""

    name: str
    purpose: str
    party: str
    """The research party's name."""
    valid_from: datetime | None
    """None: from now on."""
    valid_until: datetime
    data_from: datetime
    data_until: datetime
    vins: Sequence[str] | None
    fleet_id: int | None
    """In place of `vins`: those in this fleet in the span of data."""
    signals: Sequence[str]
    resolution_s: int
    grid_deg: float | None
    """None: the finest there may be."""
    with_trips: bool
    with_events: bool

    def parameters(self) -> Mapping[str, object]:
        """What the statement takes."""
        return {
            "new_name": self.name,
            "purpose": self.purpose,
            "party": self.party,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "data_from": self.data_from,
            "data_until": self.data_until,
            "vins": None if self.vins is None else list(self.vins),
            "fleet_id": self.fleet_id,
            "signals": list(self.signals),
            "resolution_s": self.resolution_s,
            "grid_deg": self.grid_deg,
            "with_trips": self.with_trips,
            "with_events": self.with_events,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Defined:
    """What became of a definition."""

    dataset_id: int | None
    refusal: str | None
    """not_yours, name, party, grid, signals, vins, few, few_of_fleet or many; None: not refused."""
    about: str | None
    """What the refusal speaks of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    ended_at: datetime


class DatasetReader:
    """A method for each question about datasets."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def datasets(self, principal: int, *, after_id: int, limit: int) -> list[Dataset]:
        """At most `limit` datasets by number: those for a party that hold, and those it defined."""
        return await self._reader.records(
            Dataset, "served_datasets", principal=principal, after_id=after_id, max_rows=limit
        )

    async def dataset(self, principal: int, dataset_id: int) -> Dataset:
        """One dataset; who defined it sees it when it has ended, too."""
        (found,) = await self._reader.records(
            Dataset, "served_dataset", principal=principal, dataset_id=dataset_id
        )
        return found

    async def counts(self, principal: int, dataset_id: int) -> Counts:
        """How much there is in it."""
        (found,) = await self._reader.records(
            Counts, "served_dataset_counts", principal=principal, dataset_id=dataset_id
        )
        return found

    async def vehicles(
        self, principal: int, dataset_id: int, *, after_vehicle: str, limit: int
    ) -> list[Member]:
        """At most `limit` of its vehicles by pseudonym, after one."""
        return await self._reader.records(
            Member,
            "served_dataset_vehicles",
            principal=principal,
            dataset_id=dataset_id,
            after_vehicle=after_vehicle,
            max_rows=limit,
        )

    async def pseudonyms(
        self, principal: int, dataset_id: int, *, from_vehicle: str, limit: int
    ) -> list[str]:
        """At most `limit` pseudonyms of its vehicles, from one on."""
        found = await self._reader.records(
            _Pseudonym,
            "served_dataset_pseudonyms",
            principal=principal,
            dataset_id=dataset_id,
            from_vehicle=from_vehicle,
            max_rows=limit,
        )
        return [one.vehicle for one in found]

    async def signals(
        self,
        principal: int,
        dataset_id: int,
        vehicle: str,
        names: Sequence[str],
        *,
        start: datetime,
        stop: datetime,
        step_s: int,
        limit: int,
    ) -> SignalRows:
        """At most `limit` whole steps of a vehicle's signals, with start <= time < stop.

        Raises:
            UnknownDatasetVehicleError: the dataset has no vehicle of that pseudonym.
        """
        return await signal_rows(
            self._reader,
            "served_dataset_signals",
            len(names),
            principal=principal,
            dataset_id=dataset_id,
            vehicle=vehicle,
            names=list(names),
            start=start,
            stop=stop,
            step_s=step_s,
            max_rows=limit,
        )

    async def trips(self, principal: int, dataset_id: int, place: WantedRows) -> list[CoarseTrip]:
        """Its trips by vehicle and start; none where it has none."""
        return await self._reader.records(
            CoarseTrip,
            "served_dataset_trips",
            principal=principal,
            dataset_id=dataset_id,
            **place.parameters(),
        )

    async def events(
        self, principal: int, dataset_id: int, place: WantedRows, *, kinds: Sequence[str] | None
    ) -> list[CoarseEvent]:
        """Its driving events by vehicle and start; kinds None: of every kind."""
        return await self._reader.records(
            CoarseEvent,
            "served_dataset_events",
            principal=principal,
            dataset_id=dataset_id,
            kinds=None if kinds is None else list(kinds),
            **place.parameters(),
        )

    async def define(self, principal: int, definition: Definition) -> Defined:
        """Define a dataset, or say what is refused.

        Raises:
            UnknownFleetError: there is no such fleet.
        """
        (defined,) = await self._reader.change(
            Defined, "served_define_dataset", principal=principal, **definition.parameters()
        )
        return defined

    async def change(
        self, principal: int, dataset_id: int, *, name: str | None, valid_until: datetime | None
    ) -> Dataset | None:
        """Give it another name or end, None for none; None: it has ended."""
        found = await self._reader.change(
            Dataset,
            "served_change_dataset",
            principal=principal,
            dataset_id=dataset_id,
            new_name=name,
            valid_until=valid_until,
        )
        return found[0] if found else None

    async def end(self, principal: int, dataset_id: int) -> None:
        """Let it be read no more."""
        await self._reader.change(
            _Ended, "served_end_dataset", principal=principal, dataset_id=dataset_id
        )
