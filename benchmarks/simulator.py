"""How fast the simulator makes frames, on one core, before anything is encoded."""

import time
from datetime import UTC, datetime

from simulator import SimulationConfig, simulate

VEHICLES = 50  # the fleet the figure is stated for
HOURS = 6  # from the first shifts on, so that most vehicles are on the road


def run() -> dict[str, float]:
    """Simulate the fleet's morning.

    Returns:
        `simulator_frames_s`, vehicle-seconds a second of processor time, and
        `simulator_values_s`, signal values a second.
    """
    config = SimulationConfig(
        vehicles=VEHICLES, days=HOURS / 24, seed=1, start=datetime(2026, 3, 2, tzinfo=UTC)
    )
    frames = values = 0
    began = time.process_time()
    for chunk in simulate(config):
        frames += chunk.frames
        values += sum(table.values.size for table in chunk.tables)
    seconds = time.process_time() - began
    return {"simulator_frames_s": frames / seconds, "simulator_values_s": values / seconds}


if __name__ == "__main__":
    for name, figure in run().items():
        print(f"{name}: {figure:,.0f}")
