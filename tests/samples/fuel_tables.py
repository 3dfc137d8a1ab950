"""What analysis might have found of a vehicle's fuel: small tables, easy to foresee."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from storage import fuel
from storage.fuel import FuelOfWeek, FuelWeek
from tests.samples.behaviour_samples import DAY, MONDAY, WEEK, frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.connection import Connection

KEPT_FROM = date(2026, 1, 1)
"""Raw rows of all days of these tests are there."""

LITRES = {"idling": 1.5, "speed": 0.5, "rest": 0.0}


def needed(*starts: datetime, **others: Any) -> pd.DataFrame:
    """Parts of half an hour that needed 9 L where 7 L were to be expected."""
    return frame(
        [
            {
                "trip_start": start,
                "part_start": start,
                "end_time": start + timedelta(minutes=30),
                "driver_id": None,
                "time_zone": "Asia/Shanghai",
                "distance_km": 30.0,
                "fuel_l": 9.0,
                "fuel_source": "counter",
                "counter_l": 9.0,
                "rate_l": 9.3,
                "tank_l": np.nan,
                "disagreement_percent": 3.3,
                "idle_fuel_l": 2.0,
                "pto_fuel_l": 0.0,
                "moving_fuel_l": 7.0,
                "regeneration_fuel_l": 0.0,
                "mass_t_km": 600.0,
                "payload_t_km": np.nan,
                "empty_km": 0.0,
                "loaded_km": 30.0,
                "load_known_km": 30.0,
                "engine_s": 1800.0,
                "idle_s": 600.0,
                "driving_s": 1200.0,
                "stops": 3,
                "ascent_m": 12.0,
                "corridor": None,
                "expected_l": 7.0,
                "expected_low_l": 6.5,
                "expected_high_l": 7.5,
                "expected_by": "physics",
                "missing": ["tyre_pressure", "torque"],
                **others,
            }
            for start in starts
        ]
    )


def found(
    *starts: datetime,
    stats: Sequence[float] = (1.0, 2.0, 3.0),
    refuelled: Sequence[datetime] = (),
    parts: pd.DataFrame | None = None,
    **others: Any,
) -> FuelOfWeek:
    """What was found of a week with these parts, and sums of the days they began on."""
    days = sorted({(start + timedelta(hours=8)).date() for start in starts})
    causes = [
        {"part_start": start, "cause": cause, "litres": litres, "low_l": 0.0, "high_l": 2 * litres}
        for start in starts
        for cause, litres in LITRES.items()
    ]
    events = [
        {
            "start_time": start,
            "end_time": start + timedelta(minutes=5),
            "kind": "refuelling",
            "litres": 200.0,
            "low_l": 190.0,
            "high_l": 210.0,
            "level_before_l": 60.0,
            "level_after_l": 260.0,
            "latitude": 31.2,
            "longitude": 121.5,
        }
        for start in (refuelled or [MONDAY])
    ]
    segments = [
        {"day": (start + timedelta(hours=8)).date(), "start_time": start, "cells": [0.5, np.nan]}
        for start in (starts or [MONDAY])
    ]
    return FuelOfWeek(
        parts=needed(*(starts or [MONDAY]), **others).iloc[: len(starts)]
        if parts is None
        else parts,
        causes=frame(causes) if causes else pd.DataFrame(columns=["part_start", "cause"]),
        tank_events=frame(events).iloc[: len(refuelled)],
        stats={day: np.array(stats) for day in days},
        segments=frame(segments).iloc[: len(starts)],
    )


def store(
    connection: Connection,
    week: FuelWeek,
    what: FuelOfWeek,
    *,
    kept_from: date = KEPT_FROM,
    model_id: int | None = None,
    method_version: int = 1,
) -> bool:
    """Store what was found; sums reach three weeks."""
    start = datetime.combine(week.week, MONDAY.timetz()) - timedelta(hours=8)
    return fuel.store_week(
        connection,
        week,
        what,
        span=(start, start + 7 * DAY),
        kept_from=kept_from,
        reaches=3,
        model_id=model_id,
        method_version=method_version,
        stats_version=1,
        layout_version=1,
    )


def waiting(connection: Connection, number: int, kept_from: date = KEPT_FROM) -> list[FuelWeek]:
    """A vehicle's weeks that wait."""
    return fuel.waiting_weeks(connection, number, kept_from=kept_from)


def advice(*causes: str, **others: Any) -> pd.DataFrame:
    """A piece of advice on each cause, for whoever is responsible for the vehicle."""
    return pd.DataFrame(
        [
            {
                "driver_id": None,
                "week": WEEK,
                "time_zone": "Asia/Shanghai",
                "cause": cause,
                "variant": 0,
                "saving_l": 12.0,
                "low_l": 8.0,
                "high_l": 16.0,
                "distance_km": 2000.0,
                "fuel_l": 600.0,
                "confidence": "high",
                "effort": "low",
                "facts": {"trips": 4, "missing": []},
                "evidence": {"parts": [], "chart": None},
                "method_version": 1,
                **others,
            }
            for cause in causes
        ],
        columns=None if causes else ["driver_id", "cause", "facts", "evidence"],
    ).astype({"driver_id": "Int64"})
