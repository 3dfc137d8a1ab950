"""Signals over HTTP are what was written, whatever the step, the page and the relation behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from api.signals.of_vehicle import Signals
from storage import rollups
from tests.asking.api_fixture import Recorded, as_frame, drive, every_page, record, served_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

VIN = "LSGAA11112A000001"
NAMES = [
    "wheel_speed",
    "latitude",
    "brake_switch",
    "gear_current",
    "odometer",
    "oil_pressure",
    "engine_hours",
]
START = "2026-11-01T22:30:00Z"
SECONDS = 3 * 3600  # over midnight UTC: two partitions, two vehicle-days
END = "2026-11-02T01:30:00Z"
DIGITS = 6e-8  # a float32 is told with the fewest digits that tell it from its neighbours: 2**-24
ROLLUP_TOLERANCE = 1e-6  # rollups keep the mean of a real as a real: 24 bits, 6e-8


@pytest.fixture(scope="module")
def written(migrated: Migrated) -> Recorded:
    return record(migrated, VIN, drive(START.removesuffix("Z"), SECONDS))


@pytest.fixture(scope="module")
def client(migrated: Migrated) -> Iterator[httpx2.Client]:
    with served_as(migrated) as client:
        yield client


def ask(client: httpx2.Client, **params: Any) -> list[dict[str, Any]]:
    asked = {"names": ",".join(NAMES), "start": START, "end": END, **params}
    return every_page(client, f"/v1/vehicles/{VIN}/signals", asked)


def bucketed(signals: pd.DataFrame, step_s: int) -> dict[str, pd.DataFrame]:
    """What a step must answer, by pandas."""
    groups = signals.resample(f"{step_s}s", origin="epoch")
    values = pd.DataFrame(
        {
            "wheel_speed": groups["wheel_speed"].mean(),
            "latitude": groups["latitude"].mean(),
            "brake_switch": groups["brake_switch"].mean(),
            "gear_current": groups["gear_current"].last(),
            "odometer": groups["odometer"].max(),
            "oil_pressure": groups["oil_pressure"].mean(),
            "engine_hours": groups["engine_hours"].max(),
        }
    )
    samples = ["wheel_speed", "latitude", "oil_pressure"]
    seen = values.notna().any(axis=1)
    return {
        "values": values[seen],
        "min": groups[samples].min()[seen],
        "max": groups[samples].max()[seen],
    }


def assert_equal(got: pd.DataFrame, expected: pd.DataFrame, tolerance: float = 0) -> None:
    pd.testing.assert_frame_equal(
        got[list(expected.columns)],
        expected,
        rtol=tolerance,
        atol=0,
        check_freq=False,
        check_names=False,
        check_index_type=False,
    )


def test_without_a_step_every_row_comes_back_as_it_was_written(
    client: httpx2.Client, written: Recorded
) -> None:
    answers = ask(client, limit=20_000)
    assert len(answers) == 1
    assert answers[0]["step_s"] is None
    assert all("min" not in one for one in answers[0]["signals"])
    got = as_frame(answers)
    assert_equal(got, written.signals, DIGITS)
    assert (
        got["wheel_speed"]
        .astype(np.float32)
        .equals(written.signals["wheel_speed"].astype(np.float32))
    )
    doubles = ["latitude", "odometer", "engine_hours"]
    assert_equal(got, written.signals[doubles])


@pytest.mark.parametrize("step_s", [1, 10, 60, 900, 3600, 86400])
def test_a_step_sums_up_each_kind_by_its_rule(
    client: httpx2.Client, written: Recorded, step_s: int
) -> None:
    answers = ask(client, step=step_s, limit=20_000)
    for column, expected in bucketed(written.signals, step_s).items():
        # Means add up in another order than pandas': the last bits of a double, then as a float32.
        assert_equal(as_frame(answers, column), expected, 1e-7)


def test_pages_of_rows_hold_every_row_once(client: httpx2.Client, written: Recorded) -> None:
    answers = ask(client, limit=997)  # a prime: no page ends with the data
    assert len(answers) == -(-len(written.signals) // 997)
    assert_equal(as_frame(answers), written.signals, DIGITS)


@pytest.mark.parametrize(("step_s", "limit"), [(10, 7), (60, 13), (3600, 1)])
def test_pages_of_steps_hold_every_step_once(
    client: httpx2.Client, written: Recorded, step_s: int, limit: int
) -> None:
    expected = bucketed(written.signals, step_s)["values"]
    answers = ask(client, step=step_s, limit=limit)
    assert len(answers) == -(-len(expected) // limit)
    assert_equal(as_frame(answers), expected, 1e-7)


def test_the_span_is_widened_to_whole_steps_and_says_so(
    client: httpx2.Client, written: Recorded
) -> None:
    start, end = "2026-11-01T23:00:17Z", "2026-11-01T23:02:01Z"
    (answer,) = ask(client, start=start, end=end, step=60)
    assert (answer["start"], answer["end"]) == ("2026-11-01T23:00:00Z", "2026-11-01T23:03:00Z")
    whole = written.signals["2026-11-01T23:00:00Z":"2026-11-01T23:02:59Z"]
    assert_equal(as_frame([answer]), bucketed(whole, 60)["values"], 1e-7)


@pytest.mark.usefixtures("written")
def test_the_end_is_not_included(client: httpx2.Client) -> None:
    (answer,) = ask(client, start="2026-11-01T22:30:05Z", end="2026-11-01T22:30:08Z")
    assert [time[-3:] for time in answer["time"]] == ["05Z", "06Z", "07Z"]


@pytest.mark.usefixtures("written")
def test_an_offset_of_a_time_zone_means_the_same_moment(client: httpx2.Client) -> None:
    (utc,) = ask(client, start="2026-11-01T22:30:00Z", end="2026-11-01T22:31:00Z")
    (beijing,) = ask(client, start="2026-11-02T06:30:00+08:00", end="2026-11-02T06:31:00+08:00")
    assert utc == beijing


@pytest.mark.usefixtures("written")
def test_a_path_asks_for_the_same_signal_as_its_name(client: httpx2.Client) -> None:
    (by_name,) = ask(client, names="wheel_speed", step=60)
    (by_path,) = ask(client, names="Vehicle.Speed", step=60)
    assert by_name == by_path


@pytest.mark.usefixtures("written")
def test_a_signal_asked_for_twice_is_answered_once(client: httpx2.Client) -> None:
    (answer,) = ask(client, names="wheel_speed,Vehicle.Speed", step=3600)
    assert [one["name"] for one in answer["signals"]] == ["wheel_speed"]


@pytest.mark.usefixtures("written")
def test_a_span_without_data_is_an_empty_answer(client: httpx2.Client) -> None:
    for step in ({}, {"step": 60}):
        (answer,) = ask(client, start="2026-10-01T00:00:00Z", end="2026-10-02T00:00:00Z", **step)
        assert answer["time"] == []
        assert all(one["values"] == [] for one in answer["signals"])
        assert answer["next"] is None


@pytest.mark.usefixtures("written")
def test_answers_keep_the_promise_of_the_schema(client: httpx2.Client) -> None:
    for step in ({}, {"step": 60}):
        (answer,) = ask(client, limit=20_000, **step)
        told = Signals.model_validate(answer)
        assert all(len(one.values) == len(told.time) for one in told.signals)
        assert {one.name: one.unit for one in told.signals}["oil_pressure"] == "kPa"


def test_times_finer_than_a_second_are_kept(migrated: Migrated, client: httpx2.Client) -> None:
    times = pd.DatetimeIndex(["2026-11-05T00:00:00.000001", "2026-11-05T00:00:00.25"], tz="UTC")
    fine = record(
        migrated, "LSGAA11112A000002", pd.DataFrame({"wheel_speed": [1.0, 2.0]}, index=times)
    )
    address = f"/v1/vehicles/{fine.vin}/signals"
    params = {
        "names": "wheel_speed",
        "start": "2026-11-05T00:00:00Z",
        "end": "2026-11-05T00:00:01Z",
        "limit": 1,
    }
    assert_equal(as_frame(every_page(client, address, params)), fine.signals)


def test_rollups_answer_what_the_rows_do(migrated: Migrated, client: httpx2.Client) -> None:
    vin = "LSGAA11112A000003"
    whole_day = drive("2026-10-20T00:00:00", 86_400, seed=3)
    vehicle = record(migrated, vin, whole_day)
    address = f"/v1/vehicles/{vin}/signals"

    def ask_all() -> list[pd.DataFrame]:
        # From within a day to within another: both are read from rows, the day between is not.
        span = {"start": "2026-10-19T12:00:00Z", "end": "2026-10-21T12:00:00Z"}
        return [
            as_frame(
                every_page(
                    client,
                    address,
                    {"names": ",".join(NAMES), "step": step, "limit": 500, **span},
                ),
                column,
            )
            for step in (60, 900, 3600, 86_400)
            for column in ("values", "min", "max")
        ]

    def rolled_up() -> bool:
        row = migrated.connection.execute(
            "SELECT bool_and(rolled_up = touched) FROM touched_day WHERE vehicle_id = %s",
            (vehicle.vehicle_id,),
        ).fetchone()
        return row == (True,)

    assert not rolled_up()
    from_rows = ask_all()
    rollups.refresh(migrated.connection, migrated.server, migrated.catalogue)
    assert rolled_up()
    for got, expected in zip(ask_all(), from_rows, strict=True):
        assert_equal(got, expected, ROLLUP_TOLERANCE)

    # Late data: the day is read from its rows again, until it is summed up again.
    late = pd.DataFrame(
        {"wheel_speed": [250.0]},
        index=pd.DatetimeIndex(["2026-10-20T08:00:00.5"], tz="UTC"),
    )
    record(migrated, vin, late)
    assert not rolled_up()
    with_late = ask_all()
    highest = with_late[2]  # the first step's "max"
    assert highest.loc["2026-10-20T08:00:00Z", "wheel_speed"] == 250.0
    rollups.refresh(migrated.connection, migrated.server, migrated.catalogue)
    for got, expected in zip(ask_all(), with_late, strict=True):
        assert_equal(got, expected, ROLLUP_TOLERANCE)


def test_rolled_up_days_are_read_from_rollups(migrated: Migrated, client: httpx2.Client) -> None:
    # The proof that the test above compares two ways: spoil the rollup, and the answer is spoilt.
    vin = "LSGAA11112A000004"
    record(migrated, vin, drive("2026-10-25T00:00:00", 7200, seed=4))
    rollups.refresh(migrated.connection, migrated.server, migrated.catalogue)
    if migrated.server.timescaledb is not None:
        pytest.skip("a continuous aggregate cannot be spoilt")
    migrated.connection.execute(
        "UPDATE signal_motion_1m SET wheel_speed_max = 249"
        " WHERE vehicle_id = (SELECT vehicle_id FROM vehicle WHERE vin = %s)",
        (vin,),
    )
    params: dict[str, str | int] = {"names": "wheel_speed", "step": 60}
    params |= {"start": "2026-10-25T00:00:00Z", "end": "2026-10-26T00:00:00Z"}
    answer = client.get(f"/v1/vehicles/{vin}/signals", params=params).json()
    assert set(answer["signals"][0]["max"]) <= {249.0, None}


def test_what_was_stored_as_a_float32_is_told_with_its_own_digits(
    migrated: Migrated, client: httpx2.Client
) -> None:
    vin = "LSGAA11112A000005"
    index = pd.DatetimeIndex(["2026-11-05T00:00:00"], tz="UTC")
    record(migrated, vin, pd.DataFrame({"wheel_speed": [np.float64(80.2)]}, index=index))
    params = {"names": "wheel_speed"}
    params |= {"start": "2026-11-05T00:00:00Z", "end": "2026-11-05T00:01:00Z"}
    answer = client.get(f"/v1/vehicles/{vin}/signals", params=params)
    assert '"values":[80.2]' in answer.text  # and not 80.19999694824219
