"""A worker's processes struck one by one: a lane without its reader, a reader without its lane."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.faults.arena import LANES, SESSION_TIMEOUT_S
from tests.faults.crew import ANSWER_S
from tests.faults.fault import fault
from tests.faults.fleet import rest
from tests.faults.handles import PHASES
from tests.faults.worker_faults import PHASE_TEXTS, held

if TYPE_CHECKING:
    import numpy as np

    from tests.faults.arena import Arena
    from tests.faults.member import Hand, Member

LANE, READER = "lane", "reader"
"""The families."""

END_S = 30.0
"""How long what is left of a worker may take to end [s]."""


def one_lane(member: Member, rng: np.random.Generator) -> Hand:
    """The lane that stands at a phase, else any."""
    lanes = member.lanes
    return member.standing or lanes[int(rng.integers(len(lanes)))]


def see_end(arena: Arena, member: Member) -> str:
    """All of a worker ends by itself; says how soon."""
    began = time.monotonic()
    arena.wait_for(
        lambda: member.ended and not member.lanes, f"{member.name} ended with all lanes", END_S
    )
    return f"all of {member.name} had ended after {time.monotonic() - began:.1f} s"


def _remarks(*remarks: str | None) -> str:
    return "; ".join(filter(None, remarks))


def _kill_lane(arena: Arena, member: Member, lane: Hand) -> str:
    member.expected_to_end = True
    lane.send(signal.SIGKILL)
    ended = see_end(arena, member)
    log = member.log.read_text(encoding="utf-8")
    assert "of this worker is gone" in log, f"{member.name} did not say that its lane was killed"
    return ended


@fault("lane killed at any moment", LANE)
def kill_lane_anywhere(arena: Arena, rng: np.random.Generator) -> str | None:
    rest(rng.uniform(0, 1))
    member = arena.worker(rng, with_lanes=True)
    return _kill_lane(arena, member, one_lane(member, rng))


def _kill_lane_at(phase: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    with held(arena, rng, phase, with_lanes=True) as (member, remark):
        return _remarks(remark, _kill_lane(arena, member, one_lane(member, rng)))


for _phase in PHASES:
    fault(f"lane killed {PHASE_TEXTS[_phase]}", LANE)(partial(_kill_lane_at, _phase))


@fault("lane asleep while its partitions are moved", LANE)
def lane_sleeps(arena: Arena, rng: np.random.Generator) -> str | None:
    phase = str(rng.choice(PHASES))
    with held(arena, rng, phase, with_lanes=True) as (member, remark):
        lane = one_lane(member, rng)
        lane.send(signal.SIGSTOP)
        guests = []
        try:
            guests = [arena.crew.hire(lanes) for lanes in rng.permutation(LANES).tolist()]
            arena.wait_for(
                lambda: all(guest.was_ready or guest.ended for guest in guests),
                "the guests at work",
                ANSWER_S,
            )
            rest(SESSION_TIMEOUT_S + rng.uniform(1.5, 4))
        finally:
            lane.send(signal.SIGCONT)
            member.tell("go")
            codes = [guest.leave() for guest in guests]
            for guest in guests:
                arena.crew.note_end(guest)
        assert codes == [0, 0], f"guests left with codes {codes}"
    return _remarks(f"asleep {PHASE_TEXTS[phase]}", remark)


@fault("reader killed at any moment, its lanes go on", READER)
def kill_reader_anywhere(arena: Arena, rng: np.random.Generator) -> str | None:
    rest(rng.uniform(0, 1))
    member = arena.worker(rng, with_lanes=True)
    member.expected_to_end = True
    member.send_reader(signal.SIGKILL)
    return see_end(arena, member)


@fault("reader killed, its lane writes later", READER)
def kill_reader(arena: Arena, rng: np.random.Generator) -> str | None:
    phase = str(rng.choice(PHASES))
    with held(arena, rng, phase, with_lanes=True) as (member, remark):
        member.expected_to_end = True
        member.send_reader(signal.SIGKILL)
        # Past the session time-out others have its partitions, while it has their rows locked.
        rest(rng.uniform(0.2, SESSION_TIMEOUT_S + 4))
        member.tell("go")
        return _remarks(f"the lane stood {PHASE_TEXTS[phase]}", remark, see_end(arena, member))


@fault("reader asleep past its session, its lanes go on", READER)
def reader_sleeps(arena: Arena, rng: np.random.Generator) -> str | None:
    phase = str(rng.choice(PHASES))
    with held(arena, rng, phase, with_lanes=True) as (member, remark):
        member.send_reader(signal.SIGSTOP)
        try:
            rest(rng.uniform(0, SESSION_TIMEOUT_S))
            member.tell("go")
            rest(SESSION_TIMEOUT_S + rng.uniform(1.5, 4))
        finally:
            member.send_reader(signal.SIGCONT)
    return _remarks(f"the lane stood {PHASE_TEXTS[phase]}", remark)
