"""What a dataset tells of its vehicles: in steps, coarsely, and the same in every format."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from pyarrow import ipc, parquet

from api.accept import Format
from storage.connection import API_ROLE, connect
from tests.asking.command_line import ROOT
from tests.worlds.dataset_world import (
    GRID,
    NORTH,
    Research,
    defined,
    get,
    pages,
    pseudonyms,
    table,
)
from tests.worlds.identity_world import logged

if TYPE_CHECKING:
    import httpx2


PARTS = ("", "/vehicles", "/signals?names=wheel_speed", "/trips", "/events")


def expected(institute: Research, vin: str, step: str) -> pd.DataFrame:
    rows = institute.rows[vin]
    return rows.resample(step, origin="epoch").mean(numeric_only=True).dropna(how="all")


def cell(degrees: pd.Series[float]) -> pd.Series[float]:
    return (degrees // GRID + 0.5) * GRID


def test_signals_are_those_of_the_vehicles_in_steps(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    found = table(
        served_research,
        f"{dataset}/signals",
        institute.header("Institute"),
        names="wheel_speed,brake_switch",
    )
    assert found.schema.field("wheel_speed").metadata[b"unit"] == b"km/h"
    frame = found.to_pandas()
    vehicles = pseudonyms(institute, dataset)
    assert sorted(frame["vehicle"].unique()) == sorted(vehicles)
    for vehicle, rows in frame.groupby("vehicle"):
        wanted = expected(institute, vehicles[str(vehicle)], "60s")
        assert list(rows["time"]) == list(wanted.index)
        np.testing.assert_allclose(rows["wheel_speed"], wanted["wheel_speed"], rtol=1e-6)
        np.testing.assert_allclose(rows["brake_switch"], wanted["brake_switch"], rtol=1e-6)


def test_positions_are_middles_of_cells_and_counters_are_shifted(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    vehicles = pseudonyms(institute, dataset)
    frame = table(
        served_research,
        f"{dataset}/signals",
        institute.header("Institute"),
        names="latitude,longitude,altitude,odometer",
    ).to_pandas()
    for vehicle, rows in frame.groupby("vehicle"):
        wanted = expected(institute, vehicles[str(vehicle)], "60s")
        for name in ("latitude", "longitude"):
            np.testing.assert_allclose(rows[name], cell(wanted[name]), atol=1e-9)
            for end in ("_min", "_max"):
                assert np.allclose((rows[name + end] / GRID) % 1, 0.5, atol=1e-6)
        assert set(rows["altitude"]) <= {0.0, 10.0, 20.0, 30.0, 40.0}
        highest = institute.rows[vehicles[str(vehicle)]]["odometer"].resample("60s").max().dropna()
        shift = rows["odometer"].to_numpy() - highest.to_numpy()
        assert np.ptp(shift) < 1e-6
        assert abs(shift[0]) > 1000  # by chance it is not, once in four million vehicles


def test_a_grid_may_be_coarser_and_is_never_finer_than_the_rule(
    institute: Research, served_research: httpx2.Client
) -> None:
    number = defined(served_research, institute.header("North"), grid_deg=0.1)
    connection = institute.world.database.connection
    for rule, wanted in ((0.01, 0.1), (0.5, 0.5)):
        connection.execute("UPDATE dataset_rule SET finest_grid_deg = %s", (rule,))
        try:
            address = f"/v1/datasets/{number}"
            assert (
                get(served_research, address, institute.header("Institute"))["grid_deg"] == wanted
            )
            frame = table(
                served_research,
                f"{address}/signals",
                institute.header("Institute"),
                names="latitude",
            ).to_pandas()
            assert np.allclose((frame["latitude"] / wanted) % 1, 0.5, atol=1e-6)
        finally:
            connection.execute("UPDATE dataset_rule SET finest_grid_deg = 0.01")


def test_no_question_gets_at_parts_of_a_step(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    header = institute.header("Institute")
    whole = table(served_research, f"{dataset}/signals", header, names="wheel_speed")
    cut = table(
        served_research,
        f"{dataset}/signals",
        header,
        names="wheel_speed",
        start="2026-10-20T01:00:31Z",
        end="2026-10-20T01:20:29.5Z",
    ).to_pandas()
    # The steps that the span touches, each whole: the same values as ever.
    merged = cut.merge(whole.to_pandas(), on=["vehicle", "time"], suffixes=("", "_whole"))
    assert len(merged) == len(cut) > 0
    assert (merged["wheel_speed"] == merged["wheel_speed_whole"]).all()
    for step, status in ((30, 422), (90, 422), (7, 422), (120, 200), (86400, 200)):
        answer = served_research.get(
            f"{dataset}/signals", params={"names": "wheel_speed", "step": step}, headers=header
        )
        assert answer.status_code == status, step


def test_the_database_itself_tells_nothing_finer(institute: Research, dataset: str) -> None:
    number = int(dataset.rsplit("/", 1)[1])
    vehicle = min(pseudonyms(institute, dataset))
    span = ("2026-10-20T01:00:31Z", "2026-10-20T01:02:29Z")

    def asked(party: str, names: list[str], step: int | None) -> list[tuple[Any, ...]]:
        with connect(institute.world.database.dsn, role=API_ROLE) as connection:
            return connection.execute(
                "SELECT time, values FROM served.dataset_signals(%s, %s, %s, %s, %s, %s, %s, 99)",
                (institute.parties[party], number, vehicle, names, *span, step),
            ).fetchall()

    # Of a span that cuts two minutes, the one between them.
    ((time, (latitude,)),) = asked("Institute", ["latitude"], 60)
    assert (time.minute, time.second) == (1, 0)
    assert (latitude / GRID) % 1 == pytest.approx(0.5)
    for names, step in ((["latitude"], 30), (["latitude"], None), (["latitude"], 90)):
        with pytest.raises(psycopg.errors.CheckViolation):
            asked("Institute", names, step)
    for names in (["engine_speed"], ["heading"]):
        with pytest.raises(psycopg.errors.CheckViolation):
            asked("Institute", names, 60)
    for party in ("Lab", "Maker", "South"):
        with pytest.raises(psycopg.errors.NoDataFound):
            asked(party, ["latitude"], 60)


def test_pages_and_tables_tell_the_same(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    header = institute.header("Institute")
    whole = table(served_research, f"{dataset}/signals", header, names="wheel_speed").to_pandas()
    told: list[tuple[Any, ...]] = []
    for page in pages(served_research, f"{dataset}/signals", header, names="wheel_speed", limit=37):
        assert sum(len(one["time"]) for one in page["vehicles"]) <= 37
        for one in page["vehicles"]:
            values = one["signals"][0]["values"]
            told += [(one["vehicle"], *row) for row in zip(one["time"], values, strict=True)]
    assert [row[0] for row in told] == list(whole["vehicle"])
    assert list(pd.to_datetime([row[1] for row in told])) == list(whole["time"])
    np.testing.assert_allclose([row[2] for row in told], whole["wheel_speed"], rtol=1e-6)
    body = served_research.get(
        f"{dataset}/signals",
        params={"names": "wheel_speed"},
        headers={**header, "Accept": Format.PARQUET},
    ).content
    assert parquet.read_table(io.BytesIO(body)).num_rows == len(whole)
    text = served_research.get(
        f"{dataset}/signals",
        params={"names": "wheel_speed"},
        headers={**header, "Accept": Format.CSV},
    ).text
    assert len(pd.read_csv(io.StringIO(text))) == len(whole)
    one = served_research.get(
        f"{dataset}/signals",
        params={"names": "wheel_speed", "limit": 5},
        headers={**header, "Accept": Format.ARROW},
    )
    assert ipc.open_stream(one.content).read_all().num_rows == 5
    assert 'rel="next"' in one.headers["link"]


def test_the_document_s_code_loads_a_dataset(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    (code,) = re.findall(
        r"```python\n(.*?)```",
        (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    for written, here in (
        ("import httpx\n", "import httpx2 as httpx\n"),
        ("https://telemetry.example", str(served_research.base_url)),
        ("vtk_…", institute.header("Institute")["X-API-Key"]),
        ("/v1/datasets/12", dataset),
        ("date(2026, 9, 1)", "date(2026, 10, 19)"),
        ("date(2026, 9, 7)", "date(2026, 10, 22)"),
    ):
        assert written in code
        code = code.replace(written, here)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own document
    names["API"].close()
    assert len(names["vehicles"]) == len(names["driven"]) == len(NORTH)
    assert len(names["trips"]) == 12
    for vehicle, vin in pseudonyms(institute, dataset).items():
        way = institute.rows[vin]["odometer"].resample("60s").max()
        assert names["driven"][vehicle] == pytest.approx(way.max() - way.min(), abs=1e-6)


def test_some_vehicles_may_be_asked_for(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    header = institute.header("Institute")
    some = sorted(pseudonyms(institute, dataset))[1:3]
    frame = table(
        served_research, f"{dataset}/signals", header, names="wheel_speed", vehicles=",".join(some)
    ).to_pandas()
    assert sorted(frame["vehicle"].unique()) == some
    other = sorted(
        pseudonyms(
            institute,
            f"/v1/datasets/{defined(served_research, institute.header('North'), party='Lab')}",
        )
    )
    for foreign in (other[0], NORTH[0], "x"):
        answer = served_research.get(
            f"{dataset}/signals",
            params={"names": "wheel_speed", "vehicles": f"{some[0]},{foreign}"},
            headers=header,
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_in_dataset")


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"names": "engine_speed"}, 422, "unknown_signal"),
        ({"names": "wheel_sped"}, 422, "unknown_signal"),
        ({"names": "wheel_speed", "cursor": "bjE3"}, 422, "invalid_parameter"),
        ({"names": "wheel_speed", "cursor": "%00"}, 422, "invalid_parameter"),
        ({"names": "wheel_speed", "vehicles": ","}, 422, "invalid_parameter"),
        ({"names": "wheel_speed", "vin": NORTH[0]}, 422, "invalid_parameter"),
        ({"names": "wheel_speed", "end": "2026-10-20T00:00:00Z"}, 422, "invalid_parameter"),
        ({"names": "wheel_speed", "limit": 20_001}, 422, "invalid_parameter"),
        ({}, 422, "invalid_parameter"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    institute: Research,
    served_research: httpx2.Client,
    dataset: str,
    params: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = served_research.get(
        f"{dataset}/signals", params=params, headers=institute.header("Institute")
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_table_of_too_many_rows_is_refused_with_what_fits(
    institute: Research, served_research: httpx2.Client
) -> None:
    span = {"data_from": "2006-10-20T00:00:00Z", "data_until": "2096-10-20T00:00:00Z"}
    number = defined(served_research, institute.header("North"), resolution_s=60, **span)
    answer = served_research.get(
        f"/v1/datasets/{number}/signals",
        params={"names": "wheel_speed", "step": 480},
        headers={**institute.header("Institute"), "Accept": Format.ARROW},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "span_too_long")


def test_trips_and_events_are_coarse_and_nobody_s(
    institute: Research, served_research: httpx2.Client, dataset: str
) -> None:
    header = institute.header("Institute")
    trips = [
        trip
        for page in pages(served_research, f"{dataset}/trips", header, limit=5)
        for trip in page["trips"]
    ]
    assert len(trips) == 12
    assert [trip["vehicle"] for trip in trips] == sorted(2 * list(pseudonyms(institute, dataset)))
    first = trips[0]
    assert (first["start"], first["end"]) == ("2026-10-20T01:00:00Z", "2026-10-20T01:20:00Z")
    assert (first["distance_km"], first["fuel_l"], first["duration_s"]) == (20.5, 6.7, 1200)
    place = [
        first[f"{end}_{axis}"] for end in ("start", "end") for axis in ("latitude", "longitude")
    ]
    assert place == [31.235, 121.475, 31.305, -0.005]
    assert "driver_id" not in first
    events = [
        event
        for page in pages(served_research, f"{dataset}/events", header, limit=4)
        for event in page["events"]
    ]
    assert len(events) == 6
    assert events[0]["start"] == "2026-10-20T01:00:00Z"
    assert events[0]["trip_start"] == first["start"]
    assert (events[0]["latitude"], events[0]["speed_kmh"]) == (31.255, 63.0)
    assert table(served_research, f"{dataset}/trips", header).num_rows == 12
    none = get(served_research, f"{dataset}/events", header, kind="idling,harsh_cornering")
    assert none["events"] == []
    # A span that begins within a step holds what began in that step: its end is not to be felt for.
    late = {"start": "2026-10-20T01:00:59Z", "end": "2026-10-20T01:01:00Z"}
    assert len(get(served_research, f"{dataset}/trips", header, **late)["trips"]) == 6


def test_trips_and_events_are_told_where_they_are_in_it(
    institute: Research, served_research: httpx2.Client
) -> None:
    number = defined(served_research, institute.header("North"), trips=False, events=False)
    for part in ("trips", "events"):
        answer = served_research.get(
            f"/v1/datasets/{number}/{part}", headers=institute.header("Institute")
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_in_dataset")


def test_a_former_owner_s_dataset_has_what_was_recorded_while_it_owned(
    institute: Research, served_research: httpx2.Client
) -> None:
    connection = institute.world.database.connection
    number = defined(served_research, institute.header("North"))
    sold = institute.vehicle_ids[NORTH[5]]
    connection.execute(
        "UPDATE vehicle_access SET data = '(,2026-10-20 01:10:30+00)'"
        " WHERE vehicle_id = %s AND party_id = %s",
        (sold, institute.parties["North"]),
    )
    try:
        address = f"/v1/datasets/{number}"
        vehicle = {vin: name for name, vin in pseudonyms(institute, address).items()}[NORTH[5]]
        header = institute.header("Institute")
        frame = table(
            served_research, f"{address}/signals", header, names="wheel_speed", vehicles=vehicle
        ).to_pandas()
        # The step in which it was sold is cut, and so not told.
        assert frame["time"].max() == pd.Timestamp("2026-10-20T01:09:00Z")
        trips = get(served_research, f"{address}/trips", header)["trips"]
        assert vehicle not in {trip["vehicle"] for trip in trips}
    finally:
        connection.execute(
            "UPDATE vehicle_access SET data = '(,)' WHERE vehicle_id = %s AND party_id = %s",
            (sold, institute.parties["North"]),
        )


def test_every_read_is_written_down_with_dataset_and_purpose(
    institute: Research, served_research: httpx2.Client
) -> None:
    number = defined(served_research, institute.header("North"), purpose="tyre wear")
    header = institute.header("Institute")
    for part in PARTS:
        assert (
            served_research.get(f"/v1/datasets/{number}{part}", headers=header).status_code == 200
        )
    said = {**header, "X-Purpose": "a second look"}
    assert served_research.get(f"/v1/datasets/{number}", headers=said).status_code == 200
    foreign = served_research.get(f"/v1/datasets/{number}", headers=institute.header("Lab"))
    assert foreign.status_code == 404
    logged(institute.world, 8, f"dataset_id = {number}")
    rows = institute.world.database.connection.execute(
        "SELECT role, route, purpose, status FROM access_log WHERE dataset_id = %s"
        " AND role = 'data_scientist'",
        (number,),
    ).fetchall()
    routes = {route.removeprefix("/v1/datasets/{dataset_id}") for _, route, _, _ in rows}
    assert routes == {"", "/vehicles", "/signals", "/trips", "/events"}
    assert {purpose for *_, purpose, status in rows if status == 200} == {
        "tyre wear",
        "a second look",
    }
    assert [purpose for *_, purpose, status in rows if status == 404] == [None]
    span = {"start": "2026-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}
    told = get(
        served_research, "/v1/audit", institute.header("Authority"), dataset_id=number, **span
    )["reads"]
    assert {read["dataset_id"] for read in told} == {number}
    assert "tyre wear" in {read["purpose"] for read in told}
