"""What holds of advice whatever a week was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.advice import LANGUAGES, AdviceSettings, advise, card
from analytics.advice.kinds import KINDS, OF_FUEL
from tests.samples.advice_weeks import COST, advice_of, causes, parts, week

Litres = dict[str, tuple[float, float]]

LITRES = st.floats(-50, 400, allow_nan=False)
HALVES = st.floats(0, 200, allow_nan=False)
CAUSES = st.dictionaries(st.sampled_from(OF_FUEL), st.tuples(LITRES, HALVES), min_size=1)
ALL = AdviceSettings(most=len(KINDS))


def place(found: pd.DataFrame, cause: str) -> int | None:
    """How far down its subject's list a cause is told, None where it is not."""
    ours = found[found["driver_id"].isna() == (KINDS[cause].audience != "driver")]
    told = ours["cause"].to_list()
    return told.index(cause) if cause in told else None


@settings(max_examples=30, deadline=None)
@given(litres=CAUSES, more=st.floats(0, 300), which=st.sampled_from(OF_FUEL))
def test_more_litres_never_rank_lower(litres: Litres, more: float, which: str) -> None:
    total, half = litres.get(which, (0.0, 5.0))
    first = place(advice_of(litres, settings=ALL), which)
    second = place(advice_of(litres | {which: (total + more, half)}, settings=ALL), which)
    if first is not None:
        assert second is not None
        assert second <= first


@settings(max_examples=30, deadline=None)
@given(litres=CAUSES)
def test_what_is_told_is_above_noise_and_never_negative(litres: Litres) -> None:
    found = advice_of(litres, settings=ALL)
    in_litres = found[found["cause"].isin(OF_FUEL)]
    for row in in_litres.to_dict("records"):
        assert 0 < row["low_l"] <= row["saving_l"] <= row["high_l"]
        assert row["saving_l"] >= max(ALL.least_l, ALL.least_share * row["fuel_l"])
        assert row["saving_l"] <= row["fuel_l"]
        chart = row["evidence"]["chart"]["values"]
        assert min(chart) >= 0
        assert all(part["litres"] > 0 for part in row["evidence"]["parts"])
    quiet = {cause for cause, (total, half) in litres.items() if total - half <= 0}
    assert not quiet & set(in_litres["cause"])


@settings(max_examples=20, deadline=None)
@given(litres=CAUSES, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(litres: Litres, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drivers = pd.array(rng.integers(7, 9, 10), dtype="Int64")
    rows = parts(driver_id=drivers, empty_km=rng.choice([0.0, 400.0], 10))
    of_rows = causes(rows, litres)
    shuffled = week(
        {},
        parts=rows.iloc[rng.permutation(len(rows))],
        causes=of_rows.iloc[rng.permutation(len(of_rows))],
    )
    one, other = advise(week({}, parts=rows, causes=of_rows)), advise(shuffled)
    assert rounded(one) == rounded(other)


@settings(max_examples=15, deadline=None)
@given(litres=CAUSES, count=st.integers(1, 14), km=st.floats(0, 900), unknown=st.booleans())
def test_whatever_is_told_can_be_printed(
    litres: Litres, count: int, km: float, unknown: bool
) -> None:
    columns: dict[str, Any] = {
        "distance_km": km,
        "load_known_km": km,
        "loaded_km": km / 2,
        "empty_km": km / 2,
        "idle_fuel_l": np.nan if unknown else 3.0,
        "payload_t_km": np.nan if unknown else 4.0 * km,
    }
    found = advice_of(litres, parts=parts(count, **columns), settings=ALL)
    for row in found.to_dict("records"):
        for language in LANGUAGES:
            text = card(row, language, currency="CNY", **COST).text
            assert "{" not in text
            assert "nan" not in text.split()


def rounded(found: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of advice; sums in another order differ in the last bit."""
    numbers = found.select_dtypes("float64").columns
    rounded_off = found.assign(**{name: found[name].round(6).fillna(-1) for name in numbers})
    rounded_off["driver_id"] = rounded_off["driver_id"].fillna(0)
    return [
        {str(name): value for name, value in row.items()} for row in rounded_off.to_dict("records")
    ]
