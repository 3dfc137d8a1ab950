"""A driver as a profile: how fast, how late on the brake, how long at idle, in which gear."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

PRESSURE_EXPONENT = -0.4  # Crr ~ pressure^-0.4, usual for truck tyres (unconfirmed)


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverProfile:
    """One known way of driving, as `drivers.toml` describes it.

    Attributes:
        key: Name of the table in `drivers.toml`.
        limit_factor: Chosen speed over the posted limit.
        speed_cap_kmh: Speed the driver never chooses to pass.
        brake_m_s2: Deceleration at which the driver meets a slower limit or a red light.
        coast_m_s2: Deceleration from which the driver lifts both feet; equal to `brake_m_s2`
            means never.
        acceleration_m_s2: Greatest chosen acceleration.
        upshift_extra_rpm: How much later than economical the driver lets the gearbox shift up.
        idle_share: Chance that the engine runs on through a stop for loading or rest; a driver of
            0.5 and more does so through long ones, too.
        harsh_per_hour: Emergency brakings per hour at speed.
        harsh_m_s2: Their deceleration.
        cruise_share: Chance that cruise control is used on a given drive.
        tyre_inflation: Tyre pressure over the recommended one.
    """

    key: str
    limit_factor: float
    speed_cap_kmh: float
    brake_m_s2: float
    coast_m_s2: float
    acceleration_m_s2: float
    upshift_extra_rpm: float
    idle_share: float
    harsh_per_hour: float
    harsh_m_s2: float
    cruise_share: float
    tyre_inflation: float

    @property
    def rolling_factor(self) -> float:
        """Rolling resistance over that at the recommended tyre pressure."""
        return float(self.tyre_inflation**PRESSURE_EXPONENT)


@cache
def driver_profiles() -> dict[str, DriverProfile]:
    """Every profile of `drivers.toml` by its key, `calm` first."""
    text = resources.files("simulator").joinpath("drivers.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return {key: DriverProfile(key=key, **rows["calm"] | row) for key, row in rows.items()}
