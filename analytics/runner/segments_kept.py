"""The segments that analysis has kept, day by day, as what a model is learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.fuel.segments import SEGMENT_COLUMNS, SEGMENTS_VERSION
from analytics.training.recipe import TrainingError
from analytics.training.trainer import SEED
from storage import fuel_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from storage.connection import Connection
    from storage.fuel_models import TrainingData

MOST_SEGMENTS = 10_000_000
"""More are not read: whole vehicles, drawn, until there are so many. They take 2 GB."""

AT_ONCE = 100_000
"""Segments read at a time, by whole vehicles, one at the least: 80 MB."""


@dataclass(kw_only=True, slots=True)
class StoredSegments:
    """The segments that analysis has kept, as a dataset (`analytics.training.dataset.Dataset`).

    Attributes:
        connection: to the database.
        data: which days.
        who: whole vehicles, MOST_SEGMENTS in all, drawn where there are more; None: to be found.
    """

    connection: Connection
    data: TrainingData
    who: pd.DataFrame | None = None

    @property
    def source(self) -> dict[str, Any]:
        """The database, and which days were wanted."""
        days = {name: str(day) for name, day in self.data.wanted.items() if day is not None}
        return {"source": "database", "table": "fuel_segment", **days}

    def vehicles(self) -> pd.DataFrame:
        """Who is in it; see `Dataset`."""
        if self.who is None:
            there = fuel_models.vehicles_with_segments(
                self.connection, self.data, layout_version=SEGMENTS_VERSION
            ).rename(columns={"segments": "rows"})
            drawn = there.iloc[np.random.default_rng(SEED).permutation(len(there))]
            within = (drawn["rows"].cumsum() <= MOST_SEGMENTS).to_numpy()
            self.who = drawn[within].sort_values("vehicle").reset_index(drop=True)
        return self.who

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Segments of whole vehicles, AT_ONCE at a time."""
        if missing := [name for name in columns if name not in SEGMENT_COLUMNS]:
            raise TrainingError(
                f"Segments in the database have no column {', '.join(missing)}: there are "
                f"{', '.join(SEGMENT_COLUMNS)}; --dataset names a folder of Parquet files."
            )
        who = self.vehicles()
        of_each = who.set_index("vehicle")
        for _, some in who.groupby(who["rows"].cumsum() // AT_ONCE):
            segments = fuel_models.read_segments(
                self.connection,
                some["vehicle"].tolist(),
                self.data,
                columns=SEGMENT_COLUMNS,
                layout_version=SEGMENTS_VERSION,
            )
            yield segments.assign(
                vehicle_class=segments["vehicle"].map(of_each["vehicle_class"]),
                region=segments["vehicle"].map(of_each["region"]),
            )
