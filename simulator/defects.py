"""What a mixed fleet's trucks have that data do not tell: engine faults and sensors' gains."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from simulator.config import SimulationError
from simulator.fleet import Vehicle
from simulator.vehicle import Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Defects:
    """Of n vehicles: part of the efficiency a fault costs, from when (s), and gains by signal."""

    loss: Floats
    from_s: Floats
    gains: dict[str, Floats]

    @classmethod
    def of(cls, vehicles: tuple[Vehicle, ...]) -> Self | None:
        """Those of a mixed fleet's vehicles; `None` for vehicles of known profiles.

        Raises:
            SimulationError: some are of the one kind and some of the other.
        """
        own = [v.individual for v in vehicles if v.individual is not None]
        if not own:
            return None
        if len(own) < len(vehicles):
            raise SimulationError(
                "a fleet of known profiles and a mixed one cannot share a simulation:"
                " simulate them one after the other"
            )
        names = {name for individual in own for name in individual.gains}
        return cls(
            loss=np.array([individual.fault_loss for individual in own]),
            from_s=np.array([individual.fault_from_s for individual in own]),
            gains={n: np.array([o.gains.get(n, 1.0) for o in own]) for n in sorted(names)},
        )

    def burnt(self, vehicles: NDArray[np.intp], first_s: int, seconds: int) -> Floats:
        """Fuel burnt over that of the sound engine, (seconds, n)."""
        time_s = first_s + np.arange(seconds)[:, None]
        return np.asarray(1.0 / (1.0 - self.loss[vehicles] * (time_s >= self.from_s[vehicles])))

    def gain(self, signal: str) -> Floats:
        """What sensors of `signal` show over what is, (n,)."""
        return self.gains.get(signal, np.ones(len(self.loss)))
