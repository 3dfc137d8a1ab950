"""Workers that are killed, leave, sleep, or meet another who believes to be in their place."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.faults.arena import LANES, SESSION_TIMEOUT_S, TOPIC
from tests.faults.crew import ANSWER_S
from tests.faults.fault import fault
from tests.faults.fleet import rest
from tests.faults.handles import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from tests.faults.arena import Arena
    from tests.faults.member import Member

PHASE_TEXTS = {
    "buried": "between its letters and its transaction",
    "begun": "in its transaction before COPY",
    "copied": "between COPY and commit",
    "committed": "after commit, before anybody was told",
}

MISSED = "did not come to that phase: it was struck where it stood"


@contextmanager
def held(
    arena: Arena, rng: np.random.Generator, phase: str, *, with_lanes: bool = False
) -> Iterator[tuple[Member, str | None]]:
    """A worker that stands at a phase, and a remark if it did not come there; then it goes on."""
    member = arena.worker(rng, with_lanes=with_lanes)
    member.held = True
    if phase == "buried":
        arena.fleet.send_worthless(8)
    try:
        reached = member.hold_at(phase)
        yield member, None if reached else f"{member.name} {MISSED}"
    finally:
        member.tell("go")
        member.held = False


def _kill(phase: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    with held(arena, rng, phase) as (member, remark):
        member.kill()
    return remark


for _phase in PHASES:
    fault(f"worker killed {PHASE_TEXTS[_phase]}", "kill")(partial(_kill, _phase))


@fault("worker killed at any moment", "kill")
def kill_anywhere(arena: Arena, rng: np.random.Generator) -> str | None:
    rest(rng.uniform(0, 1))
    arena.worker(rng).kill()
    return None


@fault("all workers killed at once", "kill")
def kill_all(arena: Arena, rng: np.random.Generator) -> str | None:
    del rng
    members = list(arena.crew)
    for member in members:
        member.expected_to_end = True
        member.send(signal.SIGKILL)
    return f"{len(members)} workers"


@fault("SIGTERM in mid-batch", "leave")
def terminate(arena: Arena, rng: np.random.Generator) -> str | None:
    with held(arena, rng, "copied") as (member, remark):
        member.expected_to_end = True
        # To the worker alone, as a container's first process gets it, or to all of a service.
        (member.send if rng.random() < 0.5 else member.send_reader)(signal.SIGTERM)
        rest(0.5)
        code = member.leave()
        assert code == 0, f"{member.name} left with code {code}: {member.last_words()}"
    return remark


def _sleep(phase: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    with held(arena, rng, phase) as (member, remark):
        member.send(signal.SIGSTOP)
        try:
            rest(SESSION_TIMEOUT_S + rng.uniform(1.5, 4))
        finally:
            member.send(signal.SIGCONT)
    return remark


fault("worker asleep past its session, in its transaction", "sleep")(partial(_sleep, "copied"))
fault("worker asleep past its session, before its transaction", "sleep")(partial(_sleep, "buried"))
fault("worker asleep past its session, after its commit", "sleep")(partial(_sleep, "committed"))


@fault("workers join and leave under load", "rebalance")
def rebalance(arena: Arena, rng: np.random.Generator) -> str | None:
    guests = [arena.crew.hire(lanes) for lanes in rng.permutation(LANES).tolist()]
    try:
        arena.wait_for(
            lambda: all(guest.batches or guest.ended for guest in guests),
            "a batch of each guest",
            ANSWER_S,
        )
        rest(rng.uniform(0, 1))
        leaver, victim = guests
        code = leaver.leave()
        victim.kill()
        assert code == 0, f"{leaver.name} left with code {code}: {leaver.last_words()}"
    finally:
        for guest in guests:
            arena.crew.note_end(guest)
    return None


@fault("two groups on the same topic", "fence")
def two_groups(arena: Arena, rng: np.random.Generator) -> str | None:
    return with_rival(arena, rng.uniform(3, 6))


def with_rival(arena: Arena, seconds: float) -> str:
    """A worker of another group owns every partition too, as one does that slept."""
    rival = arena.crew.hire(2, arena.settings.model_copy(update={"group": f"{TOPIC}.rival"}))
    try:
        arena.wait_for(lambda: rival.was_ready or rival.ended, "the rival at work", ANSWER_S)
        rest(seconds)
        code = rival.leave()
        assert code == 0, f"{rival.name} left with code {code}: {rival.last_words()}"
    finally:
        arena.crew.note_end(rival)
    conflicts = rival.log.read_text(encoding="utf-8").count("has taken the partition over")
    return f"{rival.batches} batches of the rival, {conflicts} of its batches fenced off"
