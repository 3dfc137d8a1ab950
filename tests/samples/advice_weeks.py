"""Weeks of one vehicle as the tables of fuel have them, for tests of advice."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.advice import AdviceWeek, advise

if TYPE_CHECKING:
    from collections.abc import Mapping

MONDAY = date(2026, 3, 2)
ZONE = "Asia/Shanghai"

COST: dict[str, float] = {"price": 7.5, "co2_kg_l": 2.64}
"""What a litre costs and emits, as `render` takes it beside the currency."""


def parts(count: int = 10, *, monday: date = MONDAY, hour: int = 8, **columns: Any) -> pd.DataFrame:
    """Parts of trips, two a day from Monday on: 400 km, 120 L and 6 h each, 24 t, half of it load.

    Args:
        count: how many.
        monday: of their week.
        hour: local, at which the first of each day starts; the second starts 7 h later.
        columns: instead of what is usual, a value for all or a list.
    """
    day = pd.Timestamp(monday, tz=ZONE)
    starts = [day + pd.Timedelta(days=n // 2, hours=hour + 7 * (n % 2)) for n in range(count)]
    start = pd.DatetimeIndex(starts, dtype="datetime64[us, Asia/Shanghai]").tz_convert("UTC")
    usual: dict[str, Any] = {
        "trip_start": start,
        "part_start": start,
        "day": [time.date() for time in starts],
        "end_time": start + pd.Timedelta(hours=6.5),
        "driver_id": pd.array([7] * count, dtype="Int64"),
        "week": monday,
        "distance_km": 400.0,
        "fuel_l": 120.0,
        "expected_l": 110.0,
        "idle_fuel_l": 3.0,
        "mass_t_km": 400.0 * 24,
        "payload_t_km": 400.0 * 12,
        "empty_km": 0.0,
        "loaded_km": 400.0,
        "load_known_km": 400.0,
        "engine_s": 6.3 * 3600,
        "idle_s": 0.6 * 3600,
        "driving_s": 5.5 * 3600,
        "stops": 20,
        "corridor": None,
        "missing": [[] for _ in range(count)],
    }
    frame = pd.DataFrame(usual | columns, index=range(count))
    frame["missing"] = frame["missing"].astype(object)
    return frame


def causes(of: pd.DataFrame, litres: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Causes of parts, all parts alike.

    Args:
        of: the parts.
        litres: by cause, of the whole week: litres and half its interval.
    """
    rows = [
        {
            "part_start": start,
            "cause": cause,
            "litres": total / len(of),
            "low_l": (total - half) / len(of),
            "high_l": (total + half) / len(of),
        }
        for start in of["part_start"]
        for cause, (total, half) in litres.items()
    ]
    columns = ["part_start", "cause", "litres", "low_l", "high_l"]
    return pd.DataFrame(rows, columns=columns) if rows else no_causes()


def no_causes() -> pd.DataFrame:
    """Nothing that cost too much."""
    types = dict.fromkeys(("litres", "low_l", "high_l"), "float64")
    types |= {"part_start": "datetime64[us, UTC]", "cause": "object"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in types.items()})


def week(litres: Mapping[str, tuple[float, float]] | None = None, **fields: Any) -> AdviceWeek:
    """A vehicle's week of ten parts with these causes (litres and half their interval)."""
    rows = fields.pop("parts", None)
    rows = parts() if rows is None else rows
    of_rows = fields.pop("causes", None)
    of_rows = causes(rows, litres or {}) if of_rows is None else of_rows
    return AdviceWeek(
        vehicle_id=3, week=MONDAY, time_zone=ZONE, parts=rows, causes=of_rows, **fields
    )


def given(advice: pd.DataFrame, *, weeks_ago: int, status: str = "given") -> pd.DataFrame:
    """Advice as table `advice` has it, as if it had been given so many weeks before MONDAY.

    What was decided on it was so two days after its week ended.
    """
    monday = MONDAY - pd.Timedelta(weeks=weeks_ago)
    at = pd.Timestamp(monday, tz=ZONE).tz_convert("UTC") + pd.Timedelta(days=9)
    return advice.assign(week=monday, status=status, status_at=at)


def advice_of(litres: Mapping[str, tuple[float, float]], **fields: Any) -> pd.DataFrame:
    """What is advised on such a week."""
    return advise(week(litres, **fields))


def whole_weeks(rates: list[float], rng: np.random.Generator, spread: float) -> pd.DataFrame:
    """Weeks for a follow-up: about 1000 expected litres each, of which `rate` is lost.

    Args:
        rates: of excess to expected litres, a week each.
        rng: of chance.
        spread: standard deviation of the rate from week to week.
    """
    expected = rng.uniform(700, 1300, len(rates))
    chance = spread * rng.standard_normal(len(rates)) * np.sqrt(1000 / expected)
    return pd.DataFrame(
        {
            "week": [
                (pd.Timestamp(MONDAY) + pd.Timedelta(weeks=n)).date() for n in range(len(rates))
            ],
            "distance_km": expected / 0.3,
            "expected_l": expected,
            "excess_l": expected * (np.array(rates) + chance),
        }
    )
