"""How far drivers' speeds wander on the open road: real ones beside the simulator's.

    python -m benchmarks.fuel_wander

Who holds a speed by foot strays from it. Of each driver is printed over which way that was seen,
km, how far his speed lay from its own mean over 600 m (root mean square, km/h), and how much
kinetic energy a tonne gave up over each kilometre of that way, kJ. Both are measured by what
`analytics.fuel.traces.held` takes for the speed that was to be held. Real ones are those of
../shared/data that drove 15 km of it: a truck by its recordings, cars by GPS and one by its bus;
none of them tells of cruise control, so some will have used it. The simulator's are heavy trucks of
a mixed fleet that never use it, one day each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.fuel import traces
from analytics.fuel.drive import drive_of
from analytics.fuel.signals import fuel_samples
from benchmarks.fuel_references import DATA
from simulator.config import SimulationConfig
from simulator.mixed import mixed_fleet, with_severities
from simulator.signal_files import signals_of

if TYPE_CHECKING:
    from collections.abc import Iterator


START = pd.Timestamp("2026-03-02T00:00:00+08:00")
LEAST_KM = 15.0
"""A driver seen over less says little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wander:
    """How a driver's speed strays.

    Attributes:
        way_km: over which it was seen.
        spread_kmh: root mean square of speed less the speed held.
        given_up_kj_t_km: kinetic energy given up by slowing, kJ a tonne and kilometre.
    """

    way_km: float
    spread_kmh: float
    given_up_kj_t_km: float


def wander_of(signals: pd.DataFrame) -> Wander:
    """How the speed of a vehicle's rows strays where nothing asks for another one."""
    drive = drive_of(fuel_samples(signals))
    at_m = traces.along(drive)
    held = traces.held(
        drive, traces.steadily(drive, at_m, traces.without_emergencies(drive)), ~drive.cruise
    )
    seen = held != drive.speed_m_s
    way_m = drive.way_m[seen]
    strayed = (drive.speed_m_s - held)[seen]
    return Wander(
        way_km=float(way_m.sum()) / 1e3,
        spread_kmh=3.6 * float(np.sqrt(way_m @ strayed**2 / max(way_m.sum(), 1.0))),
        given_up_kj_t_km=1e3
        * float((drive.given_up_j / drive.mass_kg)[seen].sum() / max(way_m.sum(), 1.0)),
    )


def real() -> Iterator[tuple[str, Wander]]:
    """Those of ../shared/data."""
    truck = pd.read_parquet(DATA / "hd_truck_1hz.parquet")
    for segment, rows in truck.groupby("segment"):
        yield f"truck, recording {segment}", wander_of(_rows(rows["t_s"], rows["speed_kmh"]))
    cars = pd.read_parquet(DATA / "gps_speed_cmap_1hz.parquet")
    for name, rows in cars.groupby("vehicle_id"):
        seconds = (rows["timestamp"] - rows["timestamp"].iloc[0]).dt.total_seconds()
        yield str(name), wander_of(_rows(seconds, rows["speed_kmh"]))
    leon = pd.read_parquet(DATA / "car_kit_leon_1hz.parquet")
    # A recording's clock begins anew: an hour lies between two.
    begins = (leon.groupby("trip")["t_s"].max() + 3600.0).cumsum().shift(fill_value=0.0)
    seconds = leon["t_s"] + leon["trip"].map(begins)
    yield "kit_seat_leon", wander_of(_rows(seconds, leon["speed_kmh"]))


def simulated() -> Iterator[tuple[str, Wander]]:
    """Heavy trucks on the open road, driven by foot."""
    config = SimulationConfig(vehicles=60, days=1.0, seed=1, start=START.to_pydatetime())
    fleet = tuple(
        with_severities(v, {"cruise": 1.0})
        for v in mixed_fleet(config)
        if v.model.key in {"long_haul", "regional"}
    )
    for vehicle, rows in signals_of(config, fleet, ("wheel_speed",)):
        yield f"{vehicle.model.key} {vehicle.vin}", wander_of(rows)


def main() -> None:
    """Print every driver, and how they lie."""
    for title, drivers in (("real", real()), ("simulated", simulated())):
        found = [(name, wander) for name, wander in drivers if wander.way_km >= LEAST_KM]
        print(f"{title}: km, spread km/h, kJ/t km")
        for name, wander in sorted(found, key=lambda one: one[1].spread_kmh):
            print(
                f"  {name:<32} {wander.way_km:7.0f} {wander.spread_kmh:6.2f}"
                f" {wander.given_up_kj_t_km:6.1f}"
            )
        spreads = [wander.spread_kmh for _, wander in found]
        given_up = [wander.given_up_kj_t_km for _, wander in found]
        print(f"  of {len(found)}: {_range(spreads)} km/h; {_range(given_up)} kJ/t km")


def _range(values: list[float]) -> str:
    low, middle, high = np.quantile(values, [0.0, 0.5, 1.0])
    return f"{low:.3g} to {high:.3g}, half of them below {middle:.3g}"


def _rows(seconds: pd.Series[float], speed_kmh: pd.Series[float]) -> pd.DataFrame:
    times = seconds.to_numpy(dtype=np.float64)
    index = pd.DatetimeIndex(START.tz_convert("UTC") + pd.to_timedelta(times, unit="s"))
    speed = speed_kmh.to_numpy(dtype=np.float64)
    return pd.DataFrame({"wheel_speed": speed, "engine_speed": 1_200.0}, index=index)


if __name__ == "__main__":
    main()
