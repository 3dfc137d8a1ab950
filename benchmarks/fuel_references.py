"""Fuel by pure physics against recorded drives and other people's models: data nobody here wrote.

The data are those of ../shared/data, which is no part of the repository.

- `recorded_truck`: one class-8 truck on the road. Its mass, resistances and engine are unknown, so
  physics is calibrated on four fifths of the recording's blocks and asked about the last fifth, in
  turn. Its ECU's fuel is 22 % above its exhaust's carbon balance: no error can be told below that.
- `dynamometer_car`: physics calibrated on one run, asked about the other, both ways.
- `simulated_cycles`: FASTSim 2.1.5 over standard cycles. The vehicle's numbers are those of the
  file; what the file does not say, FASTSim's vehicle database does: the engine's efficiency over
  load, and the driveline's efficiency. Nothing is fitted to the results.
- `recorded_scenarios`: NREL's T3CO over EPA's three cycles. T3CO betters a listed vehicle (drag,
  engine) before it drives it; the file lists vehicles as they were before, `T3CO_BETTERED` what
  they were bettered to. Nothing is fitted to the results.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from analytics.fuel.evaluation import mape
from analytics.fuel.model_level import target_l
from analytics.fuel.segment_physics import (
    CLASS_NUMBERS,
    DRIVEN,
    CalibrationSums,
    SegmentPhysics,
    VehicleNumbers,
)
from analytics.fuel.segments import segments_of
from analytics.fuel.signals import fuel_samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DATA = Path(__file__).parents[2] / "shared" / "data"
DIESEL_G_L = 835.0  # g/L (EN 590: 820 to 845)
PETROL_MJ_L = 32.0  # MJ/L, lower heating value of petrol without ethanol
FOLDS = 5
AIR_C = 22.0  # °C; with it air has 1.196 kg/m³, FASTSim's is 1.2
START = pd.Timestamp("2026-01-01", tz="UTC")
FOLLOWED = 0.01  # part of the way; a cycle missed by less was followed

# Parts of the rated power at which efficiency is listed. FASTSim's vehicle database
# (FASTSim_py_veh_db.csv) lists it for its trucks (fc_eff_map), and their driveline's (trans_eff).
LOADS = np.array([0.005, 0.015, 0.04, 0.06, 0.10, 0.14, 0.20, 0.40, 0.60, 0.80, 1.00])
FASTSIM_DIESEL = np.array([0.14, 0.20, 0.26, 0.32, 0.39, 0.41, 0.42, 0.41, 0.38, 0.36, 0.34])
FASTSIM_NPR = np.array([0.12, 0.18, 0.21, 0.23, 0.28, 0.30, 0.34, 0.39, 0.39, 0.385, 0.37])
FASTSIM_TRUCKS = {
    "regional_delivery_class8": (FASTSIM_DIESEL, 0.85),
    "line_haul_class8": (FASTSIM_DIESEL, 0.80),
    "class4_npr": (FASTSIM_NPR, 0.94),
}
# EPA's vocational weights name three cycles; its city cycle is the ARB transient.
T3CO_CYCLES = {
    "EPA_Ph2_rural_interstate_65mph.csv": "epa_ph2_65mph",
    "EPA_Ph2_urban_highway_55mph.csv": "epa_ph2_55mph",
    "EPA_City.csv": "epa_ph2_transient",
}
# What T3CO's optimiser made of each listed vehicle before driving it, as NREL recorded it beside
# the results (github.com/NREL/T3CO, t3co/demos/notebooks/diesel_bench.csv: final_cda_pct,
# final_eng_eff_pct, final_max_fc_kw). By the start of a scenario's name and by year. With and
# without the research programme engines differ by 3 kW at most; those without it are here.
# Vehicles became up to 4 % lighter, too; their masses stay as listed.
T3CO_YEARS = (2025, 2030, 2040, 2050)


@dataclass(frozen=True, slots=True)
class Bettered:
    """What a kind of truck was bettered to, by year of `T3CO_YEARS`."""

    drag_off: tuple[float, ...]  # share of the drag taken off
    rated_kw: tuple[float, ...]
    peak: tuple[float, ...]  # the engine's best efficiency, without the programme
    peak_of_programme: tuple[float, ...]


TRACTOR_PEAK = ((0.492, 0.501, 0.520, 0.540), (0.509, 0.530, 0.577, 0.590))
T3CO_BETTERED = {
    "Class 8 Sleeper": Bettered((0.265, 0.305, 0.380, 0.471), (335, 330, 327, 320), *TRACTOR_PEAK),
    "Class 8 Day": Bettered((0.265, 0.305, 0.380, 0.463), (336, 331, 327, 320), *TRACTOR_PEAK),
    "Class 8 Box": Bettered(
        (0.162, 0.162, 0.162, 0.162),
        (342, 336, 335, 330),
        (0.462, 0.475, 0.498, 0.500),
        (0.477, 0.500, 0.537, 0.556),
    ),
    "Class 6 Box": Bettered(
        (0.186, 0.237, 0.289, 0.337),
        (188, 184, 182, 177),
        (0.462, 0.475, 0.498, 0.521),
        (0.477, 0.500, 0.537, 0.556),
    ),
    "Class 4 Box": Bettered(
        (0.186, 0.237, 0.289, 0.337),
        (138, 134, 130, 125),
        (0.430, 0.447, 0.468, 0.468),
        (0.443, 0.468, 0.468, 0.468),
    ),
}


def run() -> dict[str, float]:
    """All of it, as figures by name; nothing where the data are not there."""
    if not DATA.exists():
        print(f"no data at {DATA}: left out")
        return {}
    return recorded_truck() | dynamometer_car() | simulated_cycles() | recorded_scenarios()


def recorded_truck() -> dict[str, float]:
    """Errors of blocks that physics was not calibrated on, %, for both measures of fuel."""
    rows = pd.read_parquet(DATA / "hd_truck_1hz.parquet")
    figures = {}
    gap = rows["fuel_ecu_g_s"].sum() / rows["fuel_carbon_balance_g_s"].sum() - 1
    figures["truck.measures_differ_percent"] = 100 * float(gap)
    for name in ("fuel_ecu_g_s", "fuel_carbon_balance_g_s"):
        blocks = [_truck_block(of, name) for _, of in rows.groupby("segment")]
        segments = pd.concat(blocks, ignore_index=True)
        numbers = CLASS_NUMBERS["heavy_truck"]
        actual, expected = _held_out(segments, numbers)
        block = segments["block"].to_numpy()
        whole = pd.DataFrame({"block": block, "a": actual, "e": expected}).groupby("block").sum()
        short = name.removeprefix("fuel_").removesuffix("_g_s")
        figures |= {
            f"truck.{short}.segments": float(len(segments)),
            f"truck.{short}.segment_error_percent": _of_all(actual, expected),
            f"truck.{short}.block_error_percent": _of_all(
                whole["a"].to_numpy(np.float64), whole["e"].to_numpy(np.float64)
            ),
            f"truck.{short}.all_percent": 100 * float(expected.sum() / actual.sum() - 1),
        }
    return figures


def _of_all(actual: Floats, expected: Floats) -> float:
    """Absolute errors together, % of all litres: downhill nothing is burnt to be a share of."""
    return 100 * float(np.abs(expected - actual).sum() / actual.sum())


def _truck_block(rows: pd.DataFrame, fuel: str) -> pd.DataFrame:
    signals = pd.DataFrame(
        {
            "wheel_speed": rows["speed_kmh"].to_numpy(np.float64),
            "engine_speed": rows["engine_rpm"].to_numpy(np.float64),
            "altitude": rows["elevation_m"].to_numpy(np.float64),
            "fuel_rate": np.maximum(rows[fuel].to_numpy(np.float64), 0) * 3600 / DIESEL_G_L,
        },
        index=_seconds(rows["t_s"]),
    )
    return segments_of(fuel_samples(signals)).assign(block=int(rows["segment"].iloc[0]))


def _held_out(segments: pd.DataFrame, numbers: VehicleNumbers) -> tuple[Floats, Floats]:
    """Litres burnt, and those expected by physics that other blocks have calibrated."""
    actual = target_l(segments)
    block = segments["block"].to_numpy()
    fold = {name: place % FOLDS for place, name in enumerate(np.unique(block))}
    folds = np.array([fold[name] for name in block])
    expected = np.zeros(len(segments))
    for number in range(FOLDS):
        out = folds == number
        physics = _calibrated(segments[~out], actual[~out], numbers)
        expected[out] = physics.litres(segments[out])
    return actual, expected


def _calibrated(segments: pd.DataFrame, litres: Floats, numbers: VehicleNumbers) -> SegmentPhysics:
    physics = SegmentPhysics.published(DRIVEN, numbers)
    sums = CalibrationSums.of(DRIVEN)
    told = np.isfinite(litres)
    weight = 1 / np.maximum(physics.litres(segments[told]), 0.1)
    sums.add(physics.terms(segments[told]), litres[told], weight)
    return physics.calibrated(sums)


def dynamometer_car() -> dict[str, float]:
    """Errors of one run by physics that the other has calibrated, %."""
    rows = pd.read_parquet(DATA / "car_dyno_camry2018_1hz.parquet")
    numbers = replace(CLASS_NUMBERS["car"], fuel_mj_l=PETROL_MJ_L)
    runs = {}
    for name, of in rows.groupby("run"):
        signals = pd.DataFrame(
            {
                "wheel_speed": of["speed_kmh"].to_numpy(np.float64),
                "engine_running": 1.0,
                "fuel_rate": of["fuel_cc_s"].to_numpy(np.float64) * 3.6,
            },
            index=_seconds(of["t_s"]),
        )
        runs[str(name)] = segments_of(fuel_samples(signals))
    figures: dict[str, float] = {}
    for learnt, of in runs.items():
        physics = _calibrated(of, target_l(of), numbers)
        for asked, segments in runs.items():
            if asked == learnt:
                continue
            actual, expected = target_l(segments), physics.litres(segments)
            figures |= {
                f"car.{asked}.all_percent": 100 * float(expected.sum() / actual.sum() - 1),
                f"car.{asked}.segment_mape_percent": mape(actual, expected),
                f"car.{asked}.segments": float(len(segments)),
            }
    return figures


def simulated_cycles() -> dict[str, float]:
    """Errors against FASTSim, % of its fuel, of the cycles it followed."""
    segments = _cycles()
    errors: dict[str, list[float]] = {}
    for row in pd.read_csv(DATA / "fastsim215_reference_results.csv").to_dict("records"):
        if row["trace_miss_m"] / 1000 / row["km"] > FOLLOWED:
            continue
        efficiency, driveline = FASTSIM_TRUCKS[row["vehicle"]]
        numbers = _numbers(
            mass_kg=row["veh_kg"],
            rolling=row["crr"],
            drag_area_m2=row["cd"] * row["area"],
            driveline=driveline,
            efficiency=efficiency,
            rated_kw=row["fc_kw"],
            auxiliary_kw=row["aux_kw"],
        )
        error = 100 * (_l_100km(segments[row["cycle"]], numbers) / row["diesel_l_100km"] - 1)
        print(f"  {row['vehicle']:26}{row['cycle']:30}{error:+7.1f} %")
        errors.setdefault(row["vehicle"], []).append(error)
    every = [error for of in errors.values() for error in of]
    return _summed("fastsim", every) | {
        f"fastsim.{name}.mean_percent": float(np.mean(np.abs(of))) for name, of in errors.items()
    }


def recorded_scenarios() -> dict[str, float]:
    """Errors against T3CO, % of its fuel, and how many of its results the vehicles as listed allow.

    The least that a listed vehicle can burn is what its wheels need on a flat road at its engine's
    best efficiency throughout, without friction. Most results lie below it: they are of the
    vehicles as T3CO bettered them, and are compared with physics of those.
    """
    hilly, flat = _cycles(), _cycles(flat=True)
    errors: dict[str, list[float]] = {}
    least: list[float] = []
    for row in pd.read_csv(DATA / "nrel_t3co_recorded_diesel_results.csv").to_dict("records"):
        scenario, recorded = str(row["scenario_name"]), row["diesel_l_100km"]
        shares = ast.literal_eval(row["scenario_driveCycle"])
        given = {str(name).removeprefix("input_vehicle_value_"): row[name] for name in row}
        listed = _numbers(
            mass_kg=given["veh_kg"],
            rolling=given["wheel_rr_coef"],
            drag_area_m2=given["drag_coef"] * given["frontal_area_m2"],
            driveline=given["trans_eff"],
            efficiency=_efficiency(given),
            rated_kw=given["fc_max_kw"],
            auxiliary_kw=given["aux_kw"],
        )
        kind, bettered = _bettered(scenario, given, listed)
        error = 100 * (_weighted_l_100km(hilly, shares, bettered) / recorded - 1)
        print(f"  {scenario:66}{error:+7.1f} %")
        errors.setdefault(kind, []).append(error)
        best = replace(
            listed,
            indicated=float(_efficiency(given).max()),
            friction_kw=0.0,
            square_mw=0.0,
            idle_l_h=0.0,
        )
        least.append(100 * (_weighted_l_100km(flat, shares, best) / recorded - 1))
    every = [error for of in errors.values() for error in of]
    return (
        _summed("t3co", every)
        | {
            f"t3co.{name.lower().replace(' ', '_')}.mean_percent": float(np.mean(np.abs(of)))
            for name, of in errors.items()
        }
        | {
            "t3co.below_what_listed_allows": float(np.sum(np.array(least) > 0)),
            "t3co.below_by_percent_median": float(np.median(least)),
        }
    )


def _bettered(
    scenario: str, given: dict[str, Any], listed: VehicleNumbers
) -> tuple[str, VehicleNumbers]:
    """The kind of truck that a scenario's name tells, and the vehicle that was driven for it."""
    kind = next(name for name in T3CO_BETTERED if scenario.startswith(name))
    year = next(place for place, of in enumerate(T3CO_YEARS) if str(of) in scenario)
    to = T3CO_BETTERED[kind]
    peak = (to.peak_of_programme if "program success" in scenario else to.peak)[year]
    efficiency = _efficiency(given)
    return kind, _numbers(
        mass_kg=listed.mass_kg,
        rolling=listed.rolling,
        drag_area_m2=listed.drag_area_m2 * (1 - to.drag_off[year]),
        driveline=listed.driveline,
        efficiency=efficiency * peak / efficiency.max(),
        rated_kw=to.rated_kw[year],
        auxiliary_kw=listed.auxiliary_kw,
    )


def _efficiency(given: dict[str, Any]) -> Floats:
    """A listed engine's efficiency at `LOADS`; the file's first is that of no load at all."""
    return np.array(given["fc_eff_map"].strip("[]").split(), dtype=np.float64)[1:]


def _weighted_l_100km(
    cycles: dict[str, pd.DataFrame], shares: list[tuple[str, float]], numbers: VehicleNumbers
) -> float:
    """Litres of cycles by their shares of the way, [(T3CO's name of a cycle, share)]."""
    return sum(share * _l_100km(cycles[T3CO_CYCLES[cycle]], numbers) for cycle, share in shares)


def _summed(name: str, errors: Iterable[float]) -> dict[str, float]:
    size = np.abs(np.array(list(errors)))
    return {
        f"{name}.cases": float(len(size)),
        f"{name}.within_10_percent": float(np.sum(size <= 10)),
        f"{name}.mean_percent": float(size.mean()),
        f"{name}.greatest_percent": float(size.max()),
    }


def _numbers(
    *,
    mass_kg: float,
    rolling: float,
    drag_area_m2: float,
    driveline: float,
    efficiency: Floats,
    rated_kw: float,
    auxiliary_kw: float,
) -> VehicleNumbers:
    """A vehicle whose engine is given by its efficiency over load.

    Fuel power over rated power = load / indicated + friction + square · load², fitted to the
    published curve. These engines burn for friction and auxiliaries while they are driven, too.
    """
    power = LOADS / efficiency
    terms = np.column_stack([LOADS, np.ones(len(LOADS)), LOADS**2]) / power[:, None]
    (slope, friction, square), _ = nnls(terms, np.ones(len(LOADS)))
    diesel = CLASS_NUMBERS["heavy_truck"].fuel_mj_l
    return VehicleNumbers(
        mass_kg=mass_kg,
        rolling=rolling,
        drag_area_m2=drag_area_m2,
        driveline=driveline,
        indicated=1 / slope,
        friction_kw=friction * rated_kw,
        square_mw=1000 * square / rated_kw,
        overrun=1.0,
        auxiliary_kw=auxiliary_kw,
        idle_l_h=3.6 / diesel * (friction * rated_kw + auxiliary_kw * slope),
    )


def _cycles(*, flat: bool = False) -> dict[str, pd.DataFrame]:
    """The cycles as segments, by name; with their slopes, or flat."""
    cycles = pd.read_parquet(DATA / "drive_cycles.parquet")
    found = {}
    for name, of in cycles.groupby("cycle"):
        signals = pd.DataFrame(
            {
                "wheel_speed": of["speed_kmh"].to_numpy(np.float64),
                "road_gradient": (0 if flat else 100) * of["grade"].to_numpy(np.float64),
                "engine_running": 1.0,
                "ambient_temperature": AIR_C,
            },
            index=_seconds(of["t_s"]),
        )
        found[str(name)] = segments_of(fuel_samples(signals))
    return found


def _l_100km(segments: pd.DataFrame, numbers: VehicleNumbers) -> float:
    """Litres of a cycle by physics, the idling in it included."""
    litres = SegmentPhysics.published(DRIVEN, numbers).litres(segments).sum()
    idling = segments["idling_s"].sum() / 3600 * numbers.idle_l_h
    return float(100 * (litres + idling) / segments["distance_km"].sum())


def _seconds(elapsed: pd.Series[Any]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(START + pd.to_timedelta(elapsed.to_numpy(np.float64), unit="s"))
