"""The truth kept beside the data: drivers, trips, planted events, vehicle-days, tanks.

Stored as Parquet in a directory, one file a kind: `vehicles.parquet`, `trips.parquet`,
`events.parquet`, `days.parquet`, `tank.parquet`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from simulator.fleet import Vehicle


@dataclass(frozen=True, kw_only=True, slots=True)
class TripTruth:
    """One key-on to key-off span.

    Attributes:
        vin: The vehicle.
        start_us: Key on, UTC microseconds.
        end_us: Key off, or the simulation's end.
        distance_m: Way driven.
        fuel_l: Fuel burnt.
        idle_s: Seconds standing with the engine on.
        moving_s: Seconds in motion.
        complete: False where the simulation ended before the key was turned off.
    """

    vin: str
    start_us: int
    end_us: int
    distance_m: float
    fuel_l: float
    idle_s: float
    moving_s: float
    complete: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class EventTruth:
    """A span of one driver's weakness.

    Attributes:
        vin: The vehicle.
        kind: `harsh_braking` (planted emergency braking), `idling` (standing a minute or longer
            with the engine on and the power take-off off) or `overspeed` (5 % above the posted
            limit for 5 s or longer).
        start_us: First second, UTC microseconds.
        end_us: The second after the last.
        peak: Greatest deceleration in m/s², idle seconds, or greatest speed in km/h.
        fuel_l: Fuel burnt meanwhile.
    """

    vin: str
    kind: str
    start_us: int
    end_us: int
    peak: float
    fuel_l: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DayTruth:
    """Sums of one vehicle over one UTC day.

    Attributes:
        vin: The vehicle.
        day: ISO date, UTC.
        profile: Its driver's profile.
        awake_s: Seconds with data, which is frames sent.
        engine_s: Seconds with the engine running.
        moving_s: Seconds in motion.
        idle_s: Seconds standing with the engine on.
        pto_s: Those of them with the power take-off engaged.
        distance_m: Way driven.
        fuel_l: Fuel burnt.
        idle_fuel_l: Fuel burnt standing.
        coasting_s: Seconds rolling without pedals.
        overspeed_s: Seconds 5 % above the posted limit.
        cruise_s: Seconds under cruise control.
        brake_s: Seconds braking in motion.
        harsh_brakings: Planted emergency brakings.
        mean_rpm: Mean engine speed in motion; 0 where it did not move.
        mean_mass_kg: Mean gross combination mass in motion; 0 where it did not move.
    """

    vin: str
    day: str
    profile: str
    awake_s: float
    engine_s: float
    moving_s: float
    idle_s: float
    pto_s: float
    distance_m: float
    fuel_l: float
    idle_fuel_l: float
    coasting_s: float
    overspeed_s: float
    cruise_s: float
    brake_s: float
    harsh_brakings: float
    mean_rpm: float
    mean_mass_kg: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TankTruth:
    """Fuel that came into a parked truck's tanks or went out of them unburnt.

    Attributes:
        vin: The vehicle.
        kind: `refuelling` or `theft`.
        start_us: Begin, UTC microseconds.
        end_us: End.
        litres: How much, above 0.
    """

    vin: str
    kind: str
    start_us: int
    end_us: int
    litres: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleTruth:
    """What a vehicle and its driver are made of.

    Attributes:
        vin: The vehicle.
        model: Key of its type in `models.toml`.
        profile: Key of its driver's profile in `drivers.toml`.
        driver_id: The driver's card.
        road_kind: Kind of road it works on.
        mass_empty_kg: Mass without cargo.
        mass_max_kg: Greatest mass.
        rolling_coefficient: Crr, tyre pressure included.
        drag_area_m2: CdA.
        tyre_inflation: Tyre pressure over the recommended one.
    """

    vin: str
    model: str
    profile: str
    driver_id: str
    road_kind: str
    mass_empty_kg: float
    mass_max_kg: float
    rolling_coefficient: float
    drag_area_m2: float
    tyre_inflation: float

    @classmethod
    def of(cls, vehicle: Vehicle) -> Self:
        """The truth about `vehicle`."""
        model, profile = vehicle.model, vehicle.profile
        return cls(
            vin=vehicle.vin,
            model=model.key,
            profile=profile.key,
            driver_id=vehicle.driver_id,
            road_kind=model.route,
            mass_empty_kg=model.mass_empty_kg,
            mass_max_kg=model.mass_max_kg,
            rolling_coefficient=vehicle.rolling_coefficient,
            drag_area_m2=vehicle.drag_area_m2,
            tyre_inflation=profile.tyre_inflation,
        )


Record = TripTruth | EventTruth | DayTruth | TankTruth | VehicleTruth


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What ended in one chunk."""

    trips: tuple[TripTruth, ...] = ()
    events: tuple[EventTruth, ...] = ()
    days: tuple[DayTruth, ...] = ()
    tank: tuple[TankTruth, ...] = ()


FILES: dict[str, type[Record]] = {
    "vehicles": VehicleTruth,
    "trips": TripTruth,
    "events": EventTruth,
    "days": DayTruth,
    "tank": TankTruth,
}
"""File names, without suffix, and the record each holds a row of."""

_ARROW: dict[Any, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
ROWS_A_GROUP = 5_000  # records gathered before a row group is written


class TruthWriter:
    """Writes truth as it comes; a context manager that closes its files.

    Args:
        directory: Where the files go; made if missing, files of a former run replaced.
        fleet: The simulated vehicles.
    """

    def __init__(self, directory: Path, fleet: Iterable[Vehicle]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._writers = {
            name: pq.ParquetWriter(directory / f"{name}.parquet", _schema(record))
            for name, record in FILES.items()
        }
        self._rows: dict[str, list[Record]] = {name: [] for name in FILES}
        self._rows["vehicles"] += [VehicleTruth.of(vehicle) for vehicle in fleet]

    def write(self, truth: Truth) -> None:
        """Add what ended in a chunk."""
        for name, records in (
            ("trips", truth.trips),
            ("events", truth.events),
            ("days", truth.days),
            ("tank", truth.tank),
        ):
            self._rows[name] += records
            if len(self._rows[name]) >= ROWS_A_GROUP:
                self._flush(name)

    def close(self) -> None:
        """Write what is left and close the files."""
        for name, writer in self._writers.items():
            self._flush(name)
            writer.close()

    def _flush(self, name: str) -> None:
        if self._rows[name]:
            self._writers[name].write_table(_table(FILES[name], self._rows[name]))
            self._rows[name] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def columns_of_record(record: Record) -> dict[str, Any]:
    """A record's values by column."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _schema(record: type[Record]) -> Any:
    columns: list[tuple[str, Any]] = [(field.name, _ARROW[field.type]) for field in fields(record)]
    return pa.schema(columns)


def _table(record: type[Record], rows: Sequence[Record]) -> Any:
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(record)}
    return pa.table(columns, schema=_schema(record))
