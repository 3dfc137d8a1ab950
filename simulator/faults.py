"""Trouble codes that come and go while driving, with the signals they bend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.wire import Lamp
from simulator.vehicle import Floats

RATE_PER_H = 0.02  # new faults per hour of driving
LENGTH_S = (1800.0, 14_400.0)  # how long a fault stays active
ONSET_S = 60  # a change comes within this of a chunk's start, while the truck surely drives


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A trouble code of SAE J1939-73.

    Attributes:
        spn: Suspect parameter number.
        fmi: Failure mode identifier.
        lamp: The lamp it lights.
        source_address: The control unit that reports it.
    """

    spn: int
    fmi: int
    lamp: Lamp
    source_address: int


FAULTS = (
    Fault(spn=3251, fmi=16, lamp=Lamp.AMBER_WARNING, source_address=0),  # DPF pressure high
    Fault(spn=3226, fmi=10, lamp=Lamp.MALFUNCTION_INDICATOR, source_address=0),  # NOx out, rate
    Fault(spn=168, fmi=18, lamp=Lamp.AMBER_WARNING, source_address=0),  # battery voltage low
    Fault(spn=1087, fmi=18, lamp=Lamp.AMBER_WARNING, source_address=11),  # brake circuit 1 low
    Fault(spn=177, fmi=16, lamp=Lamp.PROTECT, source_address=3),  # gearbox oil hot
    Fault(spn=100, fmi=1, lamp=Lamp.RED_STOP, source_address=0),  # oil pressure far too low
)
"""The codes a truck may show; `fault` n of a row is FAULTS[n - 1], 0 is none."""


def code_of(spn: int) -> float:
    """The number by which rows name the fault of `spn`."""
    return 1.0 + [fault.spn for fault in FAULTS].index(spn)


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultChange:
    """A code that became active or went, `time_s` seconds since the simulation's start."""

    time_s: int
    vehicle: int
    fault: Fault
    active: bool
    count: int


class FaultBook:
    """Which fault each vehicle of a fleet shows now, and until when."""

    def __init__(self, vehicles: int, *, seed: int) -> None:
        self._code = np.zeros(vehicles, dtype=np.int64)
        self._until = np.zeros(vehicles)
        self._counts = np.zeros((vehicles, len(FAULTS)), dtype=np.int64)
        self._rng = np.random.default_rng([seed, 0xFA17])

    def step(
        self, vehicles: NDArray[np.intp], driving: NDArray[np.bool_], first_s: int, seconds: int
    ) -> tuple[Floats, list[FaultChange]]:
        """Start and end faults in a chunk.

        Args:
            vehicles: Index of each of n vehicles.
            driving: Which of them are under way at the chunk's start; others do not change.
            first_s: The chunk's start, s since the simulation's start.
            seconds: Its length.

        Returns:
            The active code by second, (seconds, n), 0 for none; and the changes.
        """
        codes = np.tile(self._code[vehicles].astype(np.float64), (seconds, 1))
        changes = []
        chance = self._rng.random(len(vehicles)) < RATE_PER_H * seconds / 3600
        ends = (self._code[vehicles] > 0) & (self._until[vehicles] <= first_s)
        begins = (self._code[vehicles] == 0) & chance
        for column in np.flatnonzero(driving & (begins | ends)).tolist():
            vehicle = int(vehicles[column])
            onset = int(self._rng.integers(ONSET_S))
            if begins[column]:
                self._code[vehicle] = 1 + int(self._rng.integers(len(FAULTS)))
                self._until[vehicle] = first_s + self._rng.uniform(*LENGTH_S)
                self._counts[vehicle, self._code[vehicle] - 1] += 1
            kind = int(self._code[vehicle]) - 1
            changes.append(
                FaultChange(
                    time_s=first_s + onset,
                    vehicle=vehicle,
                    fault=FAULTS[kind],
                    active=bool(begins[column]),
                    count=min(int(self._counts[vehicle, kind]), 126),
                )
            )
            if ends[column]:
                self._code[vehicle] = 0
            codes[onset:, column] = self._code[vehicle]
        return codes, changes
