"""What a simulation is told: how many vehicles, how long, from when, and the seed."""

from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.errors import TelemetryError
from simulator.vin import MAX_VEHICLES

CHUNK_S = 600  # seconds simulated at a time; a day holds a whole number of them
BLOCK_VEHICLES = 200  # vehicles simulated side by side; bounds memory for large fleets
SECONDS_PER_DAY = 86_400


class SimulationError(TelemetryError):
    """A simulation that cannot be run as asked; the message names the value and what would do."""


MAX_DAYS = 36_525
"""A century [d]; what is longer is a slip."""


def require_days(days: float) -> None:
    """Refuse what is no span to simulate.

    Raises:
        SimulationError: it is not above 0, or longer than MAX_DAYS.
    """
    if not 0 < days <= MAX_DAYS:
        raise SimulationError(
            f"cannot simulate {days} days: give a number above 0, {MAX_DAYS:,} at most"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationConfig:
    """A fleet and a span of time.

    Attributes:
        vehicles: Number of trucks.
        days: Length in days; fractions are rounded up to ten minutes.
        seed: Fixes fleet, roads, shifts, weather and noise.
        start: First instant, with a time zone, on a whole ten minutes.
        noise: Whether sensors add noise of about one resolution step.
        utc_offset_h: Local time the shifts follow, hours ahead of UTC (China: 8).
    """

    vehicles: int
    days: float
    seed: int
    start: datetime
    noise: bool = True
    utc_offset_h: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.vehicles <= MAX_VEHICLES:
            raise SimulationError(
                f"cannot simulate {self.vehicles} vehicles: give 1 to {MAX_VEHICLES:,}"
            )
        require_days(self.days)
        if self.seed < 0:
            raise SimulationError(f"seed {self.seed} is negative: give 0 or more")
        if self.start.tzinfo is None:
            raise SimulationError(
                f"start {self.start.isoformat()} has no time zone: add one, such as +00:00"
            )
        if not 1970 <= self.start.year <= 2100:
            raise SimulationError(
                f"start {self.start.isoformat()} is before 1970 or after 2100: no truck had signals"
            )
        if self.start.timestamp() % CHUNK_S:
            raise SimulationError(
                f"start {self.start.isoformat()} is not on a whole ten minutes:"
                " set minutes to a multiple of 10 and seconds to 0"
            )

    @property
    def start_s(self) -> int:
        """First instant, whole seconds since 1970."""
        return int(self.start.astimezone(UTC).timestamp())

    @property
    def chunks(self) -> int:
        """Number of ten-minute chunks that cover `days`."""
        return -int(-self.days * SECONDS_PER_DAY // CHUNK_S)
