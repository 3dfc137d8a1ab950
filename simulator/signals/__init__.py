"""One generator for every signal of the catalogue, table by table."""

from collections.abc import Sequence

from schemas.catalogue import Catalogue, Signal
from simulator.config import SimulationError
from simulator.signals import (
    body_electrics,
    brakes_chassis,
    counters,
    fuel_aftertreatment,
    location,
    motion,
    powertrain,
)
from simulator.signals.derived import DERIVED
from simulator.view import Derived

__all__ = ["DERIVED", "GENERATORS", "generators"]

GENERATORS: dict[str, Derived] = {
    **motion.SIGNALS,
    **location.SIGNALS,
    **powertrain.SIGNALS,
    **fuel_aftertreatment.SIGNALS,
    **brakes_chassis.SIGNALS,
    **body_electrics.SIGNALS,
    **counters.SIGNALS,
}
"""Generators by the signal's name."""


def generators(catalogue: Catalogue) -> Sequence[tuple[Signal, Derived]]:
    """Each signal of `catalogue` with its generator, in order of id.

    Raises:
        SimulationError: Signals have no generator; it names them.
    """
    missing = [signal.name for signal in catalogue.signals if signal.name not in GENERATORS]
    if missing:
        raise SimulationError(
            f"nothing simulates {', '.join(missing)} of catalogue version {catalogue.version}:"
            " add a line for each in simulator/signals/, in the module of its group"
        )
    return [(signal, GENERATORS[signal.name]) for signal in catalogue.signals]
