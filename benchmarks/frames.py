"""The frames that benchmarks send: 420 signals of which 363 are present, 60 a message, with noise.

Values are the simulator's, every signal measured every second with fresh noise of about one
resolution step, so that nothing compresses better than it would in the worst case. A few hundred
trucks' minutes are dealt out to as many vehicles as are asked for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from schemas import catalogue
from schemas.wire import Block, Message, make_block
from simulator.config import CHUNK_S, SECONDS_PER_DAY, SimulationConfig
from simulator.full_frames import full_frames
from simulator.vin import make_vin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIGNALS = 420
PRESENT = 363
FRAMES_PER_MESSAGE = 60
SLOW_STEP = 10
"""Rows of the fast groups for one of the others, where frames go by period."""

POOL_VEHICLES = 200
"""Vehicles whose minutes are dealt out."""

SEED = 1

WMI = "LVBV3ABB"
"""First characters of the VINs: maker and type."""


def full_messages(*, vehicles: int, messages: int) -> Iterator[Message]:
    """Messages of `vehicles` in turn, each vehicle's minutes one after the other, ending today."""
    pool = [_shape(message.blocks[0]) for message in full_frames(_pool())]
    begin = datetime.now(tz=UTC).replace(second=0, microsecond=0) - timedelta(
        hours=1, minutes=messages // vehicles + 1
    )
    second_us = np.arange(FRAMES_PER_MESSAGE, dtype=np.int64) * 1_000_000
    for number in range(messages):
        block = pool[number % len(pool)]
        minute = begin + timedelta(minutes=number // vehicles)
        yield Message(
            vin=make_vin(WMI, seed=SEED, index=number % vehicles),
            catalogue_version=catalogue.default().version,
            blocks=(
                Block(
                    times_us=int(minute.timestamp()) * 1_000_000 + second_us,
                    signal_ids=block.signal_ids,
                    values=block.values,
                    wide_signal_ids=block.wide_signal_ids,
                    wide_values=block.wide_values,
                ),
            ),
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


def _pool() -> SimulationConfig:
    """Ten minutes of a morning in which most trucks are on the road."""
    return SimulationConfig(
        vehicles=POOL_VEHICLES,
        days=CHUNK_S / SECONDS_PER_DAY,
        seed=SEED,
        start=datetime(2026, 1, 7, 2, 0, tzinfo=UTC),
    )


def _shape(block: Block) -> Block:
    """The same minute with exactly PRESENT signals present among SIGNALS columns."""
    ids = np.concatenate((block.signal_ids, block.wide_signal_ids))
    values = np.concatenate((block.values.astype(np.float64), block.wide_values), axis=1)
    order = np.argsort(ids)
    present = order[~np.isnan(values[:, order]).any(axis=0)][:PRESENT]
    everything = np.array([signal.id for signal in catalogue.default().signals])
    absent = np.setdiff1d(everything, ids[present])[: SIGNALS - PRESENT]
    table = np.concatenate(
        (values[:, present], np.full((len(values), len(absent)), np.nan)), axis=1
    )
    return make_block(
        catalogue.default(), [*ids[present].tolist(), *absent.tolist()], block.times_us, table
    )
