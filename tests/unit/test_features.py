"""Features: named, documented, and the same numbers wherever they are used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.features import registry
from analytics.features.feature import Feature
from analytics.features.registry import REGISTRY, FeatureError, computed, find, register
from analytics.fuel.segment_booster import features_of, matrix
from analytics.fuel.segment_physics import ENGINE
from analytics.fuel.segments import SEGMENT_COLUMNS
from analytics.metrics import SUMS
from analytics.scores import METRICS, packaged
from analytics.scores.difficulty import difficulty
from analytics.scores.metric import values
from analytics.thresholds import CLASSES

COLUMNS = {"segments": SEGMENT_COLUMNS, "parts": SUMS}


def rows(of: str) -> pd.DataFrame:
    """Three rows of unlike numbers, the second of which knows nothing."""
    names = COLUMNS[of]
    table = np.outer([1.0, 0.0, 3.0], 1.0 + np.arange(len(names)))
    return pd.DataFrame(table, columns=list(names))


@pytest.mark.parametrize("key", REGISTRY)
def test_every_feature_is_described_and_made_from_columns_there_are(key: str) -> None:
    feature = REGISTRY[key]
    assert feature.description.endswith(".")
    assert set(feature.needs) <= set(COLUMNS[feature.of])
    read: set[str] = set()

    def get(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        read.add(name)
        return rows(feature.of)[name].to_numpy()

    assert feature.make(get).shape == (3,)
    assert read == set(feature.needs)


PINNED = {
    ("segments.speed_km_h", 1): 2400.0,
    ("segments.ascent_m_km", 1): 8.0,
    ("segments.powered_share", 1): 0.011,
    ("segments.driven_time_share", 1): 29 / 3,
    ("segments.mass_t", 1): 10.0,
    ("parts.anticipation", 1): 100.0 * 15 / 14,
    ("parts.harsh", 1): 1000.0 * (18 + 19 + 20) / 21,
    ("parts.retarder", 1): 100.0 * 22 / (22 + 23),
    ("parts.load", 1): 26 / 27,
}
"""Computed by hand from the places of the columns: other numbers need another version."""


@pytest.mark.parametrize(("key", "version"), PINNED)
def test_a_feature_that_gives_another_number_has_another_version(key: str, version: int) -> None:
    feature = REGISTRY[key]
    assert feature.version == version
    found = computed([feature], rows(feature.of))[feature.name]
    assert found.iloc[0] == pytest.approx(PINNED[key, version])


def test_the_fuel_model_depends_on_registered_features() -> None:
    table = rows("segments").assign(**{"class": 0.0})
    causes = features_of(ENGINE, weighed=True)
    names = [cause.name for cause in causes if cause.name != "class"]
    registered = computed(find([f"segments.{name}" for name in names]), table)
    found = pd.DataFrame(
        matrix(causes, {str(name): table[name] for name in table}),
        columns=[cause.name for cause in causes],
    )
    pd.testing.assert_frame_equal(found[names], registered, check_names=False)
    assert len(names) == sum(key.startswith("segments.") for key in REGISTRY)


def test_scores_are_made_of_registered_features() -> None:
    table = rows("parts") * 1e6  # beyond the least exposure of each
    metrics = computed(find([f"parts.{name}" for name in METRICS]), table)
    settings = packaged()
    np.testing.assert_array_equal(values(table, settings), metrics.to_numpy())
    work = computed(find(["parts.load", "parts.stops"]), table)
    judged = difficulty(table.assign(vehicle_class=CLASSES[0]), settings)
    pd.testing.assert_frame_equal(judged[["load", "stops"]], work)


def test_a_wrong_name_is_told_with_the_nearest_and_mixed_rows_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"is segments\.ascent_m_km"):
        find(["segments.ascent_km"])
    with pytest.raises(FeatureError, match="one kind of rows"):
        find(["segments.mass_t", "parts.load"])
    with pytest.raises(FeatureError, match="need mass_t"):
        computed(find(["segments.mass_t"]), rows("parts"))


def own(name: str = "climb_mj", of: str = "segments") -> Feature:
    """Work against gravity, as somebody might want it."""
    return Feature(
        name=name,
        of=of,
        unit="MJ",
        description="Work of the climb.",
        needs=("mass_t", "ascent_m"),
        make=lambda get: get("mass_t") * 9.81 * get("ascent_m") / 1e3,
    )


def test_ones_own_feature_is_found_and_computed_beside_the_products(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_known", there := dict(registry.PRODUCTS))
    monkeypatch.setattr(registry, "REGISTRY", there)
    register(own())
    register(own())  # a notebook's cell is run again
    told = computed(find(["segments.mass_t", "segments.climb_mj"]), rows("segments"))
    columns = rows("segments")
    expected = columns["mass_t"] * columns["ascent_m"] * 9.81 / 1e3
    assert told["climb_mj"].tolist() == pytest.approx(expected.tolist())
    assert "segments.climb_mj" not in registry.PRODUCTS


def test_the_products_features_are_not_replaced_and_rows_must_exist() -> None:
    with pytest.raises(FeatureError, match="is the product's"):
        register(own("mass_t"))
    with pytest.raises(FeatureError, match="of no rows"):
        register(own(of="days"))
    assert "segments.climb_mj" not in REGISTRY
