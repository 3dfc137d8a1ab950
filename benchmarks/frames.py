"""The frames that benchmarks send: 420 signals of which 363 are present, 60 a message, with noise.

Values are the simulator's, every signal measured every second with fresh noise of about one
resolution step, so that nothing compresses better than it would in the worst case. Each vehicle
has the minutes of one truck, one after the other, of a time when that is under way: whatever jumps
to another truck's values each minute changes its tell-tales, its driver and its odometer as often.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from schemas import catalogue
from schemas.wire import Block, Message, make_block
from simulator.config import SECONDS_PER_DAY, SimulationConfig
from simulator.full_frames import full_frames
from simulator.vin import make_vin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SIGNALS = 420
PRESENT = 363
FRAMES_PER_MESSAGE = 60
SLOW_STEP = 10
"""Rows of the fast groups for one of the others, where frames go by period."""

POOL_VEHICLES = 200
"""Trucks that are simulated; those are dealt out that drive all the time."""

WARM_UP_MIN = 50
"""What is left out, in which they set out [min]."""

POOL_MIN = 20
"""What is dealt out of each truck [min]; a vehicle that is asked for more begins anew."""

SEED = 1

WMI = "LVBV3ABB"
"""First characters of the VINs: maker and type."""


def full_messages(*, vehicles: int, messages: int) -> Iterator[Message]:
    """Messages of `vehicles` in turn, each vehicle's minutes one after the other, ending today."""
    pool = _pool()
    begin = datetime.now(tz=UTC).replace(second=0, microsecond=0) - timedelta(
        hours=1, minutes=messages // vehicles + 1
    )
    second_us = np.arange(FRAMES_PER_MESSAGE, dtype=np.int64) * 1_000_000
    for number in range(messages):
        minute_of_its, vehicle = divmod(number, vehicles)
        block = pool[vehicle % len(pool)][minute_of_its % POOL_MIN]
        minute = begin + timedelta(minutes=minute_of_its)
        yield Message(
            vin=make_vin(WMI, seed=SEED, index=vehicle),
            catalogue_version=catalogue.default().version,
            blocks=(replace(block, times_us=int(minute.timestamp()) * 1_000_000 + second_us),),
            events=(),
        )


def messages_by_period(*, vehicles: int, messages: int) -> Iterator[Message]:
    """The same, but only each tenth row of the groups that hold no signal of every second."""
    signals = catalogue.default()
    every_second = {signal.group for signal in signals.signals if signal.period_s <= 1}
    fast = np.array([s.id for s in signals.signals if s.group in every_second])
    slow = np.array([s.id for s in signals.signals if s.group not in every_second])
    for message in full_messages(vehicles=vehicles, messages=messages):
        (block,) = message.blocks
        blocks = (_of(block, fast, 1), _of(block, slow, SLOW_STEP))
        yield replace(message, blocks=blocks)


def _of(block: Block, ids: NDArray[np.int64], step: int) -> Block:
    """Each step-th row of the columns of these signals."""
    narrow, wide = np.isin(block.signal_ids, ids), np.isin(block.wide_signal_ids, ids)
    return Block(
        times_us=block.times_us[::step],
        signal_ids=block.signal_ids[narrow],
        values=block.values[::step][:, narrow],
        wide_signal_ids=block.wide_signal_ids[wide],
        wide_values=block.wide_values[::step][:, wide],
    )


@cache
def _pool() -> tuple[tuple[Block, ...], ...]:
    """Trucks that are under way throughout, a block a minute."""
    config = SimulationConfig(
        vehicles=POOL_VEHICLES,
        days=60 * (WARM_UP_MIN + POOL_MIN) / SECONDS_PER_DAY,
        seed=SEED,
        start=datetime(2026, 1, 7, 1, 0, tzinfo=UTC),
    )
    begin_us = 1_000_000 * (config.start_s + 60 * WARM_UP_MIN)
    minutes: defaultdict[str, list[Block]] = defaultdict(list)
    for message in full_frames(config):
        if message.blocks[0].times_us[0] >= begin_us:
            minutes[message.vin].append(message.blocks[0])
    trucks = [_shape(blocks) for blocks in minutes.values() if len(blocks) == POOL_MIN]
    return tuple(blocks for blocks in trucks if blocks)


def _shape(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same minutes with exactly PRESENT signals present among SIGNALS columns; () if fewer are.

    The signals are those that are present all the time: a truck has its sensors.
    """
    ids = np.concatenate((blocks[0].signal_ids, blocks[0].wide_signal_ids))
    tables = [np.concatenate((b.values.astype(np.float64), b.wide_values), axis=1) for b in blocks]
    order = np.argsort(ids)
    always = ~np.any([np.isnan(table).any(axis=0) for table in tables], axis=0)
    present = order[always[order]][:PRESENT]
    if len(present) < PRESENT:
        return ()
    everything = np.array([signal.id for signal in catalogue.default().signals])
    absent = np.setdiff1d(everything, ids[present])[: SIGNALS - PRESENT]
    columns = [*ids[present].tolist(), *absent.tolist()]
    nothing = np.full((FRAMES_PER_MESSAGE, len(absent)), np.nan)
    return tuple(
        make_block(
            catalogue.default(),
            columns,
            block.times_us,
            np.concatenate((table[:, present], nothing), axis=1),
        )
        for block, table in zip(blocks, tables, strict=True)
    )
