"""The records that `storage.served` answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Greeting:
    """What a reader has to know first."""

    migration: int | None
    """The newest migration the database has seen."""
    catalogue: int | None
    """The newest version of the signal catalogue it has seen."""
    party_id: int | None
    """The party that was asked for, None where there is none of that name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Latest:
    """The newest value of a signal, in the catalogue's unit, and its time."""

    name: str
    value: float
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicle:
    """A vehicle of the register."""

    vin: str
    model: str | None
    check_digit_ok: bool
    registered_at: datetime
    last_seen: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubleCode:
    """A J1939 trouble code that is active since `since`."""

    spn: int
    fmi: int
    source_address: int
    lamp: str
    count: int | None
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupNow:
    """The latest values of a signal group, in the order of the catalogue's signals."""

    values: NDArray[np.float64]
    """NaN: never seen, or not opened."""
    times_us: NDArray[np.int64]
    """Microseconds since 1970-01-01 UTC; of no meaning where the value is NaN."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VehicleNow:
    """All that is known of a vehicle now."""

    model: str | None
    last_seen: datetime | None
    trouble_codes: Sequence[TroubleCode]
    """The newest first."""
    groups: Mapping[str, GroupNow]
    """By name; those of which a value was ever seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    """A trip as analysis found it; units stand in the names, positions in degrees WGS 84."""

    start_time: datetime
    end_time: datetime
    kind: str
    driver_id: int | None
    """Who drove most of it; None: nobody is known, or the principal may not know."""
    distance_km: float | None
    duration_s: float
    driving_s: float | None
    idle_s: float
    stop_count: int | None
    fuel_l: float | None
    idle_fuel_l: float | None
    l_per_100km: float | None
    max_speed_kmh: float | None
    start_latitude: float | None
    start_longitude: float | None
    end_latitude: float | None
    end_longitude: float | None
    distance_source: str | None
    fuel_source: str | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SignalRows:
    """n times of m signals; NaN is absent."""

    times_us: NDArray[np.int64]
    """(n,) microseconds since 1970-01-01 UTC, ascending."""
    values: NDArray[np.float64]
    """(n, m)"""
    minima: NDArray[np.float64] | None
    """(n, m) of each bucket; None where raw rows were asked for."""
    maxima: NDArray[np.float64] | None

    def later_than(self, time_us: int, most: int) -> SignalRows:
        """The first rows, at most so many, after a time in microseconds since 1970."""
        first = int(self.times_us.searchsorted(time_us, side="right"))
        kept = slice(first, first + most)
        return SignalRows(
            times_us=self.times_us[kept],
            values=self.values[kept],
            minima=None if self.minima is None else self.minima[kept],
            maxima=None if self.maxima is None else self.maxima[kept],
        )
