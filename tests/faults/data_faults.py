"""What comes in is repeated, contradictory, days late, worthless, or judged by a wrong clock."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psycopg

from ingest.record import Reason
from storage.signal_tables import stored_table
from storage.steps import read_steps
from tests.faults.fault import fault
from tests.faults.fleet import rest

if TYPE_CHECKING:
    import numpy as np

    from tests.faults.arena import Arena

DAY_S = 86_400.0

WITHIN_TOLERANCE_S = 300.0
"""A jump of the clock that refuses nothing: half of the default tolerance [s]."""


@fault("much of it sent twice", "repeats")
def repeats(arena: Arena, rng: np.random.Generator) -> str | None:
    arena.fleet.send_again(rng.uniform(0.3, 1))
    return None


@fault("same vehicle and time with other values", "repeats")
def contradictions(arena: Arena, rng: np.random.Generator) -> str | None:
    arena.fleet.send_contradictions(int(rng.integers(20, 80)))
    return None


@fault("frames of days ago", "late")
def late(arena: Arena, rng: np.random.Generator) -> str | None:
    arena.fleet.send_late(int(rng.integers(20, 60)))
    return None


@fault(
    "frames of days ago into compressed chunks",
    "late",
    lambda arena: "" if arena.timescale else "plain PostgreSQL has no compressed chunks",
)
def late_into_compressed(arena: Arena, rng: np.random.Generator) -> str | None:
    arena.fleet.send_late(int(rng.integers(20, 40)))
    arena.catch_up()
    compressed = refused = 0
    with arena.grounds.direct() as connection:
        steps = read_steps(connection)
    for group in arena.truth.catalogue.groups:
        chunks = arena.grounds.ask(
            "SELECT chunk::text FROM show_chunks(%s::regclass, older_than => interval '36 hours')"
            " AS chunk",
            f"telemetry.{stored_table(group, steps)}",
        )
        arena.fleet.send_late(3)
        for (chunk,) in chunks:
            try:
                arena.grounds.ask("SELECT compress_chunk(%s::regclass, true)", chunk)
                compressed += 1
            except psycopg.Error:
                refused += 1  # it met the workers, who come first
    arena.fleet.send_late(int(rng.integers(20, 40)))
    return f"{compressed} chunks compressed, {refused} in use"


@fault("much that is refused", "refusals")
def refusals(arena: Arena, rng: np.random.Generator) -> str | None:
    arena.fleet.send_worthless(int(rng.integers(20, 60)))
    return None


@fault("a second gateway sends for the same vehicles, and for strangers", "two writers")
def second_gateway(arena: Arena, rng: np.random.Generator) -> str | None:
    arena.fleet.send_beside(int(rng.integers(3, 8)), strangers=3)

    def more(_: object) -> None:
        for _round in range(3):
            arena.fleet.send_beside(1, strangers=0)
            rest(0.3)

    arena.write_beside(more)
    return None


@fault("workers' clocks jump within the tolerance", "clock")
def small_jump(arena: Arena, rng: np.random.Generator) -> str | None:
    ahead_s = float(rng.choice([-1, 1]) * rng.uniform(60, WITHIN_TOLERANCE_S))
    arena.crew.set_clock(ahead_s)
    try:
        rest(rng.uniform(1, 3))
    finally:
        arena.crew.set_clock(0)
    return f"{ahead_s:+.0f} s"


def _far_jump(
    ahead_s: float, reason: Reason, arena: Arena, rng: np.random.Generator, /
) -> str | None:
    arena.fleet.halt()
    arena.catch_up()
    # One that lost a partition and does not know yet would judge anew what others have stored.
    arena.crew.renew()
    arena.crew.set_clock(ahead_s)
    try:
        arena.fleet.send_refused_whole(int(rng.integers(5, 20)), reason)
        arena.fleet.halt()
        arena.catch_up()
    finally:
        arena.crew.set_clock(0)
        arena.fleet.drive()
    return f"{ahead_s / DAY_S:+.0f} days: all refused as {reason}"


fault("workers' clocks jump far ahead", "clock")(partial(_far_jump, 200 * DAY_S, Reason.TOO_OLD))
fault("workers' clocks jump far back", "clock")(
    partial(_far_jump, -3 * DAY_S, Reason.TOO_FAR_AHEAD)
)
