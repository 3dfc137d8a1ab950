"""Frames of every signal at 1 Hz, sixty to a block: what benchmarks feed on."""

from collections.abc import Iterator
from dataclasses import replace

from schemas import catalogue as catalogues
from schemas.catalogue import Catalogue
from schemas.wire import Message
from simulator.config import SimulationConfig
from simulator.messages import messages
from simulator.simulation import simulate

FRAMES = 60  # frames a message


def full_frames(
    config: SimulationConfig, *, catalogue: Catalogue | None = None
) -> Iterator[Message]:
    """Messages of one block of 60 rows that hold every signal the vehicle has, each row at 1 Hz.

    The simulation is that of `simulate`, but slow signals are measured every second, too, each
    time with fresh noise, so that nothing compresses better than it would in the worst case.
    Minutes in which a vehicle is switched on or off are left out, and so are events.

    Args:
        config: The fleet; leave `noise` on for figures about storage.
        catalogue: Signals to produce; the platform's own if `None`.
    """
    catalogue = catalogue or catalogues.default()
    every_second = Catalogue(
        version=catalogue.version,
        signals=tuple(replace(signal, period_s=1.0) for signal in catalogue.signals),
    )
    for chunk in simulate(config, catalogue=every_second):
        for message in messages(chunk, upload_s=FRAMES):
            if message.blocks and len(message.blocks[0].times_us) == FRAMES:
                yield replace(message, events=())
