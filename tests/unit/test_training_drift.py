"""Drift that was planted is found, and where there is none there are few false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.training.comparison import Verdict, compared
from analytics.training.drift import errors_drifted, inputs_drifted, reference_of
from tests.samples.model_weeks import FEATURES, week


@pytest.fixture(scope="module")
def reference() -> dict[str, object]:
    return reference_of(week(0, vehicles=120), FEATURES)


@pytest.mark.parametrize("vehicles", [8, 40])
def test_where_nothing_has_drifted_few_alarms_are_false(
    reference: dict[str, object], vehicles: int
) -> None:
    found = [
        one
        for seed in range(1, 61)
        for one in inputs_drifted(reference, week(seed, vehicles=vehicles))
    ]
    alarms = sum(one.drifted is True for one in found)
    assert alarms <= 0.02 * len(found)  # four of 240; 1 % are nominal
    # Of eight vehicles the usual limit alone would cry wolf every tenth time.
    if vehicles == 8:
        assert sum(one.value > 0.2 for one in found) > 10


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("ambient_c", lambda rows: rows.assign(ambient_c=rows["ambient_c"] - 8)),
        ("mass_t", lambda rows: rows.assign(mass_t=rows["mass_t"] * 1.2)),
        ("limit_km_h", lambda rows: rows.assign(limit_km_h=np.nan)),
        ("stops", lambda rows: rows.assign(stops=rows["stops"] + 2)),
    ],
)
def test_what_was_planted_in_one_input_is_found_there_alone(
    reference: dict[str, object], name: str, planted: object
) -> None:
    for seed in range(1, 11):
        rows = planted(week(seed))  # type: ignore[operator]
        found = {one.name: one.drifted for one in inputs_drifted(reference, rows)}
        assert found == {feature: feature == name for feature in FEATURES}


def test_of_few_vehicles_nothing_is_said(reference: dict[str, object]) -> None:
    rows = week(1, vehicles=4).assign(ambient_c=-30.0)
    assert {one.drifted for one in inputs_drifted(reference, rows)} == {None}


AT_TRAINING = {"error_percent": 6.0, "error_high": 6.5, "bias_percent": 0.1}


def errors(seed: int, *, size: float = 0.06, bias: float = 0.0) -> pd.DataFrame:
    """What forty vehicles showed: each is off by its own part of a hundred litres."""
    rng = np.random.default_rng(seed)
    actual = rng.uniform(50, 150, 40)
    own = rng.normal(1, 0.2, 40)
    signed = actual * (bias + 0.3 * size * rng.normal(0, 1, 40))
    columns = {"rows": 60, "actual": actual, "signed": signed, "absolute": actual * size * own}
    return pd.DataFrame(columns)


def test_errors_that_are_as_they_were_are_no_drift() -> None:
    drifted = [
        one.drifted for seed in range(100) for one in errors_drifted(AT_TRAINING, errors(seed))
    ]
    assert drifted.count(True) == 0
    assert drifted.count(False) == 200


def test_larger_errors_and_a_bias_are_found_and_told_apart() -> None:
    for seed in range(20):
        larger = errors_drifted(AT_TRAINING, errors(seed, size=0.10))
        assert {one.name: one.drifted for one in larger} == {"error": True, "bias": False}
        assert larger[0].low is not None
        assert larger[0].low > larger[0].limit == 7.5  # 1.25 times 6
        biased = errors_drifted(AT_TRAINING, errors(seed, bias=-0.04))
        assert {one.name: one.drifted for one in biased} == {"error": False, "bias": True}
    assert errors_drifted(AT_TRAINING, errors(1).iloc[:0]) == []
    few = errors_drifted(AT_TRAINING, errors(1, size=0.5).iloc[:3])
    assert {one.drifted for one in few} == {None}


def beside(challenger: float, champion: float, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    actual, own = rng.uniform(50, 150, 30), rng.normal(1, 0.3, 30)
    noise = rng.normal(0, 0.01, (2, 30))
    return pd.DataFrame(
        {
            "days": 5,
            "rows": 300,
            "actual": actual,
            "absolute": actual * (challenger * own + noise[0]),
            "other_absolute": actual * (champion * own + noise[1]),
        }
    )


def test_a_challenger_is_better_or_worse_only_beyond_chance() -> None:
    better, worse = compared(beside(0.05, 0.07)), compared(beside(0.07, 0.05))
    assert better.verdict is Verdict.BETTER
    assert worse.verdict is Verdict.WORSE
    assert worse.difference == pytest.approx(2, abs=0.6)
    assert (worse.vehicles, worse.days, worse.rows) == (30, 150, 9000)
    equal = [compared(beside(0.06, 0.06, seed)).verdict for seed in range(100)]
    assert equal.count(Verdict.NO_CLEAR_DIFFERENCE) >= 90  # 95 nominal
    assert compared(beside(0.05, 0.5).iloc[:4]).verdict is Verdict.TOO_LITTLE
    nothing = compared(beside(0.05, 0.5).iloc[:0])
    assert nothing.verdict is Verdict.TOO_LITTLE
    assert nothing.difference is None
