"""The simulation: fleet and roads made once, then chunk after chunk in order of time."""

from collections.abc import Iterator

from schemas import catalogue as catalogues
from schemas.catalogue import Catalogue
from simulator.block import Block
from simulator.chunk import Chunk
from simulator.config import BLOCK_VEHICLES, SimulationConfig
from simulator.envelopes import ProfileEnvelopes
from simulator.fleet import Vehicle, build_fleet, road_kinds
from simulator.road import Roads, build_roads


def simulate(
    config: SimulationConfig,
    *,
    catalogue: Catalogue | None = None,
    fleet: tuple[Vehicle, ...] | None = None,
    roads: Roads | None = None,
) -> Iterator[Chunk]:
    """Simulate a fleet, ten minutes and up to 200 vehicles a chunk.

    Chunks come in order of time, and within the same ten minutes in order of vehicles. Memory does
    not grow with `config.days`; the same arguments give the same chunks.

    Args:
        config: How many vehicles, how long, from when, and the seed.
        catalogue: Signals to produce; the platform's own if `None`.
        fleet: Vehicles to drive, numbered from 0, in place of those of `config`.
        roads: Roads to drive on; `Vehicle.road` counts in them.

    Raises:
        SimulationError: A signal of the catalogue has no generator.
    """
    catalogue = catalogue or catalogues.default()
    fleet = build_fleet(config) if fleet is None else fleet
    roads = build_roads(road_kinds(), seed=config.seed) if roads is None else roads
    envelopes = ProfileEnvelopes(roads)
    blocks = [
        Block(
            config,
            fleet,
            range(first, min(first + BLOCK_VEHICLES, len(fleet))),
            roads,
            envelopes,
            catalogue,
        )
        for first in range(0, len(fleet), BLOCK_VEHICLES)
    ]
    for number in range(config.chunks):
        for block in blocks:
            yield block.advance(number, last=number == config.chunks - 1)
