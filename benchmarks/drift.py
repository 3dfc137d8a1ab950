"""How often drift of inputs is seen where there is none, and where it was planted."""

from __future__ import annotations

from analytics.training.drift import inputs_drifted, reference_of
from tests.samples.model_weeks import FEATURES, week

VEHICLES = (6, 12, 20, 40)
WEEKS = 200
PLANTED_WEEKS = 50
COLDER_C = 8.0
"""By how much it is colder in the planted weeks: 1.4 standard deviations."""

USUAL_LIMIT = 0.2
"""Of the population stability index, if it were taken by itself."""


def run() -> dict[str, float]:
    """False alarms, of all inputs of all weeks, and found ones, of the one input of each week."""
    reference = reference_of(week(0, vehicles=120), FEATURES)
    figures: dict[str, float] = {}
    for vehicles in VEHICLES:
        still = [
            one
            for seed in range(1, WEEKS + 1)
            for one in inputs_drifted(reference, week(seed, vehicles=vehicles))
        ]
        colder = [
            one
            for seed in range(1, PLANTED_WEEKS + 1)
            for rows in [week(seed, vehicles=vehicles)]
            for one in inputs_drifted(
                reference, rows.assign(ambient_c=rows["ambient_c"] - COLDER_C)
            )
            if one.name == "ambient_c"
        ]
        figures |= {
            f"of_{vehicles}_vehicles_inputs": len(still),
            f"of_{vehicles}_vehicles_false": sum(one.drifted is True for one in still),
            f"of_{vehicles}_vehicles_beyond_limit": sum(one.value > USUAL_LIMIT for one in still),
            f"of_{vehicles}_vehicles_planted": len(colder),
            f"of_{vehicles}_vehicles_found": sum(one.drifted is True for one in colder),
        }
    return figures
