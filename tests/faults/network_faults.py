"""The network between workers and servers: cut, swallowing, slow, to either side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.faults.arena import SESSION_TIMEOUT_S
from tests.faults.fault import fault
from tests.faults.fleet import rest
from tests.faults.worker_faults import held

if TYPE_CHECKING:
    import numpy as np

    from tests.faults.arena import Arena
    from tests.faults.proxy import Proxy


def _way(server: str, arena: Arena) -> Proxy:
    return arena.grounds.postgres_way if server == "PostgreSQL" else arena.grounds.kafka_way


def _cut(server: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    way, ended = _way(server, arena), 0
    for _ in range(int(rng.integers(1, 6))):
        ended += way.reset()
        rest(rng.uniform(0, 0.7))
    return f"{ended} connections reset"


def _swallow(server: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    way = _way(server, arena)
    seconds = rng.uniform(2, SESSION_TIMEOUT_S + 4)
    comes_back = rng.random() < 0.5
    way.swallow()
    try:
        rest(seconds)
        if not comes_back:
            way.reset()
    finally:
        way.heal()
    return f"{seconds:.1f} s, {'then all of it came' if comes_back else 'then reset'}"


def _lose(which: str, server: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    way = _way(server, arena)
    way.swallow(questions=which == "questions", answers=which == "answers")
    try:
        rest(rng.uniform(1, 5))
        way.reset()
    finally:
        way.heal()
    return None


def _slow(server: str, arena: Arena, rng: np.random.Generator, /) -> str | None:
    way = _way(server, arena)
    latency_s, bytes_per_s = rng.uniform(0.01, 0.1), rng.uniform(2e5, 2e6)
    way.slow(latency_s=latency_s, bytes_per_s=bytes_per_s)
    try:
        rest(rng.uniform(3, 6))
    finally:
        way.heal()
    return f"{latency_s * 1000:.0f} ms, {bytes_per_s / 1000:.0f} kB/s"


for _server in ("PostgreSQL", "Kafka"):
    _family = f"network to {_server}"
    fault(f"connections to {_server} reset", _family)(partial(_cut, _server))
    fault(f"{_server} behind a black hole", _family)(partial(_swallow, _server))
    for _which in ("questions", "answers"):
        fault(f"{_which} {'to' if _which == 'questions' else 'of'} {_server} lost", _family)(
            partial(_lose, _which, _server)
        )
    fault(f"slow way to {_server}", _family)(partial(_slow, _server))


@fault("answer to a commit lost", "network to PostgreSQL")
def commit_answer_lost(arena: Arena, rng: np.random.Generator) -> str | None:
    way = arena.grounds.postgres_way
    with held(arena, rng, "copied") as (member, remark):
        way.swallow(questions=False)
        member.tell("go")
        rest(1)
        way.reset()
        way.heal()
    return remark
