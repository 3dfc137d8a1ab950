"""What a sensor makes of a true value: noise, the steps it resolves, and its limits."""

import numpy as np

from schemas.catalogue import Kind, Signal, ValueType
from simulator.vehicle import Floats
from simulator.view import Column

_ANALOGUE = {ValueType.REAL, ValueType.DOUBLE}
AT_REST = 1e-6  # steps; less is zero with the dust of floating point
_OWN_NOISE = {"latitude", "longitude"}  # their generators scatter in metres


def measure(signal: Signal, true: Column, rng: np.random.Generator | None) -> Floats:
    """The values a sensor of `signal` reports for `true`.

    Analogue samples gain normal noise of one resolution step; a value of exactly zero is a
    quantity at rest (no speed, no flow) and stays zero. Counters are cut to whole steps, all else
    is rounded to them, and what passes the catalogue's limits is held at the limit.

    Args:
        signal: Gives kind, type, resolution and limits.
        true: Values without error, in the signal's unit.
        rng: Source of noise; `None` adds none.
    """
    steps = true / signal.resolution
    if signal.kind is Kind.COUNTER:
        # A counter shows what is complete; the sliver keeps whole steps whole in binary.
        steps = np.floor(steps + 1e-6)
    else:
        analogue = signal.kind is Kind.SAMPLE and signal.type in _ANALOGUE
        if rng is not None and analogue and signal.name not in _OWN_NOISE:
            noise = rng.standard_normal(len(steps), dtype=np.float32)
            steps += np.where(np.abs(steps) < AT_REST, np.float32(0.0), noise)
        steps = np.rint(steps)
    steps *= signal.resolution
    return np.asarray(np.clip(steps, signal.minimum, signal.maximum))
