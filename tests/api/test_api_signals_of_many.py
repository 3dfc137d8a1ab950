"""Signals of several vehicles come with no more points than asked for, and their peaks survive."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import csv

from api.signals.of_many import SignalsOfVehicles
from storage.registers import ensure_party, grant_access, register_vehicle
from tests.asking.api_fixture import record, served_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VINS = ("LSGAA11112A000001", "LSGAA11112A000002")
SILENT, UNKNOWN = "LSGAA11112A000003", "LSGAA11112A000009"
START = "2026-10-20T00:00:00"
SECONDS = 6 * 3600
SPAN = {"start": f"{START}Z", "end": "2026-10-20T06:00:00Z"}
PEAK_AT, PEAK = 12_345, 213.5


def drive(seed: int) -> pd.DataFrame:
    """Speed with one peak of a second, and a gear that changes every ten minutes."""
    random = np.random.default_rng(seed)
    speed = np.round(60 + 10 * np.sin(np.arange(SECONDS) / 500) + random.uniform(0, 2, SECONDS), 2)
    speed[PEAK_AT] = PEAK
    speed[100] = np.nan
    index = pd.date_range(START, periods=SECONDS, freq="s", tz="UTC")
    gear = np.arange(SECONDS) // 600 % 12
    return pd.DataFrame({"wheel_speed": speed, "gear_current": gear.astype(float)}, index=index)


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Migrated:
    for seed, vin in enumerate(VINS):
        record(migrated, vin, drive(seed))
    register_vehicle(migrated.connection, SILENT)
    return migrated


@pytest.fixture(scope="module")
def client(world: Migrated) -> Iterator[httpx2.Client]:
    with served_as(world) as client:
        yield client


def asked(client: httpx2.Client, **params: Any) -> SignalsOfVehicles:
    question = {"vins": ",".join(VINS), "names": "wheel_speed,gear_current", **SPAN, **params}
    answer = client.get("/v1/signals", params=question)
    assert answer.status_code == 200, answer.text
    return SignalsOfVehicles.model_validate_json(answer.content)


@pytest.mark.parametrize("points", [4, 10, 500, 5000])
def test_a_series_has_no_more_points_than_asked_for_and_its_peak(
    client: httpx2.Client, points: int
) -> None:
    answer = asked(client, points=points)
    assert answer.method == "rows"
    assert [(one.vin, one.name) for one in answer.series] == [
        (vin, name) for vin in VINS for name in ("wheel_speed", "gear_current")
    ]
    for curve in answer.series:
        assert len(curve.time) == len(curve.values) <= points
        assert curve.time == sorted(set(curve.time))
    speed = answer.series[0]
    assert speed.read == SECONDS - 1
    if points >= 10:
        assert max(speed.values) == PEAK
        at = speed.time[speed.values.index(PEAK)]
        assert at == datetime(
            2026, 10, 20, PEAK_AT // 3600, PEAK_AT % 3600 // 60, PEAK_AT % 60, tzinfo=UTC
        )


def test_points_are_rows_that_were_stored(client: httpx2.Client) -> None:
    curve = asked(client, points=300).series[0]
    stored = drive(0)["wheel_speed"]
    for time, value in zip(curve.time, curve.values, strict=True):
        assert stored[pd.Timestamp(time)] == pytest.approx(value, rel=1e-6)


def test_a_state_is_told_by_where_it_changes(client: httpx2.Client) -> None:
    curve = asked(client, points=100).series[1]
    # 36 stretches of ten minutes, each by both of its ends.
    assert len(curve.time) == 72
    told = pd.Series(curve.values, index=pd.DatetimeIndex(curve.time))
    held = told.reindex(drive(0).index, method="ffill")
    assert (held.to_numpy() == drive(0)["gear_current"].to_numpy()).all()


def test_a_long_span_comes_in_steps_with_its_peaks_beside(client: httpx2.Client) -> None:
    answer = asked(client, start="2026-10-01T00:00:00Z", end="2026-10-31T00:00:00Z", points=1000)
    assert (answer.method, answer.step_s) == ("steps", 2700)
    speed = answer.series[0]
    assert len(speed.time) <= 1000
    assert speed.max is not None
    assert max(speed.max) == PEAK
    assert answer.series[1].max is None


def test_a_vehicle_without_data_has_empty_series(client: httpx2.Client) -> None:
    (curve,) = asked(client, vins=SILENT, names="wheel_speed").series
    assert (curve.time, curve.values, curve.read) == ([], [], 0)


def test_one_vehicle_one_may_not_see_is_named_and_opens_nothing(world: Migrated) -> None:
    party = ensure_party(world.connection, "Workshop", "service_provider")
    grant_access(world.connection, party_id=party, vin=VINS[0], purpose="service")
    params: dict[str, Any] = {"names": "wheel_speed", **SPAN}
    with served_as(world, "Workshop", "service_provider") as client:
        assert len(asked(client, vins=VINS[0]).series) == 2
        texts = set()
        for vin in (VINS[1], UNKNOWN, "no-vin"):
            answer = client.get("/v1/signals", params=params | {"vins": f"{VINS[0]},{vin}"})
            assert answer.status_code == 404
            assert vin in answer.json()["faults"][0]["reason"]
            texts.add(answer.text.replace(vin, "…"))
        assert len(texts) == 1


def test_a_table_has_a_row_a_point(client: httpx2.Client) -> None:
    params: dict[str, Any] = {"vins": ",".join(VINS), "names": "wheel_speed", "points": 50, **SPAN}
    answer = client.get("/v1/signals", params=params, headers={"Accept": "text/csv"})
    table = csv.read_csv(io.BytesIO(answer.content)).to_pandas()
    expected = [
        (curve.vin, value)
        for curve in asked(client, names="wheel_speed", points=50).series
        for value in curve.values
    ]
    assert list(zip(table["vin"], table["value"], strict=True)) == expected


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"vins": ","}, "vins"),
        ({"vins": ",".join(f"LSGAA11112A0000{n:02}" for n in range(21))}, "vins"),
        ({"points": 3}, "points"),
        ({"points": 5001}, "points"),
        ({"names": "wheel_sped"}, "names"),
        ({"end": SPAN["start"]}, "end"),
    ],
)
def test_what_cannot_be_used_is_refused(
    client: httpx2.Client, params: dict[str, Any], field: str
) -> None:
    question = {"vins": VINS[0], "names": "wheel_speed", **SPAN, **params}
    answer = client.get("/v1/signals", params=question)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == field
