"""Slow quantities, a step every ten seconds: each lags behind a target at its own pace.

One table, `LAGS`, names every slow quantity. The targets see the ten-second means of the motion
and the quantities above them in the table, so that oil follows coolant and coolant follows load.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from simulator.vehicle import Floats

STEP_S = 10.0  # length of a step
BRAKE_HEAT_J_K = 55_000.0  # heat capacity of the front axle's brake discs
FRONT_BRAKE_SHARE = 0.21  # its part of the braking power
REEFER_C = 4.0  # temperature chilled loads are kept at, °C
NEVER_S = 1e12  # time constant of what does not move

Inputs = Mapping[str, Floats]
"""Means by name, arrays (steps, n) or (n,); and the slow quantities computed so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """A quantity that follows `target` with time constant `seconds`, both of the inputs.

    `first` is its value at the start of the simulation; `None` begins at rest, on the target.
    """

    name: str
    target: Callable[[Inputs], Floats]
    seconds: Callable[[Inputs], Floats]
    first: float | None = None


def _engine(on: Callable[[Inputs], Floats]) -> Callable[[Inputs], Floats]:
    """`on` while the engine runs, the outside air otherwise."""
    return lambda u: np.where(u["running"] > 0.5, on(u), u["ambient_c"])


def _after(on_s: float, off_s: float) -> Callable[[Inputs], Floats]:
    return lambda u: np.where(u["running"] > 0.5, on_s, off_s)


def _warm(above: float, per_load: float, per_speed: float) -> Callable[[Inputs], Floats]:
    """Above the outside air by a base, more with load (0-1) and with speed (per 25 m/s)."""
    return lambda u: (
        u["ambient_c"]
        + (above + per_load * u["load"]) * (u["running"] > 0.5)
        + per_speed * u["speed"] / 25.0
    )


def _cooling_s(u: Inputs) -> Floats:
    """Time constant of the brake discs, s: the wind cools them."""
    return 900.0 / (1.0 + u["speed"] / 6.0)


def _constant(seconds: float) -> Callable[[Inputs], Floats]:
    return lambda u: np.full_like(u["running"], seconds)


LAGS: tuple[Lag, ...] = (
    Lag(
        name="coolant_c",
        target=_engine(lambda u: 83.5 + 9.0 * u["load"]),
        seconds=lambda u: np.where(u["running"] > 0.5, 700.0 / (1.0 + 7.0 * u["load"]), 11_000.0),
    ),
    Lag(
        name="oil_c",
        target=_engine(lambda u: u["coolant_c"] + 4.0 + 17.0 * u["load"]),
        seconds=_after(260.0, 9_500.0),
    ),
    Lag(name="gearbox_c", target=_warm(32.0, 35.0, 12.0), seconds=_after(1_400.0, 8_000.0)),
    Lag(name="axle_c", target=_warm(4.0, 25.0, 34.0), seconds=_constant(2_200.0)),
    Lag(
        name="retarder_c",
        target=lambda u: u["ambient_c"] + 25.0 * (u["running"] > 0.5) + u["retarder_w"] * 3.2e-4,
        seconds=_constant(150.0),
    ),
    Lag(
        name="turbine_in_c",
        target=_engine(lambda u: 120.0 + 0.5 * u["ambient_c"] + 540.0 * u["load"] ** 0.65),
        seconds=_after(14.0, 1_300.0),
    ),
    Lag(
        name="exhaust_c",
        target=_engine(lambda u: 0.80 * u["turbine_in_c"] + 8.0),
        seconds=_after(20.0, 1_500.0),
    ),
    Lag(
        name="doc_in_c",
        target=_engine(lambda u: 0.97 * u["exhaust_c"]),
        seconds=_after(45.0, 1_900.0),
    ),
    Lag(
        name="doc_out_c",
        target=_engine(lambda u: u["doc_in_c"] + 4.0 + 270.0 * u["regenerating"]),
        seconds=_after(70.0, 2_300.0),
    ),
    Lag(
        name="dpf_in_c",
        target=_engine(lambda u: 0.995 * u["doc_out_c"]),
        seconds=_after(20.0, 2_400.0),
    ),
    Lag(
        name="dpf_mid_c",
        target=_engine(lambda u: u["dpf_in_c"]),
        seconds=_after(60.0, 2_800.0),
    ),
    Lag(
        name="dpf_out_c",
        target=_engine(lambda u: 0.98 * u["dpf_mid_c"]),
        seconds=_after(80.0, 2_800.0),
    ),
    Lag(
        name="scr_in_c",
        target=_engine(lambda u: 0.97 * u["dpf_out_c"]),
        seconds=_after(25.0, 2_300.0),
    ),
    Lag(
        name="scr_out_c",
        target=_engine(lambda u: 0.98 * u["scr_in_c"]),
        seconds=_after(130.0, 3_000.0),
    ),
    Lag(
        name="intake_c",
        target=_engine(lambda u: u["ambient_c"] + 9.0 + 24.0 * u["load"]),
        seconds=_after(25.0, 3_500.0),
    ),
    Lag(name="fuel_c", target=_warm(9.0, 6.0, 0.0), seconds=_constant(5_000.0)),
    Lag(
        name="reagent_c",
        target=lambda u: np.maximum(u["ambient_c"] + 6.0 * (u["running"] > 0.5), -8.0),
        seconds=_constant(6_000.0),
    ),
    Lag(name="alternator_c", target=_warm(38.0, 12.0, -6.0), seconds=_constant(500.0)),
    Lag(name="ecu_c", target=_warm(24.0, 8.0, -3.0), seconds=_constant(900.0)),
    Lag(name="battery_c", target=_warm(6.0, 0.0, 0.0), seconds=_constant(9_000.0)),
    Lag(name="terminal_c", target=_warm(9.0, 0.0, 0.0), seconds=_constant(1_500.0)),
    Lag(name="tyre_c", target=_warm(2.0, 0.0, 27.0), seconds=_constant(1_500.0)),
    Lag(
        name="brake_disc_c",
        target=lambda u: (
            u["ambient_c"] + u["brake_w"] * FRONT_BRAKE_SHARE * _cooling_s(u) / BRAKE_HEAT_J_K
        ),
        seconds=_cooling_s,
    ),
    Lag(
        name="cab_c",
        target=lambda u: np.where(
            u["running"] > 0.5,
            np.clip(u["ambient_c"], 21.0, 25.0),
            u["ambient_c"] + 7.0 * u["daylight"],
        ),
        seconds=_after(600.0, 4_500.0),
    ),
    Lag(name="cargo_c", target=lambda u: u["ambient_c"] + 1.5, seconds=_constant(14_000.0)),
    Lag(
        name="reefer_c",
        target=lambda u: np.full_like(u["ambient_c"], REEFER_C),
        seconds=_constant(3_000.0),
    ),
    Lag(
        name="charge_pct",
        target=lambda u: np.where(u["running"] > 0.5, 98.0, 55.0),
        seconds=_after(5_000.0, 9e5),
        first=88.0,
    ),
    Lag(
        name="soot_pct",
        target=lambda u: np.where(u["regenerating"] > 0.5, 12.0, 260.0),
        seconds=lambda u: np.where(
            u["regenerating"] > 0.5, 420.0, np.where(u["running"] > 0.5, 190_000.0, NEVER_S)
        ),
    ),
)


def follow(inputs: dict[str, Floats], start: Mapping[str, Floats]) -> dict[str, Floats]:
    """Every slow quantity at the beginning of each step and after the last.

    Args:
        inputs: Means over each step, (steps, n): `running` 0-1, `load` 0-1, `speed` m/s,
            `ambient_c`, `brake_w` and `retarder_w` W, `regenerating` and `daylight` 0-1.
        start: Each quantity at the first step's beginning, (n,).

    Returns:
        By name an array (steps + 1, n): row k is the value at the beginning of step k.
    """
    seen = dict(inputs)
    path: dict[str, Floats] = {}
    for lag in LAGS:
        target, keep = lag.target(seen), np.exp(-STEP_S / lag.seconds(seen))
        values = np.empty((len(target) + 1, target.shape[1]))
        values[0] = start[lag.name]
        for k in range(len(target)):
            values[k + 1] = target[k] + (values[k] - target[k]) * keep[k]
        path[lag.name] = values
        seen[lag.name] = values[1:]
    return path


def rest(
    inputs: dict[str, Floats], start: Mapping[str, Floats], seconds: Floats
) -> dict[str, Floats]:
    """Every slow quantity after standing switched off for `seconds` (n,): arrays (n,)."""
    seen = dict(inputs)
    after: dict[str, Floats] = {}
    for lag in LAGS:
        target = lag.target(seen)
        keep = np.exp(-seconds / lag.seconds(seen))
        after[lag.name] = seen[lag.name] = target + (start[lag.name] - target) * keep
    return after


def cold(inputs: dict[str, Floats]) -> dict[str, Floats]:
    """Every slow quantity of trucks that stood long: arrays (n,)."""
    seen = dict(inputs)
    for lag in LAGS:
        value = lag.target(seen)
        seen[lag.name] = value if lag.first is None else np.full_like(value, lag.first)
    return {lag.name: seen[lag.name] for lag in LAGS}
