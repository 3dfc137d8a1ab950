"""What each cause really cost: the same truck on the same legs again, with that cause calm.

Variants run as vehicles side by side. They have the truck's own random streams, so legs, cargo,
stops, weather, traffic, lights and places of emergencies are the same; legs that all finished are
compared. Burning the particulate filter free is left out of the fuel: when it falls due is luck.

Who comes a few seconds later may find a green light red: luck again, and no saving. So truck and
variants are driven `DRAWS` times, with every light's phase moved on by an even part of its cycle,
and likewise the chances that a better driver leaves open: on which legs he uses cruise control, in
which stops his engine runs all the same. They are his own chances, whatever the driver did there:
how often that one was about to do otherwise, legs that are over do not tell. What is not removed
falls as it did in every draw (`Luck`). The saving is the mean over draws, for every cause alike.

    python -m simulator.counterfactual --vehicles 20 --days 2 --seed 1 --output DIR
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from simulator.config import SimulationConfig
from simulator.drive import Drive, Driven
from simulator.envelopes import ProfileEnvelopes
from simulator.fleet import Parameters, Vehicle, road_kinds
from simulator.individual import Luck
from simulator.mixed import CAUSES, without
from simulator.road import Roads, build_roads
from simulator.signals.derived import REGENERATION_L_H
from simulator.vehicle import Floats

BATCH_VARIANTS = 1000  # variants simulated side by side; bounds memory
DRAWS = 4
"""Times that chance is drawn."""
ALL = "all"
"""The variant without any cause."""
COLUMNS = ("vin", "cause", "severity", "fuel_l", "without_l", "saving_l", "distance_km", "legs")
LEG_COLUMNS = (
    "vin", "leg", "cause", "start_us", "end_us", "distance_km", "fuel_l", "without_l", "saving_l",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Counterfactual:
    """The truth of a mixed fleet.

    Attributes:
        causes: Columns `COLUMNS`: a row a vehicle and cause with a severity above 0, and one for
            `ALL` a vehicle; litres and km over the legs that all variants finished.
        legs: The same leg by leg, columns `LEG_COLUMNS`. A leg goes from one departure to the
            next, so that the stop at its end is in it; leg 0 is the idling before the first.
            Times are UTC microseconds, of the vehicle as it was, as is the fuel; the saving is
            the mean over draws, and fuel without the cause is what it leaves.
        draws: `vin`, `cause`, `draw` and that draw's `fuel_l` and `saving_l`, over the same legs.
    """

    causes: pd.DataFrame
    legs: pd.DataFrame
    draws: pd.DataFrame


def counterfactual(
    config: SimulationConfig,
    fleet: Sequence[Vehicle],
    *,
    roads: Roads | None = None,
    draws: int = DRAWS,
    progress: Callable[[float], None] = lambda _: None,
) -> Counterfactual:
    """Simulate `fleet`, and each of its vehicles again with each of its causes calm.

    Args:
        config: The span of time and the seed; `vehicles` does not matter.
        fleet: Vehicles of `mixed_fleet(config)`, any of them.
        roads: As `simulate` takes them.
        draws: Times that chance is drawn, at least 1; the first is how it fell.
        progress: Told the part that is done.
    """
    roads = build_roads(road_kinds(), seed=config.seed) if roads is None else roads
    variants = [
        (v, cause, _variant(v, cause, draw / draws))
        for v in fleet
        for cause in _causes(v)
        for draw in range(draws)
    ]
    batches = _batches([draws * len(_causes(v)) for v in fleet])
    envelopes = ProfileEnvelopes(roads)
    legs: list[_Legs] = []
    for batch in batches:
        trucks = tuple(variants[i][2] for i in batch)
        before, share = len(legs) / len(variants), len(trucks) / len(variants)
        for part, done in _run(config, trucks, roads, envelopes):
            progress(before + share * part)
            legs += done
    frames, by_draw = [], []
    base: list[_Legs] = []
    for place in range(0, len(variants), draws):
        vehicle, cause, _ = variants[place]
        own = legs[place : place + draws]
        if cause == "":
            base = own
        else:
            compared = _compared(vehicle, cause, base, own, config.start_s)
            frames.append(compared)
            by_draw.append(_draws_of(vehicle, cause, base, own, len(compared)))
    by_leg = pd.concat(frames, ignore_index=True)[list(LEG_COLUMNS)]
    return Counterfactual(
        causes=_causes_of(by_leg, fleet),
        legs=by_leg,
        draws=pd.concat(by_draw, ignore_index=True),
    )


def _causes(vehicle: Vehicle) -> list[str]:
    """The vehicle as it is (an empty name), without each of its causes, and without any."""
    severities = {} if vehicle.individual is None else vehicle.individual.severities
    return ["", *(cause for cause in CAUSES if severities.get(cause, 0.0) > 0.0), ALL]


def _variant(vehicle: Vehicle, cause: str, turn: float) -> Vehicle:
    own = vehicle.individual
    if own is None:
        return vehicle
    calm = {c for c, s in own.severities.items() if s > 0.0 and cause in (c, ALL)}
    # What a better driver chooses in place of this one, he chooses by all of its range.
    luck = Luck(
        turn=turn,
        cruise_share=0.0 if "cruise" in calm else vehicle.profile.cruise_share,
        idle_share=0.0 if "idling" in calm else vehicle.profile.idle_share,
        long_idle_share=0.0 if "idling" in calm else own.long_idle_share,
    )
    lucky = replace(vehicle, individual=replace(own, luck=luck))
    return without(lucky, cause) if cause else lucky


def _batches(sizes: list[int]) -> list[range]:
    """Ranges of variants, whole vehicles together, each as long as memory allows."""
    batches = []
    first = end = 0
    for size in sizes:
        if end > first and end + size - first > BATCH_VARIANTS:
            batches.append(range(first, end))
            first = end
        end += size
    return [*batches, range(first, end)]


@dataclass(kw_only=True, slots=True)
class _Legs:
    """One variant by leg: fuel (L), way (m), first second and the second after the last."""

    fuel_l: Floats
    way_m: Floats
    first_s: Floats
    end_s: Floats


def _run(
    config: SimulationConfig,
    trucks: tuple[Vehicle, ...],
    roads: Roads,
    envelopes: ProfileEnvelopes,
) -> Iterator[tuple[float, list[_Legs]]]:
    """Yields the part that is done, and with the last one the variants' legs."""
    fleet = tuple(replace(truck, index=number) for number, truck in enumerate(trucks))
    parameters = Parameters.of(fleet)
    rng = np.random.default_rng([config.seed, 0xCF])
    drive = Drive(config, fleet, parameters, roads, envelopes, rng)
    parts: list[pd.DataFrame] = []
    for number in range(config.chunks):
        active = drive.awake(number)
        if len(active):
            parts.append(_by_leg(drive.run(active, number)))
            drive.shifts.drain()
        yield (number + 1) / config.chunks, []
    if not parts:
        nobody = np.empty(0)
        none = _Legs(fuel_l=nobody, way_m=nobody, first_s=nobody, end_s=nobody)
        yield 1.0, [none for _ in fleet]
        return
    rows = (
        pd.concat(parts)
        .groupby(["vehicle", "leg"])
        .agg({"fuel_l": "sum", "way_m": "sum", "first_s": "min", "end_s": "max"})
    )
    yield 1.0, [_legs_of(rows, number) for number in range(len(fleet))]


def _legs_of(rows: pd.DataFrame, number: int) -> _Legs:
    own = rows.loc[number] if number in rows.index.get_level_values(0) else rows.iloc[:0]
    columns = {str(name): own[name].to_numpy(dtype=np.float64) for name in own.columns}
    return _Legs(**columns)


def _by_leg(driven: Driven) -> pd.DataFrame:
    """A chunk's fuel and way by vehicle and leg."""
    columns = driven.columns
    seconds, n = columns["leg"].shape
    leg = columns["leg"].astype(np.int64)
    base = leg[0].min()
    width = int(leg.max() - base) + 1
    cell = ((leg - base) + width * np.arange(n)).ravel()
    fuel = columns["fuel_rate"] - REGENERATION_L_H * columns["regenerating"] * (columns["rpm"] > 0)
    awake = columns["rpm"].ravel() > 0.0
    second = np.repeat(np.arange(seconds), n)[awake]
    first = np.full(n * width, np.inf)
    end = np.full(n * width, -np.inf)
    np.minimum.at(first, cell[awake], second)
    np.maximum.at(end, cell[awake], second)
    frame = pd.DataFrame(
        {
            "vehicle": np.repeat(driven.active, width),
            "leg": np.tile(np.arange(base, base + width), n),
            "fuel_l": np.bincount(cell, fuel.ravel(), n * width) / 3600.0,
            "way_m": np.bincount(cell, columns["step_m"].ravel(), n * width),
            "first_s": driven.first_s + first,
            "end_s": driven.first_s + end + 1.0,
        }
    )
    return frame[np.isfinite(first)]


def _compared(
    vehicle: Vehicle, cause: str, was: Sequence[_Legs], calm: Sequence[_Legs], start_s: int
) -> pd.DataFrame:
    """The legs that all finished, over draws; the last of each is still under way."""
    all_ = max(min(len(legs.fuel_l) for legs in (*was, *calm)) - 1, 0)
    seen, saved = was[0], np.zeros(all_)
    for driven, otherwise in zip(was, calm, strict=True):
        saved += (driven.fuel_l[:all_] - otherwise.fuel_l[:all_]) / len(was)
    return pd.DataFrame(
        {
            "vin": vehicle.vin,
            "leg": np.arange(all_),
            "cause": cause,
            "start_us": ((start_s + seen.first_s[:all_]) * 1e6).astype(np.int64),
            "end_us": ((start_s + seen.end_s[:all_]) * 1e6).astype(np.int64),
            "distance_km": seen.way_m[:all_] / 1e3,
            "fuel_l": seen.fuel_l[:all_],
            "without_l": seen.fuel_l[:all_] - saved,
            "saving_l": saved,
        }
    )


def _draws_of(
    vehicle: Vehicle, cause: str, was: Sequence[_Legs], calm: Sequence[_Legs], count: int
) -> pd.DataFrame:
    """Fuel and saving of each draw over the first `count` legs."""
    fuel_l = np.array([legs.fuel_l[:count].sum() for legs in was])
    without_l = np.array([legs.fuel_l[:count].sum() for legs in calm])
    return pd.DataFrame(
        {
            "vin": vehicle.vin,
            "cause": cause,
            "draw": np.arange(len(was)),
            "fuel_l": fuel_l,
            "saving_l": fuel_l - without_l,
        }
    )


def _causes_of(legs: pd.DataFrame, fleet: Sequence[Vehicle]) -> pd.DataFrame:
    """Sums over legs; vehicles and causes in the order of the fleet."""
    severity = {
        (v.vin, cause): value
        for v in fleet
        if v.individual is not None
        for cause, value in v.individual.severities.items()
    }
    sums = legs.groupby(["vin", "cause"], sort=False).agg(
        fuel_l=("fuel_l", "sum"),
        without_l=("without_l", "sum"),
        saving_l=("saving_l", "sum"),
        distance_km=("distance_km", "sum"),
        legs=("leg", "count"),
    )
    frame = sums.reset_index()
    frame["severity"] = [
        severity.get((vin, cause), np.nan)
        for vin, cause in zip(frame["vin"], frame["cause"], strict=True)
    ]
    return frame[list(COLUMNS)]


if __name__ == "__main__":
    from simulator.truth_run import main

    main()
