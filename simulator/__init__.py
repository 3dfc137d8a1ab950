"""A physics fleet that produces the catalogue's signals with known truth, one way to the wire.

fleet · roads · shifts ──▶ motion (1 s) ──▶ slow physics (10 s) ──▶ signals ──▶ chunks ──▶ messages
                                └──────────────▶ witness ──▶ truth beside the data
"""

from simulator.chunk import Chunk, Table
from simulator.config import SimulationConfig, SimulationError
from simulator.fleet import Vehicle, build_fleet
from simulator.full_frames import full_frames
from simulator.messages import messages
from simulator.simulation import simulate
from simulator.truth import Truth, TruthWriter

__all__ = [
    "Chunk",
    "SimulationConfig",
    "SimulationError",
    "Table",
    "Truth",
    "TruthWriter",
    "Vehicle",
    "build_fleet",
    "full_frames",
    "messages",
    "simulate",
]
