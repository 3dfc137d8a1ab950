"""A state that is written from arrays says what its model would say of the same values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from api.signals.values import told
from api.vehicles.activity import Activity
from api.vehicles.state import VehicleState
from api.vehicles.state_text import StateWriter, tag
from schemas import catalogue
from storage.answers import GroupNow, TroubleCode, VehicleNow

CATALOGUE = catalogue.default()
WRITER = StateWriter(CATALOGUE)
NOW = datetime(2026, 11, 26, 12, 0, 0, 250_000, tzinfo=UTC)
VIN = "LSGAA11112A000001"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CODE = TroubleCode(
    spn=3251,
    fmi=16,
    source_address=0,
    lamp="AMBER_WARNING",
    count=None,
    since=NOW - timedelta(minutes=3),
)


def known(seed: int, *, micros: int = 0, extra: int = 0) -> VehicleNow:
    """Values of all groups but one, a third of them absent; and of signals of the future."""
    random = np.random.default_rng(seed)
    groups: dict[str, GroupNow] = {}
    for group in list(CATALOGUE.groups.values())[:-1]:
        span = [(max(one.minimum, -1e4), min(one.maximum, 1e4)) for one in group.signals]
        values = np.array(
            [
                float(np.float32(random.uniform(*limits)))
                if one.type in {"real", "double"}
                else float(round(random.uniform(*limits)))
                for one, limits in zip(group.signals, span, strict=True)
            ]
        )
        values[random.uniform(size=len(values)) < 0.33] = np.nan
        seconds = random.integers(1_790_000_000, 1_795_000_000, len(values))
        times_us = seconds * 1_000_000 + micros * random.integers(0, 2, len(values))
        groups[group.name] = GroupNow(
            values=np.r_[values, np.full(extra, 7.0)],
            times_us=np.r_[times_us, np.full(extra, int(seconds[0]) * 1_000_000)],
        )
    return VehicleNow(model='J6P "6×4"', last_seen=NOW, trouble_codes=[CODE], groups=groups)


def written(of: VehicleNow) -> VehicleState:
    laid = WRITER.laid_out(of)
    doing = WRITER.activity(laid, of, NOW)
    return VehicleState.model_validate_json(WRITER.written(VIN, of, laid, doing, NOW))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("micros", [0, 123_456])
@pytest.mark.parametrize("extra", [0, 2])
def test_every_value_is_told_as_its_model_tells_it(seed: int, micros: int, extra: int) -> None:
    of = known(seed, micros=micros, extra=extra)
    state = written(of)
    assert (state.vin, state.model, state.answered_at) == (VIN, 'J6P "6×4"', NOW)
    by_group = {group.group: group.signals for group in state.groups}
    assert list(by_group) == [name for name in CATALOGUE.groups if name in of.groups]
    for name, found in of.groups.items():
        expected = [
            (
                signal.name,
                told(signal, float(value)),
                signal.unit,
                signal.path,
                EPOCH + timedelta(microseconds=int(time_us)),
            )
            for signal, value, time_us in zip(
                CATALOGUE.groups[name].signals, found.values, found.times_us, strict=False
            )
            if not np.isnan(value)
        ]
        got = [(one.signal, one.value, one.unit, one.path, one.time) for one in by_group[name]]
        assert got == expected
        assert [type(one[1]) for one in got] == [type(one[1]) for one in expected]
        for one in by_group[name]:
            assert one.age_s == pytest.approx((NOW - one.time).total_seconds(), abs=0.051)
    (code,) = state.trouble_codes
    assert (code.spn, code.count, code.since) == (3251, None, CODE.since)


def test_a_vehicle_of_which_nothing_is_known_has_an_empty_state() -> None:
    nothing = np.full(3, np.nan)
    silent = GroupNow(values=nothing, times_us=np.zeros(3, dtype=np.int64))
    for groups in ({}, {"location": silent}):
        of = VehicleNow(model=None, last_seen=None, trouble_codes=[], groups=groups)
        state = written(of)
        assert (state.groups, state.trouble_codes, state.last_seen) == ([], [], None)
        assert state.activity is Activity.SILENT


def test_a_tag_changes_with_what_is_known_and_with_nothing_else() -> None:
    of = known(1)
    tags = set()
    for one in (of, known(1)):
        tags.add(tag(one, WRITER.laid_out(one), Activity.MOVING))
    assert len(tags) == 1
    others = [known(2), known(1, micros=1)]
    tags |= {tag(one, WRITER.laid_out(one), Activity.MOVING) for one in others}
    tags.add(tag(of, WRITER.laid_out(of), Activity.PARKED))
    assert len(tags) == 4
