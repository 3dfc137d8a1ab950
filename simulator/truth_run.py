"""A mixed fleet's signals and the truth of its fuel as files in a folder, for whoever checks both.

What is written: `signals/VIN.parquet` (a row a second), `causes.parquet`, `legs.parquet` and
`draws.parquet` (see `simulator.counterfactual`), `vehicles.parquet` (severities, and what each
truck is), `trips`, `events` and `days` as `simulator.truth` has them, and `tank.parquet`.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.config import SimulationConfig, SimulationError
from simulator.counterfactual import counterfactual
from simulator.fleet import Vehicle
from simulator.mixed import CAUSES, mixed_fleet
from simulator.signal_files import write_signals
from simulator.truth import TruthWriter, VehicleTruth, columns_of_record

TYRES = (
    "axle1_left", "axle1_right",
    "axle2_left_outer", "axle2_left_inner", "axle2_right_inner", "axle2_right_outer",
    "axle3_left_outer", "axle3_left_inner", "axle3_right_inner", "axle3_right_outer",
    "trailer_axle1_left", "trailer_axle1_right", "trailer_axle2_left", "trailer_axle2_right",
    "trailer_axle3_left", "trailer_axle3_right",
)  # fmt: skip
SIGNALS = (
    "wheel_speed", "tachograph_speed", "gnss_speed", "longitudinal_acceleration",
    "lateral_acceleration", "yaw_rate", "heading", "latitude", "longitude", "altitude",
    "road_gradient", "speed_limit", "odometer", "engine_speed", "engine_torque",
    "engine_friction_torque", "engine_load", "engine_running", "ignition_on", "fuel_rate",
    "fuel_used_total", "accelerator_pedal", "kickdown_switch", "brake_switch", "brake_pedal",
    "retarder_torque", "engine_brake_torque", "cruise_active", "gear_current", "gear_selected",
    "driveline_engaged", "clutch_switch", "eco_roll_active", "reverse", "pto_engaged",
    "park_brake", "seat_belt_driver", "tell_tale_red", "gross_combination_weight",
    "coolant_temperature", "driver1_working_state", "engine_reference_torque", "gear_ratio",
    "ambient_temperature", "barometric_pressure", "aftertreatment_fuel_rate", "fan_speed",
    "engine_parasitic_losses", "air_conditioning", "fuel_volume_1", "fuel_volume_2",
    "fuel_level_1", "fuel_level_2", "fuel_cap_1_open", "fuel_cap_2_open",
    *(f"tyre_{what}_{place}" for what in ("pressure", "temperature") for place in TYRES),
)  # fmt: skip
"""What fuel analysis reads, unless other names are asked for."""


def write_truth(
    config: SimulationConfig,
    fleet: Sequence[Vehicle],
    folder: Path,
    *,
    names: Sequence[str] = SIGNALS,
    progress: Callable[[str, float], None] = lambda _, __: None,
) -> None:
    """Write signals and truth of a mixed fleet to `folder`.

    Args:
        config: The span of time and the seed.
        fleet: Vehicles of `mixed_fleet(config)`.
        folder: Made where missing; files of a former run are replaced.
        names: Signals to write.
        progress: Told what is done and which part of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TruthWriter(folder, fleet) as truth:
        write_signals(
            config, fleet, names, folder / "signals",
            progress=lambda part: progress("signals", part), watch=truth.write,
        )  # fmt: skip
    write_severities(config, fleet, folder)
    write_causes(config, fleet, folder, progress=lambda part: progress("causes", part))


def write_severities(config: SimulationConfig, fleet: Sequence[Vehicle], folder: Path) -> None:
    """Write `vehicles.parquet` anew, with severities beside what every fleet's has."""
    vehicles_of(fleet, config).to_parquet(folder / "vehicles.parquet", index=False)


def write_causes(
    config: SimulationConfig,
    fleet: Sequence[Vehicle],
    folder: Path,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> None:
    """Simulate every cause away; write `causes.parquet`, `legs.parquet` and `draws.parquet`."""
    found = counterfactual(config, fleet, progress=progress)
    found.causes.to_parquet(folder / "causes.parquet", index=False)
    found.legs.to_parquet(folder / "legs.parquet", index=False)
    found.draws.to_parquet(folder / "draws.parquet", index=False)


def vehicles_of(fleet: Sequence[Vehicle], config: SimulationConfig) -> pd.DataFrame:
    """A row a vehicle: `VehicleTruth`, `severity_*` by cause, and when a fault begins (UTC µs)."""
    rows: list[Mapping[str, Any]] = []
    for vehicle in fleet:
        own = vehicle.individual
        severities = {} if own is None else own.severities
        from_s = 0.0 if own is None else own.fault_from_s
        rows.append(
            columns_of_record(VehicleTruth.of(vehicle))
            | {f"severity_{cause}": severities.get(cause, 0.0) for cause in CAUSES}
            | {"fault_from_us": int((config.start_s + from_s) * 1e6)}
        )
    return pd.DataFrame(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """What `python -m simulator.counterfactual` runs."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator.counterfactual", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--vehicles", type=int, default=20)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", default="2026-03-02T00:00:00+08:00", help="with a time zone")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files")
    parser.add_argument(
        "--signals", default="", help="names, comma between; without it what fuel analysis reads"
    )
    asked = parser.parse_args(arguments)
    try:
        config = SimulationConfig(
            vehicles=asked.vehicles,
            days=asked.days,
            seed=asked.seed,
            start=datetime.fromisoformat(asked.start),
        )
    except (SimulationError, ValueError) as error:
        parser.error(str(error))
    fleet = mixed_fleet(config)
    names = tuple(name for name in asked.signals.split(",") if name) or SIGNALS
    began = time.monotonic()
    write_truth(config, fleet, asked.output, names=names, progress=_show(began))
    took = time.monotonic() - began
    variants = sum(
        2 + sum(s > 0 for s in v.individual.severities.values())
        for v in fleet
        if v.individual is not None
    )
    sys.stderr.write(
        f"\n{len(fleet)} vehicles and {variants} variants over {asked.days:g} days took"
        f" {took:.0f} s, {len(fleet) * asked.days / took:.2f} vehicle-days a second:"
        f" see {asked.output}\n"
    )


def _show(began: float) -> Callable[[str, float], None]:
    def show(what: str, part: float) -> None:
        sys.stderr.write(f"\r{what} {part:4.0%} {time.monotonic() - began:5.0f} s ")
        sys.stderr.flush()

    return show
