"""Expected litres over segments of road: physics first, what it misses learnt from other vehicles.

Three kinds of model, by what they may look at: ROAD, what the driver cannot change, which is what
analysis compares with; DRIVEN, also the speeds that were driven; ENGINE, also what the engine did.
Each has a second level for segments whose load is not known, and physics for all that the fleet
it learnt from says little of. What long idling burnt is no part of what is expected; a power
take-off's fuel is, as it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.fuel.model_file import pack, unpack
from analytics.fuel.model_level import Level
from analytics.fuel.model_training import train_level, window
from analytics.fuel.segment_booster import STAGE_ROWS
from analytics.fuel.segment_physics import DRIVEN, ENGINE, ROAD
from analytics.fuel.segment_rows import SegmentError, SegmentRows, class_numbers, require
from analytics.fuel.segments import SEGMENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KINDS = (ROAD, DRIVEN, ENGINE)
BY_MODEL, BY_PHYSICS = "model", "physics"
HELD_OUT = 0.2  # of the vehicles

_ENGINE_COLUMNS = (
    "engine_mj", "friction_mj", "revolutions", "load_mean", "load_square", "load_high", "rpm_work",
)  # fmt: skip
_DRIVEN_COLUMNS = (
    "drive_j_kg",
    "drive_w_j_kg2",
    "held_j_kg",
    "driven_s",
    "driven_m",
    "driven_drag_j_m2",
)
_UNUSED = ("idling_s", "pto_s")


@dataclass(kw_only=True, slots=True)
class SegmentModel:
    """Expected litres of segments.

    Attributes:
        kind: one of KINDS.
        levels: the best first; a segment is told by the first whose columns it has.
        metadata: what is kept with a model: see analytics.fuel.model_file.
    """

    kind: str
    levels: tuple[Level, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def published(cls, kind: str = ROAD) -> SegmentModel:
        """Physics by what is published of each class: for a fleet nothing was learnt from."""
        return cls(kind=kind, levels=_levels(kind))

    @classmethod
    def train(
        cls,
        segments: pd.DataFrame | Iterable[pd.DataFrame],
        *,
        kind: str = ROAD,
        held_out: float = HELD_OUT,
        seed: int = 0,
        stage_rows: int = STAGE_ROWS,
    ) -> SegmentModel:
        """Learn from a fleet.

        Vehicles are left out of training in turn (where there are many segments: one share of
        them, once and for all), and what is said of these makes the intervals and the metrics in
        `metadata["metrics"]`.

        Args:
            segments: vehicle, vehicle_class, start_time and SEGMENT_COLUMNS, in one frame or in
                one after another; none is kept as it is.
            kind: one of KINDS.
            held_out: share of the vehicles that is left out at a time.
            seed: fixes who is, and all else that is drawn.
            stage_rows: see analytics.fuel.segment_booster.

        Raises:
            SegmentError: there are no segments, columns are missing, or a class is none.
        """
        if not 0 < held_out <= 0.5:
            raise SegmentError(f"cannot hold out {held_out} of the vehicles: give 0.05 to 0.5")
        chunks = [segments] if isinstance(segments, pd.DataFrame) else segments
        rows = SegmentRows.read(chunks, columns_of(kind))
        if not len(rows):
            raise SegmentError("there are no segments to learn from: analyse some days first")
        model = cls(kind=kind, levels=_levels(kind))
        metrics = {}
        for level in model.levels:
            metrics[level.name] = train_level(
                level, rows, held_out=held_out, seed=seed, stage_rows=stage_rows
            )
        model.metadata = {
            "segments": len(rows),
            "vehicles": len(rows.vehicles),
            "metrics": metrics,
            "seed": seed,
            "held_out": held_out,
        } | window(rows)
        return model

    def predict(self, segments: pd.DataFrame, *, vehicle_class: str | None = None) -> pd.DataFrame:
        """Expected litres.

        Args:
            segments: SEGMENT_COLUMNS, and vehicle_class where it is not given for all.
            vehicle_class: of all segments.

        Returns:
            With the segments' index: expected_l, low_l, high_l (an interval of 90 %), by ("model",
            "physics").

        Raises:
            SegmentError: columns are missing, or a class is none.
        """
        told = self.tell(segments, vehicle_class=vehicle_class)
        low, high = np.zeros(len(segments)), np.zeros(len(segments))
        for place, level in enumerate(self.levels):
            for by_model in (True, False):
                chosen = (told.level == place) & (told.by_model == by_model)
                spread = level.spread if by_model else level.physics_spread
                low[chosen], high[chosen] = spread.segment
        pto = np.nan_to_num(segments["pto_l"].to_numpy(dtype=np.float64))
        return pd.DataFrame(
            {
                "expected_l": told.litres + pto,
                "low_l": told.litres * low + pto,
                "high_l": told.litres * high + pto,
                "by": np.where(told.by_model, BY_MODEL, BY_PHYSICS),
            },
            index=segments.index,
        )

    def to_bytes(self) -> bytes:
        """As `analytics.fuel.model_file` writes it."""
        return pack(self.kind, self.levels, self.metadata)

    @classmethod
    def from_bytes(cls, kept: bytes, *, checksum: str | None = None) -> SegmentModel:
        """What `to_bytes` gave.

        Args:
            kept: the bytes.
            checksum: their SHA-256 in hexadecimal, where it is known from elsewhere.

        Raises:
            ModelFileError: they are no model, were changed, hold what no model holds, or are of
                another version.
        """
        kind, levels, metadata = unpack(kept, checksum=checksum)
        return cls(kind=kind, levels=levels, metadata=metadata)

    def tell(self, segments: pd.DataFrame, *, vehicle_class: str | None = None) -> Told:
        """Litres without power take-off, by the first level that can tell them; as `predict`."""
        require(segments, columns_of(self.kind))
        if vehicle_class is None:
            require(segments, ["vehicle_class"])
            classes = class_numbers(segments["vehicle_class"])
        else:
            classes = class_numbers(pd.Series([vehicle_class] * len(segments), dtype=str))
        columns: dict[str, Any] = {
            name: segments[name].to_numpy(dtype=np.float64) for name in columns_of(self.kind)
        }
        columns["class"] = classes
        told = Told(
            litres=np.full(len(segments), np.nan),
            by_model=np.zeros(len(segments), dtype=np.bool_),
            level=np.full(len(segments), len(self.levels) - 1, dtype=np.intp),
        )
        open_ = np.ones(len(segments), dtype=np.bool_)
        for place, level in enumerate(self.levels):
            able = open_.copy()
            for name in level.needs:
                able &= np.isfinite(columns[name])
            if able.any():
                some = {name: values[able] for name, values in columns.items()}
                told.litres[able], told.by_model[able] = level.litres(some)
                told.level[able] = place
            open_ &= ~able
        return told


@dataclass(kw_only=True, slots=True, eq=False)
class Told:
    """What a model says of segments; arrays are (n,).

    Attributes:
        litres: expected, power take-off left out.
        by_model: the booster had its say.
        level: the place of the level that told it.
    """

    litres: Floats
    by_model: NDArray[np.bool_]
    level: NDArray[np.intp]


def expected_of_parts(
    segments: pd.DataFrame,
    parts: pd.DataFrame,
    model: SegmentModel,
    *,
    vehicle_class: str | None = None,
) -> pd.DataFrame:
    """Expected litres of trip parts.

    Args:
        segments: of one vehicle, cut at the parts' edges (`segments_of(samples, parts)`).
        parts: part_start, end_time (UTC).
        model: what tells them.
        vehicle_class: of the vehicle, where segments have no such column.

    Returns:
        A row a part, in its order: part_start, expected_l, expected_low_l, expected_high_l (an
        interval of 90 %; all three NaN where the part has no segment), expected_by ("model" where
        it told the greater part of the litres, else "physics"; None where there is nothing).

    Raises:
        SegmentError: columns are missing, or a class is none.
    """
    require(segments, ["start_time"])
    require(parts, ["part_start", "end_time"])
    told = model.tell(segments, vehicle_class=vehicle_class)
    middle = _seconds(segments["start_time"]) + 0.5 * segments["duration_s"].to_numpy(np.float64)
    starts, ends = _seconds(parts["part_start"]), _seconds(parts["end_time"])
    order = np.argsort(starts, kind="stable")
    place = np.searchsorted(starts[order], middle, side="right") - 1
    part = order[np.maximum(place, 0)] if len(order) else np.zeros(len(middle), dtype=np.intp)
    inside = (place >= 0) & (middle <= ends[part]) if len(order) else np.zeros(0, dtype=np.bool_)

    def added(values: Floats, where: NDArray[np.bool_]) -> Floats:
        at = where & inside
        sums = np.bincount(part[at], weights=values[at], minlength=len(parts))
        return np.asarray(sums, dtype=np.float64)

    every = np.ones(len(middle), dtype=np.bool_)
    litres = added(told.litres, every)
    km = added(segments["distance_km"].to_numpy(np.float64), every)
    pto = added(np.nan_to_num(segments["pto_l"].to_numpy(np.float64)), every)
    low, high = np.zeros(len(parts)), np.zeros(len(parts))
    for number, level in enumerate(model.levels):
        for by_model in (True, False):
            chosen = (told.level == number) & (told.by_model == by_model)
            spread = level.spread if by_model else level.physics_spread
            of_these = added(told.litres, chosen)
            factors = spread.of_trips(km)
            low += of_these * factors[0]
            high += of_these * factors[1]
    by_model_l = added(told.litres, told.by_model)
    empty = added(np.ones(len(middle)), every) == 0
    by = np.where(by_model_l > 0.5 * litres, BY_MODEL, BY_PHYSICS).astype(object)
    by[empty] = None
    return pd.DataFrame(
        {
            "part_start": parts["part_start"].to_numpy(),
            "expected_l": np.where(empty, np.nan, litres + pto),
            "expected_low_l": np.where(empty, np.nan, low + pto),
            "expected_high_l": np.where(empty, np.nan, high + pto),
            "expected_by": pd.Series(by, dtype=object),
        }
    ).astype({"part_start": parts["part_start"].dtype})


def columns_of(kind: str) -> tuple[str, ...]:
    """The columns of segments that a kind of model reads."""
    if kind not in KINDS:
        raise SegmentError(f"no kind of model {kind!r}: there are {', '.join(KINDS)}")
    without: set[str] = set(_UNUSED)
    without |= set(_ENGINE_COLUMNS) if kind != ENGINE else set()
    without |= set(_DRIVEN_COLUMNS) if kind == ROAD else set()
    return tuple(name for name in SEGMENT_COLUMNS if name not in without)


def _levels(kind: str) -> tuple[Level, ...]:
    if kind not in KINDS:
        raise SegmentError(f"no kind of model {kind!r}: there are {', '.join(KINDS)}")
    views = (ENGINE, DRIVEN) if kind == ENGINE else (kind,)
    return tuple(
        Level.published(view, weighed=weighed) for view in views for weighed in (True, False)
    )


def _seconds(times: pd.Series[Any]) -> Floats:
    return pd.DatetimeIndex(times).to_numpy("datetime64[us]").astype(np.int64) / 1e6
