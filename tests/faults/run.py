"""A run: faults drawn from a seed, struck one after the other, and the verdict at the end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from tests.faults import data_faults, lane_faults, network_faults, server_faults, worker_faults
from tests.faults.arena import Arena
from tests.faults.fault import REGISTERED
from tests.faults.verdict import Judge, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.faults.fault import Fault

KINDS = (worker_faults, lane_faults, server_faults, network_faults, data_faults)
"""The modules that register faults when they are imported."""

TOGETHER = 0.3
"""How often the next fault strikes before the last one is recovered from."""

PAUSE_S = 1.0
"""The longest pause between two faults [s]."""


@dataclass
class Run:
    """What a run did and what came of it."""

    seed: int
    struck: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)
    """Faults that cannot be had here, and why."""
    problems: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    database: str = ""
    longest_recovery_s: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or left undone."""
        return not self.problems and self.verdict is not None and not self.verdict.differences

    def lines(self) -> list[str]:
        """The run as a person reads it."""
        lines = [f"{count:4d}  {name}" for name, count in sorted(self.struck.items())]
        lines += [f"   -  {name} (left out: {why})" for name, why in self.left_out.items()]
        lines.append(f"{self.struck.total()} faults, seed {self.seed}, {self.database}")
        lines.append(f"longest recovery {self.longest_recovery_s:.1f} s")
        if self.verdict is not None:
            lines += [f"{count:>12,}  {name}" for name, count in self.verdict.seen.items()]
            lines += [f"DIFFERENCE  {line}" for line in self.verdict.differences]
        lines += [f"PROBLEM  {line}" for line in self.problems]
        lines.append(
            "GOOD: nothing lost, nothing doubled" if self.good else f"BAD (seed {self.seed})"
        )
        return lines


def draw(kinds: Sequence[Fault], count: int, rng: np.random.Generator) -> list[Fault]:
    """So many faults, every kind once before any comes again."""
    drawn: list[Fault] = []
    while len(drawn) < count:
        drawn += [kinds[place] for place in rng.permutation(len(kinds))]
    return drawn[:count]


def one_of_each_family(rng: np.random.Generator) -> list[Fault]:
    """A fault of each family, in any order."""
    families: dict[str, list[Fault]] = {}
    for each in REGISTERED.values():
        families.setdefault(each.family, []).append(each)
    chosen = [kinds[int(rng.integers(len(kinds)))] for kinds in families.values()]
    return [chosen[place] for place in rng.permutation(len(chosen))]


def execute(
    seed: int,
    plan: Callable[[np.random.Generator, Arena], Sequence[Fault]],
    folder: Path,
    log: Callable[[str], None],
    examine: Callable[[Arena], None] = lambda _: None,
) -> Run:
    """Bring everything up, strike what the plan says, drain, compare, take everything down.

    Args:
        seed: of everything that is drawn.
        plan: which faults, in which order.
        folder: for logs and the ledger.
        log: told what happens.
        examine: called at the end, while the servers are still there.
    """
    run = Run(seed=seed)
    said = time.monotonic()

    def tell(line: str) -> None:
        log(f"{datetime.now(tz=UTC):%H:%M:%S} +{time.monotonic() - said:5.0f} s  {line}")

    tell(f"seed {seed}; logs in {folder}")
    arena = Arena(seed, folder, tell)
    try:
        run.database = str(arena.grounds.database)
        tell(f"servers, fleet and workers are up: {run.database}")
        rng = np.random.default_rng(seed)
        run.left_out = {
            each.name: why for each in REGISTERED.values() if (why := each.why_not(arena))
        }
        _strike_all(run, arena, plan(rng, arena), rng, tell)
        if not run.problems:
            tell("draining")
            run.problems += arena.finish()
            arena.truth.persist(folder / "ledger.txt")
            tell("comparing")
            run.verdict = Judge(arena.grounds, arena.truth, arena.benches()).judge()
            examine(arena)
        else:
            arena.truth.persist(folder / "ledger.txt")
    finally:
        arena.close()
    return run


def _strike_all(
    run: Run,
    arena: Arena,
    faults: Sequence[Fault],
    rng: np.random.Generator,
    tell: Callable[[str], None],
) -> None:
    seeds = rng.spawn(len(faults))
    for number, (each, own) in enumerate(zip(faults, seeds, strict=True), start=1):
        waits, pause_s = rng.random() >= TOGETHER, rng.uniform(0, PAUSE_S)
        tell(f"{number}/{len(faults)} {each.name}")
        try:
            remark = each.strike(arena, own)
            run.struck[each.name] += 1
            if remark:
                tell(f"    {remark}")
            if waits or number == len(faults):
                took_s = arena.catch_up()
                run.longest_recovery_s = max(run.longest_recovery_s, took_s)
                tell(f"    caught up after {took_s:.1f} s")
        except AssertionError as error:
            run.problems.append(f"{each.name}: {error}")
            tell(f"    {error}")
            return
        time.sleep(pause_s)
