"""`make faults`: the long run, with a seed of its own or one to repeat."""

from __future__ import annotations

import argparse
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import run as runs
from tests.faults.fault import REGISTERED

if TYPE_CHECKING:
    import numpy as np

    from tests.faults.arena import Arena
    from tests.faults.fault import Fault

ROOT = Path(__file__).parents[2]

FAULTS = 50


def main() -> int:
    """Run, print, and keep what both printed."""
    arguments = argparse.ArgumentParser(prog="make faults", description=__doc__)
    arguments.add_argument("--seed", type=int, default=None)
    arguments.add_argument("--faults", type=int, default=FAULTS)
    arguments.add_argument("--only", default="", help="faults whose name has this in it")
    chosen = arguments.parse_args()
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    stamp = datetime.now(tz=UTC)
    folder = ROOT / ".telemetry" / "faults" / f"{stamp:%Y%m%dT%H%M%S}-seed-{seed}"
    folder.mkdir(parents=True)

    def plan(rng: np.random.Generator, arena: Arena) -> list[Fault]:
        kinds = [
            each
            for each in REGISTERED.values()
            if chosen.only in each.name and not each.why_not(arena)
        ]
        return runs.draw(kinds, chosen.faults, rng)

    with (folder / "run.txt").open("w", encoding="utf-8") as file:

        def say(line: str) -> None:
            for output in (sys.stdout, file):
                output.write(f"{line}\n")
                output.flush()

        done = runs.execute(seed, plan, folder, say)
        for line in done.lines():
            say(line)
        if not done.good:
            say(f"Evidence: {folder}; again: make faults SEED={seed} FAULTS={chosen.faults}")
    return 0 if done.good else 1


if __name__ == "__main__":
    sys.exit(main())
