"""Segments: pieces of a few kilometres or minutes, with what the road asked and the engine burnt.

A model of litres learns from segments, not from whole trips, so that a trip of any length and mix
of roads is a sum of what it has seen. A trip part is cut into equal pieces of about 3 km or five
minutes of driving, whichever is sooner; standing belongs to the piece it interrupts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analytics.fuel.drive import drive_of
from analytics.fuel.segment_features import segment_sums
from analytics.rows import UnreadableSignalsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.fuel.drive import Drive
    from analytics.samples import Samples

PIECE_KM = 3.0  # km; of a piece, about
PIECE_S = 300.0  # s of driving; of a piece, about
REST_S = 300.0  # s; a rest this long ends a piece (analytics.trips.TripRules.rest_s)

SEGMENT_COLUMNS = (
    "duration_s",
    "distance_km",
    "moving_s",
    "standing_s",
    "idling_s",
    "pto_s",
    "fuel_l",
    "idling_l",
    "pto_l",
    "mass_t",
    "reference_nm",
    "ambient_c",
    "coolant_c",
    "air_kg_m3",
    "limit_km_h",
    "ascent_m",
    "descent_m",
    "stops",
    "steady_j_kg",
    "steady_w_j_kg2",
    "braked_j_kg",
    "powered_m",
    "powered_drag_j_m2",
    "gained_j_kg",
    "lost_j_kg",
    "drive_j_kg",
    "drive_w_j_kg2",
    "held_j_kg",
    "driven_s",
    "driven_m",
    "driven_drag_j_m2",
    "engine_mj",
    "friction_mj",
    "revolutions",
    "load_mean",
    "load_square",
    "load_high",
    "rpm_work",
)
"""What is known of a segment; all float64, NaN where the signals do not tell it.

duration_s       from its beginning to its end, standing and rests included
distance_km      driven
moving_s         driven, s
standing_s       stood with the engine running, the first IMPOSED_STOP_S of each stop
idling_s         stood so for longer
pto_s            stood with a power take-off engaged
fuel_l           burnt in all, regeneration left out; NaN where less than COVERED of it is known
idling_l, pto_l  of it in idling_s and in pto_s
mass_t           mean gross combination mass; NaN unknown
reference_nm     the engine's reference torque
ambient_c, coolant_c, air_kg_m3   means over the engine's time
limit_km_h       mean posted speed by distance
ascent_m, descent_m               along the road, both positive
stops            beginnings of standing for LEAST_STOP_S at least
As the road demands it:
steady_j_kg      work of rolling, climbing and air where it is positive, at no more than the limit
steady_w_j_kg2   that work times its power: what full load costs more
braked_j_kg      where it is negative: what a descent gives beyond the resistances, positive
powered_m        way with positive work
powered_drag_j_m2  integral of ½·ρ·v² over that way: work a square metre of drag area
gained_j_kg, lost_j_kg  kinetic energy of speeding up and slowing down, wandering left out
As it was driven:
drive_j_kg       work of all resistances and of acceleration, where it is positive
drive_w_j_kg2    that work times its power
held_j_kg        where it is negative, positive
driven_s, driven_m, driven_drag_j_m2   time, way and drag work with positive work
As the engine did it, moving or standing for traffic:
engine_mj        work at the pistons, friction included (SPN 513)
friction_mj      of it against the engine's own friction (SPN 514)
revolutions      of the crankshaft
load_mean, load_square   torque over reference torque and its square, weighted by work
load_high        share of the work above HIGH_LOAD
rpm_work         engine speed weighted by work
"""

SEGMENTS_VERSION = 1
"""Raised when the columns, or what they mean, change."""


def segments_of(samples: Samples, parts: pd.DataFrame | None = None) -> pd.DataFrame:
    """Cut one vehicle's rows into segments.

    Args:
        samples: of `analytics.fuel.signals.fuel_samples`.
        parts: part_start, end_time (UTC): segments are cut at their edges, and what lies in none
            is left out. None: cut where nothing was driven for REST_S.

    Returns:
        By time: start_time (UTC), and the columns SEGMENT_COLUMNS.

    Raises:
        UnreadableSignalsError: parts without their columns.
    """
    drive = drive_of(samples)
    alive = drive.moving | drive.running
    stretch = _stretches(drive, alive) if parts is None else _of_parts(drive, parts)
    stretch[drive.dt_s == 0] = -1
    row, count = _pieces(drive, stretch)
    columns = segment_sums(samples, drive, row, count)
    at = np.flatnonzero(row >= 0)
    first = at[np.unique(row[at], return_index=True)[1]]
    last = at[np.append(np.flatnonzero(np.diff(row[at])), len(at) - 1)] if len(at) else at
    start_us = drive.time_us[first] - np.rint(drive.dt_s[first] * 1e6).astype(np.int64)
    columns["duration_s"] = (drive.time_us[last] - start_us) / 1e6
    start = pd.DatetimeIndex(start_us.astype("datetime64[us]"), tz="UTC")
    segments = pd.DataFrame({"start_time": start} | {n: columns[n] for n in SEGMENT_COLUMNS})
    lived = segments[["moving_s", "standing_s", "idling_s", "pto_s"]].sum(axis=1) > 0
    return segments[lived].reset_index(drop=True)


def _stretches(drive: Drive, alive: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) the run each row is of, cut at rests; -1 where engine and wheels rest."""
    at = np.flatnonzero(alive)
    stretch = np.full(len(drive), -1, dtype=np.int64)
    if len(at):
        rests = np.diff(drive.time_us[at], prepend=drive.time_us[at[0]]) > REST_S * 1e6
        stretch[at] = np.cumsum(rests)
    return stretch


def _of_parts(drive: Drive, parts: pd.DataFrame) -> NDArray[np.int64]:
    """(n,) the part each row's step is of; -1 where it is of none."""
    if missing := {"part_start", "end_time"} - set(parts.columns):
        raise UnreadableSignalsError(
            f"trip parts have no column {', '.join(sorted(missing))}; give part_start and end_time"
        )
    starts = pd.DatetimeIndex(parts["part_start"]).to_numpy("datetime64[us]").astype(np.int64)
    ends = pd.DatetimeIndex(parts["end_time"]).to_numpy("datetime64[us]").astype(np.int64)
    if not len(starts):
        return np.full(len(drive), -1, dtype=np.int64)
    order = np.argsort(starts, kind="stable")
    # A row ends its step: the one at a part's beginning ends a step before it.
    part = np.searchsorted(starts[order], drive.time_us, side="left") - 1
    inside = (part >= 0) & (drive.time_us <= ends[order][np.maximum(part, 0)])
    return np.where(inside, part, -1).astype(np.int64)


def _pieces(drive: Drive, stretch: NDArray[np.int64]) -> tuple[NDArray[np.intp], int]:
    """(n,) the segment of each row, numbered by time, -1 where it is of none; and how many."""
    row = np.full(len(drive), -1, dtype=np.intp)
    at = np.flatnonzero(stretch >= 0)
    if not len(at):
        return row, 0
    moving_s = np.where(drive.moving, drive.dt_s, 0.0)[at]
    share = np.maximum(drive.way_m[at] / 1000.0 / PIECE_KM, moving_s / PIECE_S)
    first = np.flatnonzero(np.append(True, np.diff(stretch[at]) != 0))
    length = np.diff(first, append=len(at))
    done = np.cumsum(share)
    before = np.repeat(done[first] - share[first], length)
    whole = np.repeat(np.add.reduceat(share, first), length)
    wanted = np.maximum(np.rint(whole), 1.0)
    # The piece a row is in: by how much of the part is done when its step begins.
    begun = np.divide(done - before - share, whole, out=np.zeros(len(at)), where=whole > 0)
    piece = np.minimum(np.floor(begun * wanted + 1e-9), wanted - 1).astype(np.int64)
    new = np.append(True, (np.diff(stretch[at]) != 0) | (np.diff(piece) != 0))
    row[at] = np.cumsum(new) - 1
    return row, int(new.sum())
