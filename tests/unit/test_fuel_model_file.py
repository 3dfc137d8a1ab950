"""A fuel model's bytes: the same model comes back, and nothing else does."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

from analytics import sealed_models
from analytics.fuel import model_file
from analytics.fuel.model import SegmentModel
from analytics.sealed_models import ModelFileError
from tests.samples.fuel_segments import segments

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    return SegmentModel.train(segments(vehicles=8))


@pytest.fixture(scope="module")
def kept(model: SegmentModel) -> bytes:
    return model.to_bytes()


def forged(kept: bytes, trees: bytes) -> bytes:
    """The same model with other trees and a checksum that is right."""
    magic, line, rest = kept.split(b"\n", 2)
    length = int(line.split()[1])
    body = rest[:length] + trees
    digest = hashlib.sha256(body).hexdigest().encode()
    return b"%s\n%s %d\n%s" % (magic, digest, length, body)


def test_a_model_comes_back_as_it_was(model: SegmentModel, kept: bytes) -> None:
    again = SegmentModel.from_bytes(kept, checksum=hashlib.sha256(kept).hexdigest())
    asked = segments(vehicles=3, seed=2)
    pd.testing.assert_frame_equal(model.predict(asked), again.predict(asked))
    blind = asked.assign(mass_t=float("nan"))
    pd.testing.assert_frame_equal(model.predict(blind), again.predict(blind))
    assert again.metadata.items() >= model.metadata.items()
    assert {"code_version", "data_from", "data_to", "metrics"} <= set(again.metadata)


def test_a_model_without_trees_comes_back_too() -> None:
    published = SegmentModel.published()
    again = SegmentModel.from_bytes(published.to_bytes())
    asked = segments(vehicles=1)
    pd.testing.assert_frame_equal(published.predict(asked), again.predict(asked))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept[:-1],
        lambda kept: kept[:2000] + bytes([kept[2000] ^ 1]) + kept[2001:],
        lambda kept: kept + b"x",
    ],
    ids=["cut short", "a bit flipped", "added to"],
)
def test_what_was_changed_is_refused(kept: bytes, spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ModelFileError, match="changed or cut short"):
        SegmentModel.from_bytes(spoil(kept))


def test_a_model_in_place_of_another_is_refused(kept: bytes) -> None:
    with pytest.raises(ModelFileError, match="not the one that was stored"):
        SegmentModel.from_bytes(kept, checksum="0" * 64)


@pytest.mark.parametrize("wrong", [b"", b"telemetry", pickle.dumps([1]), b"telemetry fuel model 1"])
def test_bytes_that_are_no_model_are_refused(wrong: bytes) -> None:
    with pytest.raises(ModelFileError, match="no fuel model"):
        SegmentModel.from_bytes(wrong)


@pytest.mark.parametrize(
    "strange",
    [LinearRegression(), FunctionTransformer(func=eval), {"a": pd.Timestamp}],
    ids=["another model", "a function", "a class"],
)
def test_types_that_no_model_holds_are_refused_unread(
    kept: bytes, strange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was loaded")

    monkeypatch.setattr(skops.io, "loads", never)
    with pytest.raises(ModelFileError, match="which no model of ours does"):
        SegmentModel.from_bytes(forged(kept, skops.io.dumps([[strange], []])))


def test_trees_that_are_no_list_of_boosters_are_refused(kept: bytes) -> None:
    for trees, said in (
        (skops.io.dumps({"a": "b"}), "no list of boosters"),
        (skops.io.dumps([[]]), "do not belong"),
        (b"no archive", "cannot be read"),
    ):
        with pytest.raises(ModelFileError, match=said):
            SegmentModel.from_bytes(forged(kept, trees))


def test_other_columns_and_another_scikit_learn_need_another_model(
    kept: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "SEGMENTS_VERSION", 99)
    with pytest.raises(ModelFileError, match="these are of 99"):
        SegmentModel.from_bytes(kept)
    monkeypatch.undo()
    monkeypatch.setattr(sealed_models, "version", lambda _: "99.0")
    with pytest.raises(ModelFileError, match=r"this is 99\.0"):
        SegmentModel.from_bytes(kept)


def test_the_list_of_types_is_what_a_booster_is_made_of(kept: bytes) -> None:
    _, line, rest = kept.split(b"\n", 2)
    trees = rest[int(line.split()[1]) :]
    assert skops.io.get_untrusted_types(data=trees) == list(sealed_models.TRUSTED)
    assert zipfile.is_zipfile(io.BytesIO(trees))
    found = skops.io.loads(trees, trusted=list(sealed_models.TRUSTED))
    assert all(type(s) is HistGradientBoostingRegressor for level in found for s in level)
