"""A simulation as Parquet holds what its messages would have held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from schemas import catalogue as catalogues
from simulator import SimulationConfig, simulate
from simulator.messages import messages
from simulator.parquet import FrameFiles

if TYPE_CHECKING:
    from pathlib import Path


def test_the_files_hold_what_the_messages_hold(tmp_path: Path) -> None:
    config = SimulationConfig(
        vehicles=3, days=20 / 1440, seed=2, start=datetime(2026, 3, 2, 23, 50, tzinfo=UTC)
    )
    catalogue, rows = catalogues.default(), 0
    sent: dict[tuple[str, int], dict[str, float]] = {}
    with FrameFiles(tmp_path) as files:
        for chunk in simulate(config):
            rows += files.write(chunk)
            for message in messages(chunk, upload_s=600):
                for block in message.blocks:
                    for ids, values in (
                        (block.signal_ids, block.values.astype(np.float64)),
                        (block.wide_signal_ids, block.wide_values),
                    ):
                        names = [catalogue.by_id[number].name for number in ids.tolist()]
                        for time_us, row in zip(block.times_us.tolist(), values, strict=True):
                            found = sent.setdefault((message.vin, time_us), {})
                            numbers = [float(np.float32(value)) for value in row]
                            found.update(zip(names, numbers, strict=True))
    paths = sorted(path.name for path in tmp_path.iterdir())
    assert paths == ["frames_2026-03-02.parquet", "frames_2026-03-03.parquet"][: len(paths)]
    assert rows == len(sent) > 0
    written = 0
    for path in tmp_path.iterdir():
        table = pq.read_table(path)
        columns = {name: table.column(name).to_pylist() for name in table.schema.names}
        times = table.column("time").cast("int64").to_pylist()
        for place, (vin, time_us) in enumerate(zip(columns["vin"], times, strict=True)):
            row = {
                name: float(np.float32(values[place]))
                for name, values in columns.items()
                if name not in ("vin", "time") and values[place] is not None
            }
            expected = {k: v for k, v in sent[vin, time_us].items() if v == v}
            assert row == expected
            written += 1
    assert written == rows
