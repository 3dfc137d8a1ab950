"""Words, systems and curves that need no database."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from api.accept import Format, preferred
from api.signals.downsampling import kept
from api.vehicles.systems import TELL_TALES, WARNINGS, System, system_of
from schemas import catalogue as catalogues
from schemas.trouble_codes import SHARED_PARAMETERS, failure_modes, parameter_of, signals_of

CATALOGUE = catalogues.default()


def test_parameters_that_several_signals_share_have_words_of_their_own() -> None:
    counted = Counter(signal.spn for signal in CATALOGUE.by_name.values() if signal.spn)
    assert {spn for spn, count in counted.items() if count > 1} == set(SHARED_PARAMETERS)


def test_every_parameter_of_the_catalogue_has_words() -> None:
    for signal in CATALOGUE.by_name.values():
        if signal.spn:
            words = parameter_of(signal.spn, signals_of(CATALOGUE, signal.spn))
            assert words is not None
            assert words.in_language("en")
            assert words.in_language("zh") != words.in_language("en")


def test_failure_modes_are_those_of_the_standard() -> None:
    assert sorted(failure_modes()) == [*range(22), 31]  # the others are reserved


def test_every_system_has_signals_and_every_warning_is_one() -> None:
    assert {system_of(signal) for signal in CATALOGUE.by_name.values()} == {*System, None}
    assert {*TELL_TALES, *WARNINGS} <= set(CATALOGUE.by_name)


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html, */*;q=0.1"])
def test_json_is_what_one_gets_who_does_not_mind(accept: str) -> None:
    assert preferred(accept) is Format.JSON


def test_a_more_specific_range_overrules() -> None:
    assert preferred("*/*, application/json;q=0.2, text/csv;q=0.4") is Format.ARROW
    assert preferred("text/*;q=0.3, text/csv;q=0") is None


@pytest.mark.parametrize("points", [4, 7, 100])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 99, 1000])
@pytest.mark.parametrize("is_state", [True, False])
def test_chosen_points_are_few_in_order_and_hold_both_ends(
    points: int, count: int, is_state: bool
) -> None:
    values = np.random.default_rng(1).integers(0, 5, count).astype(float)
    chosen = kept(np.arange(count) * 1_000_000, values, points, is_state=is_state)
    assert len(chosen) <= points or count <= points
    assert (np.diff(chosen) > 0).all()
    if count:
        assert (chosen[0], chosen[-1]) == (0, count - 1)


def test_a_curve_that_does_not_move_is_taken() -> None:
    chosen = kept(np.arange(5000), np.zeros(5000), 10, is_state=False)
    assert len(chosen) <= 10
