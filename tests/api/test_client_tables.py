"""What the client tells is what the API tells, number by number, whole, in pages and in pieces."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from api.rfms import positions, statuses, vehicles
from storage.batch import Batch, ReportRow
from telemetry_client import NotFoundError, queries
from telemetry_client.frames import joined
from telemetry_client.queries import of_signals
from tests.asking.api_fixture import as_frame, drive, every_page, record, served_as
from tests.asking.client_fixture import EVERY_KIND, KINDS, opened
from tests.asking.patience import wait_until
from tests.servers.database_fixture import open_writer
from tests.worlds.behaviour_world import NOW, SPAN, A, B, C, World, fill, grants
from tests.worlds.served_fuel_world import fill_fuel
from tests.worlds.webhook_world import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

    from telemetry_client import Client
    from telemetry_client.questions import Paged
    from tests.servers.database_fixture import Migrated

WEEK = "2026-W44"
BOTH = (SPAN["start"], SPAN["end"])
DRIVEN = "2026-11-03T00:00:00"
HOUR = ("2026-11-03T00:00:00Z", "2026-11-03T01:00:00Z")
NAMES = "wheel_speed,latitude,brake_switch,gear_current,odometer,oil_pressure"


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Iterator[World]:
    record(migrated, A, drive(DRIVEN, 3600).assign(longitude=121.5))
    # A minute eight days later: a span with it is longer than the API takes row by row.
    record(migrated, A, drive("2026-11-11T12:00:00", 60))
    numbers = fill(migrated)
    grants(migrated)
    numbers |= fill_fuel(migrated, numbers)
    with (
        served_as(migrated, "Maker") as maker,
        served_as(migrated, "Owner", "owner", **LOCAL) as owner,
    ):
        yield World(numbers=numbers, clients={"Maker": maker, "Owner": owner})


@pytest.fixture(scope="module")
def http(world: World) -> httpx2.Client:
    return world.clients["Maker"]


@pytest.fixture(scope="module")
def clients(http: httpx2.Client) -> Iterator[dict[str, Client]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(opened(kind, str(http.base_url))) for kind in KINDS}


@pytest.fixture
def kind() -> str:
    """Which client is asked where it is not both: how they ask is tested of each elsewhere."""
    return "blocking"


@pytest.fixture
def client(kind: str, clients: dict[str, Client]) -> Client:
    return clients[kind]


def told(row: Any, column: str) -> Any:
    """What JSON says of a column: a field, or a field's field."""
    if row is None:
        return None
    if column in row:
        return row[column]
    for name, value in row.items():
        if column.startswith(f"{name}_") and isinstance(value, dict | None):
            return told(value, column.removeprefix(f"{name}_"))
    raise AssertionError(f"{column} is not in {list(row)}")


def columns_in(row: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for name, value in row.items():
        inside = isinstance(value, dict)
        found |= columns_in(value, f"{prefix}{name}_") if inside else {prefix + name}
    return found


def assert_told(
    frame: pd.DataFrame, rows: list[dict[str, Any]], answer: dict[str, Any] | None = None
) -> None:
    """A table has the rows of JSON, in their order, and all that they and their answer say."""
    assert len(frame) == len(rows) > 0
    assert "units" in frame.attrs
    table = frame.reset_index() if frame.index.name else frame
    for name in table.columns:
        for got, row in zip(table[name], rows, strict=True):
            expected = told({**(answer or {}), **row}, str(name))
            if isinstance(got, list):
                assert got == expected, name
            elif expected is None:
                assert pd.isna(got), name
            elif isinstance(got, pd.Timestamp):
                assert got.tzinfo is not None
                assert got == pd.Timestamp(expected), name
            else:
                assert got == expected, name
    for row in rows:
        absent = {name for name in columns_in(row) - set(table.columns) if told(row, name) is None}
        assert columns_in(row) - set(table.columns) <= absent


TABLES: dict[str, tuple[str, dict[str, Any], str, Callable[[World], Any]]] = {
    "vehicles": ("/v1/vehicles", {}, "vehicles", lambda _: queries.vehicles()),
    "vehicles near": (
        "/v1/vehicles",
        {"near": "31.2,121.5", "radius": 500_000},
        "vehicles",
        lambda _: queries.vehicles(near=(31.2, 121.5), radius_m=500_000),
    ),
    "trips": ("/v1/vehicles/{A}/trips", SPAN, "trips", lambda _: queries.trips(A, *BOTH)),
    "events": (
        "/v1/vehicles/{A}/events",
        SPAN | {"kind": "harsh_braking,idling", "order": "newest_first"},
        "events",
        lambda _: queries.events(A, *BOTH, kind=["harsh_braking", "idling"], order="newest_first"),
    ),
    "scores": ("/v1/vehicles/{A}/scores", SPAN, "scores", lambda _: queries.scores(A, *BOTH)),
    "fuel": (
        "/v1/vehicles/{A}/fuel",
        SPAN | {"by": "part"},
        "periods",
        lambda _: queries.fuel(A, *BOTH, by="part"),
    ),
    "tank events": (
        "/v1/vehicles/{A}/tank-events",
        SPAN,
        "events",
        lambda _: queries.tank_events(A, *BOTH),
    ),
    "vehicle advice": (
        "/v1/vehicles/{A}/advice",
        SPAN,
        "advice",
        lambda _: queries.vehicle_advice(A, *BOTH),
    ),
    "drivers": ("/v1/drivers", {}, "drivers", lambda _: queries.drivers()),
    "driver trips": (
        "/v1/drivers/{wang}/trips",
        SPAN,
        "trips",
        lambda world: queries.driver_trips(world.numbers["wang"], *BOTH),
    ),
    "driver events": (
        "/v1/drivers/{wang}/events",
        SPAN,
        "events",
        lambda world: queries.driver_events(world.numbers["wang"], *BOTH),
    ),
    "driver scores": (
        "/v1/drivers/{wang}/scores",
        SPAN,
        "scores",
        lambda world: queries.driver_scores(world.numbers["wang"], *BOTH),
    ),
    "driver fuel": (
        "/v1/drivers/{wang}/fuel",
        SPAN,
        "periods",
        lambda world: queries.driver_fuel(world.numbers["wang"], *BOTH),
    ),
    "driver advice": (
        "/v1/drivers/{wang}/advice",
        SPAN,
        "advice",
        lambda world: queries.driver_advice(world.numbers["wang"], *BOTH),
    ),
    "fleets": ("/v1/fleets", {}, "fleets", lambda _: queries.fleets()),
    "ranking": (
        "/v1/fleets/{fleet}/ranking",
        {"week": WEEK, "of": "vehicles"},
        "places",
        lambda world: queries.ranking(world.numbers["fleet"], WEEK, of="vehicles"),
    ),
    "fleet fuel": (
        "/v1/fleets/{fleet}/fuel",
        SPAN | {"of": "drivers"},
        "rows",
        lambda world: queries.fleet_fuel(world.numbers["fleet"], *BOTH, of="drivers"),
    ),
    "fleet advice": (
        "/v1/fleets/{fleet}/advice",
        {"week": WEEK},
        "advice",
        lambda world: queries.fleet_advice(world.numbers["fleet"], WEEK),
    ),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_what_json_has_and_so_have_its_pages(
    world: World, http: httpx2.Client, clients: dict[str, Client], table: str
) -> None:
    path, params, key, query = TABLES[table]
    answers = every_page(http, path.format(A=A, **world.numbers), params)
    rows = [row for answer in answers for row in answer[key]]
    # What is asked is the same in both; one tells all of it, the other its pages.
    whole = clients["blocking"].ask(query(world))
    assert_told(whole, rows, answers[0])
    if whole.index.name in {"start", "time"}:
        assert str(whole.index.dtype) == "datetime64[us, UTC]"
    paged: Paged = query(world)
    pages = list(clients["asynchronous"].pages(paged, rows=2))
    assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
    pd.testing.assert_frame_equal(joined(pages), whole)


def test_the_catalogue_is_a_table_by_name(http: httpx2.Client, client: Client) -> None:
    frame = client.catalogue(search="brake")
    answer = http.get("/v1/catalogue", params={"search": "brake"}).json()
    assert_told(frame, answer["signals"])
    assert (frame.index.name, frame.attrs["version"]) == ("name", answer["version"])


def test_columns_have_units_by_their_names_or_by_the_unit_beside_them(client: Client) -> None:
    assert client.vehicles().attrs["units"] == {
        "speed_value": "km/h",
        "odometer_value": "km",
        "position_latitude": "deg",
        "position_longitude": "deg",
        "distance_m": "m",
    }
    units = client.fuel(A, *BOTH).attrs["units"]
    for column, unit in {
        "distance_km": "km",
        "fuel_l": "L",
        "l_per_100km": "L/100km",
        "l_per_100tkm": "L/(100 t·km)",
        "mass_t_km": "t·km",
        "idle_s": "s",
        "ascent_m": "m",
        "co2_kg": "kg",
        "disagreement_percent": "%",
        "expected_low_l": "L",
    }.items():
        assert units.pop(column) == unit
    assert not {"parts", "stops", "cost", "currency", "expected_ratio", "vin"} & set(units)


def test_a_limit_is_one_of_rows_not_of_pages(client: Client) -> None:
    whole = client.events(A, *BOTH)
    for limit in (1, 3, len(whole), len(whole) + 1):
        found = client.events(A, *BOTH, limit=limit)
        pd.testing.assert_frame_equal(found, whole.head(limit))
        assert found.attrs == whole.attrs


def test_a_table_without_rows_has_its_columns_and_types(client: Client) -> None:
    past = ("2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z")
    for ask in (client.trips, client.events, client.fuel, client.tank_events):
        none, some = ask(A, *past), ask(A, *BOTH)
        assert none.empty
        assert list(none.columns) == list(some.columns)
        assert none.dtypes.to_dict() == some.dtypes.to_dict()
        assert none.index.dtype == some.index.dtype


def test_what_is_said_of_all_rows_is_in_attrs(
    world: World, http: httpx2.Client, client: Client
) -> None:
    fleet = world.numbers["fleet"]
    frame = client.fleet_fuel(fleet, *BOTH)
    answer = http.get(f"/v1/fleets/{fleet}/fuel", params=SPAN).json()
    assert frame.attrs["total"] == answer["total"]
    savings = client.fleet_advice(fleet, WEEK).attrs["savings"]
    assert savings["saved_l"] == pytest.approx(savings["saved_l"])
    assert client.ranking(fleet, WEEK).attrs["week"] == WEEK


def test_counters_come_a_row_each_with_their_unit(http: httpx2.Client, client: Client) -> None:
    frame = client.accumulated(A)
    answer = http.get(f"/v1/vehicles/{A}/accumulated").json()
    counters = answer["accumulated_data"]
    assert set(frame.index) == {name for name, value in counters.items() if value}
    name = "durationWheelbasedSpeedOverZero"
    assert (frame.loc[name, "value"], frame.loc[name, "unit"]) == (counters[name], "s")
    speeds = frame.loc[["vehicleSpeedClass"]]
    seconds = speeds[speeds["unit"] == "s"]
    assert seconds["value"].tolist() == [one["seconds"] for one in counters["vehicleSpeedClass"]]
    starts = [one.get("from") for one in counters["vehicleSpeedClass"]]
    assert [None if pd.isna(it) else it for it in seconds["class_from"]] == starts
    assert frame.attrs["newest_day"] == date.fromisoformat(answer["newest_day"])


# Single things


def as_json(it: Any) -> Any:
    """A record as JSON has it."""
    if is_dataclass(it):
        return {field.name: as_json(getattr(it, field.name)) for field in fields(it)}
    if isinstance(it, list):
        return [as_json(one) for one in it]
    if isinstance(it, datetime):
        return it.isoformat().replace("+00:00", "Z")
    return it.isoformat() if isinstance(it, date) else it


def without_ages(it: Any) -> Any:
    if isinstance(it, dict):
        passing = {"age_s", "answered_at"}
        return {name: without_ages(part) for name, part in it.items() if name not in passing}
    return [without_ages(part) for part in it] if isinstance(it, list) else it


def test_single_things_are_records_that_lose_nothing(
    world: World, http: httpx2.Client, client: Client
) -> None:
    number = world.numbers["old_tyres"]
    for found, path in (
        (client.state(A), f"/v1/vehicles/{A}/state"),
        (client.status(A), f"/v1/vehicles/{A}/status"),
        (client.advice(number), f"/v1/advice/{number}"),
    ):
        assert without_ages(as_json(found)) == without_ages(http.get(path).json())
    assert client.state(A).value("odometer") is not None
    with pytest.raises(NotFoundError) as absent:
        client.state("LSGAA11112A999999")
    assert absent.value.code == "unknown_vehicle"


@EVERY_KIND
def test_advice_is_answered_by_its_number(world: World, kind: str) -> None:
    owner = str(world.clients["Owner"].base_url)
    with opened(kind, owner, language="zh") as client:
        found = client.vehicle_advice(A, *BOTH)
        number = int(found.index[found["may_answer"]][0])
        assert client.dismiss_advice(number).status == "dismissed"
        answered = client.accept_advice(number)
        assert (answered.advice_id, answered.status) == (number, "accepted")
        assert client.advice(number).status == "accepted"
        assert client.vehicle_advice(A, *BOTH, status="accepted").index.tolist().count(number) == 1
        assert answered.text is not None
        assert not answered.text.title.isascii()


@EVERY_KIND
def test_the_log_of_reads_is_a_table(http: httpx2.Client, client: Client, kind: str) -> None:
    with opened(kind, str(http.base_url), purpose=f"a check of {kind}") as reading:
        reading.state(A)
    today = (NOW - timedelta(days=1), "2090-01-01T00:00:00Z")

    def found() -> bool:
        return bool((client.audit(*today, vin=A)["purpose"] == f"a check of {kind}").any())

    wait_until(found, "the read in the log")  # entries are written behind the answers
    frame = client.audit(*today, vin=A)
    row = frame[frame["purpose"] == f"a check of {kind}"].iloc[-1]
    assert (row["vins"], row["route"]) == ([A], "/v1/vehicles/{vin}/state")
    assert frame.index.name == "time"
    assert frame.attrs["lost"] == []


# Signals


@EVERY_KIND
@pytest.mark.parametrize("step_s", [None, 60])
def test_signals_are_the_api_s_numbers_with_their_units(
    http: httpx2.Client, client: Client, step_s: int | None
) -> None:
    frame = client.signals(A, NAMES, *HOUR, step_s=step_s)
    asked: dict[str, Any] = {"names": NAMES, "start": HOUR[0], "end": HOUR[1], "limit": 500}
    answers = every_page(
        http, f"/v1/vehicles/{A}/signals", asked if step_s is None else {**asked, "step": step_s}
    )
    for column, end in (("values", ""), ("min", "_min"), ("max", "_max")):
        if step_s is None and column != "values":
            continue
        expected = as_frame(answers, column)
        got = frame[[f"{name}{end}" for name in expected.columns]]
        for name in expected.columns:
            pd.testing.assert_series_equal(
                got[f"{name}{end}"],
                expected[name].astype(got[f"{name}{end}"].dtype),
                check_names=False,
                check_freq=False,
                check_index_type=False,
            )
    assert frame.index.name == "time"
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert frame.attrs["units"]["wheel_speed"] == "km/h"
    if step_s is not None:
        assert frame.attrs["units"]["wheel_speed_max"] == "km/h"


@EVERY_KIND
@pytest.mark.parametrize(("step_s", "limit"), [(None, None), (60, None), (60, 7)])
def test_a_long_span_and_many_signals_in_pieces_equal_one_span(
    client: Client, step_s: int | None, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, end = "2026-11-03T00:03:07Z", "2026-11-03T00:56:31Z"
    whole = client.signals(A, NAMES, start, end, step_s=step_s, limit=limit)
    assert len(whole) == limit if limit else len(whole) > 40
    # Ten minutes are a piece, two signals a question: 12 requests and more in place of one.
    monkeypatch.setattr(of_signals, "LONGEST_OF_ROWS", timedelta(minutes=10))
    monkeypatch.setattr(of_signals, "MOST_STEPS", 10)
    monkeypatch.setattr(of_signals, "MOST_SIGNALS", 2)
    question = queries.signals(A, NAMES, start, end, step_s=step_s, limit=limit)
    assert (len(question.groups), len(question.groups[0])) == (3, 6)
    pieces = client.ask(question)
    pd.testing.assert_frame_equal(pieces, whole)
    assert pieces.attrs == whole.attrs


@EVERY_KIND
def test_pages_of_signals_go_on_through_the_pieces_of_a_span(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, end = "2026-11-03T00:03:07Z", "2026-11-03T00:56:31Z"
    monkeypatch.setattr(of_signals, "LONGEST_OF_ROWS", timedelta(minutes=10))
    pages = client.pages(queries.signals(A, "odometer,wheel_speed", start, end), rows=400)
    rows = client.signals(A, "odometer,wheel_speed", start, end)
    pd.testing.assert_frame_equal(pd.concat(list(pages)), rows)
    limited = queries.signals(A, "odometer,wheel_speed", start, end, limit=777)
    pd.testing.assert_frame_equal(pd.concat(list(client.pages(limited, rows=400))), rows.head(777))


@EVERY_KIND
def test_a_span_longer_than_the_api_takes_comes_whole(http: httpx2.Client, client: Client) -> None:
    start, end = "2026-11-03T00:00:00Z", "2026-11-20T00:00:00Z"
    asked = {"names": "odometer", "start": start, "end": end}
    refused = http.get(f"/v1/vehicles/{A}/signals", params=asked)
    assert refused.json()["code"] == "span_too_long"
    frame = client.signals(A, "odometer", start, end)
    assert len(frame) == 3600 - 400 + 20
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique


@EVERY_KIND
def test_curves_of_several_vehicles_come_a_row_a_point(http: httpx2.Client, client: Client) -> None:
    frame = client.signals_of_vehicles([A], ["wheel_speed", "odometer"], *HOUR, points=50)
    asked = {"vins": A, "names": "wheel_speed,odometer", "start": HOUR[0], "end": HOUR[1]}
    series = http.get("/v1/signals", params={**asked, "points": 50}).json()["series"]
    for one in series:
        rows = frame[(frame["signal"] == one["name"]) & (frame["vin"] == A)]
        assert rows["value"].tolist() == pytest.approx(one["values"], rel=1e-6)
        assert rows.index.tolist() == [pd.Timestamp(time) for time in one["time"]]
    assert frame.attrs["units"] == {"wheel_speed": "km/h", "odometer": "km"}


# rFMS


REPORTS = 25


@pytest.fixture(scope="module")
def reports(migrated: Migrated, world: World) -> int:
    assert world
    (number,) = migrated.connection.execute(
        "SELECT vehicle_id FROM vehicle WHERE vin = %s", (A,)
    ).fetchone() or (0,)
    writer = open_writer(migrated)
    made = [
        ReportRow(
            vehicle_id=number,
            created_time=NOW + n * timedelta(seconds=1),
            trigger_type="TIMER" if n else "IGNITION_ON",
            values={"latitude": 31.0, "longitude": 121.0 + n / 100, "wheel_speed": float(n)},
        )
        for n in range(REPORTS)
    ]
    writer.write(Batch(reports=tuple(made)))
    writer.publish_reports()
    writer.close()
    return REPORTS


def test_rfms_is_walked_to_the_end(
    client: Client, reports: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "MAX_POSITIONS", 7)
    monkeypatch.setattr(statuses, "MAX_STATUSES", 7)
    monkeypatch.setattr(vehicles, "MAX_VEHICLES", 2)
    assert client.rfms_vehicles().index.tolist() == [A, B, C]
    start = NOW - timedelta(days=1)
    found = client.rfms_positions(start=start)
    assert found["gnssPosition_longitude"].tolist() == [121.0 + n / 100 for n in range(reports)]
    assert str(found["receivedDateTime"].dtype) == "datetime64[us, UTC]"
    assert found["createdDateTime"].tolist() == [
        pd.Timestamp(NOW) + n * timedelta(seconds=1) for n in range(reports)
    ]
    onward = client.rfms_positions(start=found.attrs["requestServerDateTime"])
    assert onward.empty
    assert len(client.rfms_statuses(start=start, limit=9)) == 9
    ignition = client.rfms_statuses(start=start, triggers="IGNITION_ON", content="SNAPSHOT")
    assert ignition["snapshotData_wheelBasedSpeed"].tolist() == [0.0]
    latest = client.rfms_positions(latest_only=True)
    assert latest["wheelBasedSpeed"].tolist() == [reports - 1.0]
    assert [len(page) for page in client.pages(queries.rfms_positions(start=start))] == [7, 7, 7, 4]


# Its page


def test_the_examples_of_its_page_run(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELEMETRY_API_URL", str(world.clients["Owner"].base_url))
    page = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 11
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/client.md", "exec"), names)  # noqa: S102 - our own page
    for one in ("client", "by_key", "by_secret"):
        names[one].close()
    said = capsys.readouterr().out
    for words in ("km/h", "accepted", "unknown_signal", "Did you mean wheel_speed"):
        assert words in said
