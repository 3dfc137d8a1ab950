"""Data that cannot be judged, runs that meet, rows that are gone: what is stored stays right."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analytics.accumulated import LAYOUT
from analytics.behaviour import METHOD_VERSION, behaviour
from analytics.runner import days as days_of_runner
from analytics.runner.failures import Failures
from analytics.runner.run import Outcome, analyse
from analytics.runner.settings import AnalysisSettings
from storage import analysis
from storage.behaviour import judged_as
from storage.connection import connect
from storage.queries import query
from storage.settings import StorageSettings
from tests.samples.analysed import content, require_same
from tests.worlds.driven_fleet import midnight_before
from tests.worlds.driven_vehicle import DrivenVehicle, driving, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from analytics.behaviour import Behaviour
    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated
    from tests.worlds.driven_vehicle import Piece

    Cells = NDArray[np.float64]
    Make = Callable[[], DrivenVehicle]

M = midnight_before(20)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

POISON_KM_H = 13.0
"""The speed that makes `poisoned` stumble."""

_numbers = count()


@pytest.fixture
def another(migrated: Migrated) -> Iterator[Make]:
    """Makes vehicles, which are closed at the test's end."""
    vehicles: list[DrivenVehicle] = []

    def make() -> DrivenVehicle:
        vehicles.append(DrivenVehicle(migrated, f"LVBV3ABB5PF{next(_numbers):06d}"))
        return vehicles[-1]

    yield make
    for vehicle in vehicles:
        vehicle.close()


def work_up(database: Migrated, failures: Failures | None = None, **others: Any) -> Outcome:
    """Everything that changed, of every vehicle, but no scores unless they are asked for."""
    return analyse(
        database.connection,
        database.server,
        database.catalogue,
        StorageSettings(),
        AnalysisSettings(),
        roll_up=False,
        failures=failures,
        **{"scores": False} | others,
    )


# What one vehicle's data make fail


def poisoned(signals: pd.DataFrame, *arguments: Any, **named: Any) -> Behaviour:
    if (signals["wheel_speed"] == POISON_KM_H).any():
        raise ValueError("cannot convert float NaN to integer")
    return behaviour(signals, *arguments, **named)


@pytest.mark.parametrize("ahead", [True, False], ids=["read ahead", "read in turn"])
def test_a_vehicle_that_cannot_be_judged_is_named_and_left_out_until_it_changes(
    another: Make,
    migrated: Migrated,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    ahead: bool,
) -> None:
    monkeypatch.setattr(days_of_runner, "behaviour", poisoned)
    before, broken, after = another(), another(), another()
    for vehicle in (before, broken, after):
        vehicle.write(driving(M, 5))
    broken.write(driving(M + HOUR, 5, km_h=POISON_KM_H))
    failures = Failures()
    with connect(migrated.dsn) as reading:
        others = {"reading": reading} if ahead else {}
        outcome = work_up(migrated, failures, **others)
        assert (outcome.vehicle_days, outcome.failed) == (2, 1)
        assert [len(vehicle.trips()) for vehicle in (before, broken, after)] == [1, 0, 1]
        (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert f"vin {broken.vin}, days {M.date()}" in record.getMessage()
        assert "cannot convert float NaN" in record.getMessage()
        assert record.exc_info  # nobody has foreseen this: where it happened must be known
        # Whoever remembers it does not try again; it still waits.
        again = work_up(migrated, failures, **others)
        assert (again.vehicle_days, again.failed, broken.waiting()) == (0, 0, 1)
        # A new run does, and so does the old one when something has changed.
        assert work_up(migrated, Failures(), **others).failed == 1
        broken.write(driving(M + 3 * HOUR, 5))
        assert work_up(migrated, failures, **others).failed == 1
        monkeypatch.setattr(days_of_runner, "behaviour", behaviour)
        broken.write(driving(M + 5 * HOUR, 5))
        healed = work_up(migrated, failures, **others)
    assert (healed.vehicle_days, healed.failed, len(broken.trips())) == (1, 0, 4)


def test_a_vehicle_that_cannot_be_read_stops_no_other(
    another: Make, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, after = another(), another()

    def no_zone(connection: Connection, vehicle_id: int) -> object:
        if vehicle_id == broken.vehicle_id:
            raise ValueError("no such zone")
        return judged_as(connection, vehicle_id)

    monkeypatch.setattr(days_of_runner, "judged_as", no_zone)
    for vehicle in (broken, after):
        vehicle.write(driving(M, 5))
    with connect(migrated.dsn) as reading:
        assert work_up(migrated, reading=reading).failed == 1
    assert (len(broken.trips()), len(after.trips())) == (0, 1)
    monkeypatch.undo()
    assert work_up(migrated).failed == 0


def test_what_the_database_refuses_of_one_vehicle_stops_no_other(
    another: Make, migrated: Migrated, caplog: pytest.LogCaptureFixture
) -> None:
    refused, after = another(), another()
    for vehicle in (refused, after):
        vehicle.write(driving(M, 5))
    migrated.connection.execute(
        f"ALTER TABLE trip ADD CONSTRAINT no_luck CHECK (vehicle_id <> {refused.vehicle_id})"
    )
    assert work_up(migrated).failed == 1
    assert (len(refused.trips()), len(after.trips())) == (0, 1)
    assert "no_luck" in caplog.text
    migrated.connection.execute("ALTER TABLE trip DROP CONSTRAINT no_luck")
    assert work_up(migrated).failed == 0


def test_a_database_that_is_not_as_it_must_be_is_no_vehicle_s_fault(
    another: Make, migrated: Migrated
) -> None:
    another().write(driving(M, 5))
    migrated.connection.execute("ALTER TABLE drive_span RENAME TO mislaid")
    with pytest.raises(Exception, match="drive_span"):
        work_up(migrated)
    migrated.connection.execute("ALTER TABLE mislaid RENAME TO drive_span")
    assert work_up(migrated).vehicle_days == 1


def test_a_run_that_is_told_to_stop_leaves_the_rest_to_the_next_one(
    another: Make, migrated: Migrated
) -> None:
    for _ in range(3):
        another().write(driving(M, 5))
    stopped = work_up(migrated, stopping=lambda: True)
    assert (stopped.vehicle_days, stopped.duties) == (1, 0)
    rest = work_up(migrated)
    assert (rest.vehicle_days, rest.duties) == (2, 3)


# Runs that meet


def test_rows_read_before_another_run_stored_newer_ones_are_read_again(
    another: Make, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    truck, whole = another(), another()
    truck.write(driving(M - 20 * MINUTE, 20), driving(M, 10))
    truck.analyse()
    truck.write(driving(M - 30 * MINUTE, 10))  # the day before changes, not the one after midnight
    meanwhile = [True]

    def another_run(signals: pd.DataFrame, *arguments: Any, **named: Any) -> Behaviour:
        if meanwhile:
            meanwhile.clear()
            truck.write(driving(M + 10 * MINUTE, 10))
            with connect(migrated.dsn) as connection:
                analyse(
                    connection,
                    migrated.server,
                    migrated.catalogue,
                    StorageSettings(),
                    vin=truck.vin,
                    first=M.date(),
                    scores=False,
                )
        return behaviour(signals, *arguments, **named)

    monkeypatch.setattr(days_of_runner, "behaviour", another_run)
    # The trip reaches over midnight, and was read without its last ten minutes.
    assert truck.analyse().vehicle_days == 1
    assert truck.waiting() == 0
    whole.write(driving(M - 30 * MINUTE, 50))
    whole.analyse()
    require_same(content(migrated, truck.vin), content(migrated, whole.vin))


def test_days_that_another_run_has_done_meanwhile_are_not_done_again(
    another: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    truck = another()
    truck.write(driving(M, 10))
    judged = []

    def another_run(signals: pd.DataFrame, *arguments: Any, **named: Any) -> Behaviour:
        judged.append(len(signals))
        if len(judged) == 1:
            truck.analyse()
        return behaviour(signals, *arguments, **named)

    monkeypatch.setattr(days_of_runner, "behaviour", another_run)
    assert truck.analyse().vehicle_days == 0
    assert len(judged) == 2
    assert len(truck.trips()) == 1


def test_three_analyses_at_once_while_data_come_end_with_the_same_tables(
    another: Make, migrated: Migrated
) -> None:
    whole, shared = another(), [another() for _ in range(2)]
    pieces: list[Piece] = [
        driving(M + n * 37 * MINUTE, 30, km_h=40 + n % 7 * 7) for n in range(-5, 7)
    ]
    cards: list[Piece] = [(M + n * HOUR, f"MEET{n % 2}") for n in range(4)]
    whole.write(*pieces, *cards)
    whole.analyse()
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with connect(migrated.dsn) as connection, connect(migrated.dsn) as reading:
                while not stop.is_set():
                    analyse(
                        connection,
                        migrated.server,
                        migrated.catalogue,
                        StorageSettings(),
                        reading=reading,
                        roll_up=False,
                    )
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            errors.append(error)

    runs = [threading.Thread(target=run) for _ in range(3)]
    for thread in runs:
        thread.start()
    for piece in [*pieces[1::2], *cards, *pieces[::2]]:
        for vehicle in shared:
            vehicle.write(piece)
    stop.set()
    for thread in runs:
        thread.join()
    assert errors == []
    work_up(migrated, scores=True)
    for vehicle in shared:
        assert vehicle.waiting() == 0
        found, expected = content(migrated, vehicle.vin), content(migrated, whole.vin)
        # Scores are of weeks, which the other tests' vehicles are in, too.
        found["score"] = expected["score"] = []
        require_same(found, expected)


# What is no longer there, or would never end


def test_trips_whose_rows_are_past_retention_stay_when_late_data_change_their_end(
    another: Make, migrated: Migrated
) -> None:
    truck = another()
    truck.write(driving(M - 3 * HOUR, 30), driving(M - 20 * MINUTE, 40))
    truck.analyse()
    stored, counted = truck.trips(), counters(truck)[1]
    for table in ("signal_motion", "signal_location"):
        migrated.connection.execute(
            f"DELETE FROM {table} WHERE vehicle_id = %s AND time < %s", (truck.vehicle_id, M)
        )
    truck.write(driving(M + 5 * HOUR, 10))
    assert truck.analyse().failed == 0
    assert truck.trips() == [*stored, (M + 5 * HOUR, 600, pytest.approx(12))]  # 20 m/s
    # Nothing of what its rows counted is taken back, and what is new is added.
    total, told = counters(truck)
    assert (total == told).all()
    assert (told >= counted).all()
    assert told[METRES] - counted[METRES] == pytest.approx(12_000)


def test_a_day_without_any_rows_left_keeps_what_was_found(
    another: Make, migrated: Migrated
) -> None:
    truck = another()
    truck.write(driving(M, 30))
    truck.analyse()
    stored = content(migrated, truck.vin)
    migrated.connection.execute(
        "DELETE FROM signal_motion WHERE vehicle_id = %s", (truck.vehicle_id,)
    )
    migrated.connection.execute(
        "UPDATE touched_day SET touched = touched + 1 WHERE vehicle_id = %s", (truck.vehicle_id,)
    )
    assert truck.analyse().vehicle_days == 1
    assert content(migrated, truck.vin) == stored


def test_a_newer_method_works_up_what_is_kept_once_more(
    another: Make, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    truck = another()
    old = midnight_before(StorageSettings().retention_days + 3)
    truck.write(driving(old, 10), driving(M - 10 * MINUTE, 20))
    truck.analyse()
    stored = content(migrated, truck.vin)
    newer = METHOD_VERSION + 1
    for module in ("run", "days", "duties", "weeks"):
        monkeypatch.setattr(f"analytics.runner.{module}.METHOD_VERSION", newer)
    assert work_up(migrated, vin=truck.vin).vehicle_days == 2  # of three: one has no rows for sure
    require_same(content(migrated, truck.vin), stored)
    versions = migrated.connection.execute(
        "SELECT method_version FROM trip WHERE vehicle_id = %s ORDER BY start_time",
        (truck.vehicle_id,),
    ).fetchall()
    assert versions == [(newer - 1,), (newer,)]
    assert work_up(migrated, vin=truck.vin).vehicle_days == 0


def test_a_trip_that_never_ends_is_not_read_from_its_beginning(
    another: Make, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days_of_runner, "LONGEST_REACH", DAY)
    truck = another()
    windows: list[timedelta] = []

    def reading(*arguments: Any) -> pd.DataFrame:
        windows.append(arguments[-1] - arguments[-2])
        return read_signals(*arguments)

    read_signals = analysis.read_signals
    monkeypatch.setattr(analysis, "read_signals", reading)
    for day in range(5):
        truck.write(rows(M + day * DAY, 86_400, step_s=20, wheel_speed=0, engine_speed=650))
        assert truck.analyse().failed == 0
    # The day, one before and one after it, with ten minutes on either side.
    assert max(windows) <= timedelta(days=3, minutes=20)
    ((start, duration_s, _),) = truck.trips()
    assert (start, duration_s) == (M, 2 * 86_400)
    days = migrated.connection.execute(
        "SELECT day FROM accumulated_day WHERE vehicle_id = %s ORDER BY day", (truck.vehicle_id,)
    ).fetchall()
    assert days == [((M + day * DAY).date(),) for day in range(5)]  # counters go on


# How much is looked at


def test_a_stream_of_changed_days_is_the_list_of_them(
    another: Make, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "CHANGED_AT_ONCE", 2)
    work_up(migrated)  # what other tests have left
    trucks = [another() for _ in range(3)]
    for truck in trucks:
        truck.write(driving(M, 5), driving(M + DAY, 5))
    listed = analysis.changed_days(migrated.connection)
    assert [(day.vehicle_id, day.day) for day in listed] == [
        (truck.vehicle_id, day.date()) for truck in trucks for day in (M, M + DAY)
    ]
    stream = analysis.each_changed_day(migrated.connection)
    first = next(stream)
    with migrated.connection.transaction():  # the connection may be used meanwhile
        trucks[0].write(driving(M + HOUR, 5))
    assert [first, *stream] == listed
    of_one = analysis.changed_days(migrated.connection, vehicle_id=trucks[1].vehicle_id)
    assert of_one == listed[2:4]
    work_up(migrated)


def test_days_that_wait_are_found_without_a_look_at_all_the_others(
    another: Make, migrated: Migrated
) -> None:
    work_up(migrated)  # what other tests have left
    number = another().vehicle_id
    migrated.connection.execute(
        "INSERT INTO touched_day (vehicle_id, day, analysed)"
        " SELECT %s + number, current_date - day, 1"
        " FROM generate_series(0, 999) AS number, generate_series(0, 99) AS day",
        (number,),
    )
    migrated.connection.execute("ANALYZE touched_day")
    plan = migrated.connection.execute(
        "EXPLAIN " + query("changed_days"),
        {"vin": None, "vehicle_id": None, "first": None, "last": None},
    ).fetchall()
    assert "touched_day_to_analyse" in str(plan)
    migrated.connection.execute("DELETE FROM touched_day WHERE vehicle_id >= %s", (number,))


METRES = next(place for place, cell in enumerate(LAYOUT) if cell.name == "all/distance")


def counters(truck: DrivenVehicle) -> tuple[Cells, Cells]:
    """What is true of a vehicle's counters, and what is told."""
    row = truck.database.connection.execute(
        "SELECT total, served FROM accumulated WHERE vehicle_id = %s", (truck.vehicle_id,)
    ).fetchone()
    assert row is not None
    return np.array(row[0]), np.array(row[1])
