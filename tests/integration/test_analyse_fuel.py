"""Fuel of weeks, its causes, and advice: the same whenever data came and however runs ran."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.fuel.calibration import STAT_CELLS
from analytics.fuel.consumption import consumption
from analytics.fuel.segments import SEGMENT_COLUMNS
from analytics.runner import fuel as fuel_of_runner
from analytics.runner import fuel_days
from analytics.runner.challenge import PromotionError, promote, roll_back
from analytics.runner.failures import Failures
from analytics.runner.run import Outcome, analyse
from analytics.runner.settings import AnalysisSettings
from analytics.runner.training import train
from schemas.errors import TelemetryError
from storage import fuel
from storage.connection import connect
from storage.fuel_models import TrainingData
from storage.models import FUEL
from storage.settings import StorageSettings
from tests.samples.analysed import content, require_same
from tests.worlds.driven_vehicle import DrivenVehicle, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from tests.servers.database_fixture import Migrated
    from tests.worlds.driven_vehicle import Rows

    Make = Callable[[], DrivenVehicle]

MINUTE, HOUR, DAY, WEEK = (timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days", "weeks"))

_numbers = count()

CHINA = ZoneInfo("Asia/Shanghai")


def monday_before(weeks: int) -> datetime:
    """Monday, six in the morning in China, so many whole weeks ago."""
    now = datetime.now(tz=CHINA).replace(hour=6, minute=0, second=0, microsecond=0)
    return now - timedelta(days=now.weekday()) - weeks * WEEK


M = monday_before(8)


@pytest.fixture
def another(migrated: Migrated) -> Iterator[Make]:
    """Makes vehicles, which are closed at the test's end."""
    vehicles: list[DrivenVehicle] = []

    def make() -> DrivenVehicle:
        vehicles.append(DrivenVehicle(migrated, f"LVBV3ABB5PM{next(_numbers):06d}"))
        return vehicles[-1]

    yield make
    for vehicle in vehicles:
        vehicle.close()


ENGINE = {
    "engine_friction_torque": 8.0,
    "engine_reference_torque": 2000.0,
    "gross_combination_weight": 30_000.0,
    "road_gradient": 0.0,
    "speed_limit": 80.0,
    "coolant_temperature": 85.0,
    "ambient_temperature": 12.0,
    "barometric_pressure": 101.0,
    "altitude": 20.0,
}


STOOD = ENGINE | {"wheel_speed": 0.0, "engine_speed": 600.0, "engine_torque": 12.0}


def working(
    start: datetime, *, idle_minutes: float = 0, tank_l: float = 300.0, from_km: float = np.nan
) -> list[Rows]:
    """An hour at 72 km/h with 24 L, then idling at 3 L/h; a row every two seconds."""
    drive_s, idle_s = 3600, round(60 * idle_minutes)
    seconds = np.arange(0, drive_s, 2.0)
    # Nobody holds a speed exactly.
    speed = 72 + 3 * np.sin(seconds / 40)
    speed[:30], speed[-30:] = np.linspace(0, speed[30], 30), np.linspace(speed[-30], 0, 30)
    km = np.cumsum(speed) * 2 / 3600
    driven = rows(
        start,
        drive_s,
        step_s=2,
        wheel_speed=speed,
        engine_speed=1200 * speed / 72 + 300 * (speed < 30),
        engine_torque=45.0,
        fuel_rate=24.0,
        odometer=from_km + km,
        fuel_volume_1=tank_l - 24 * seconds / 3600,
        **ENGINE,
    )
    if not idle_s:
        return [driven]
    stood = rows(
        start + timedelta(seconds=drive_s),
        idle_s,
        step_s=2,
        fuel_rate=3.0,
        odometer=from_km + km[-1],
        fuel_volume_1=tank_l - 24 - 3 * np.arange(0, idle_s, 2.0) / 3600,
        **STOOD,
    )
    return [driven, stood]


def work_up(database: Migrated, failures: Failures | None = None, **others: Any) -> Outcome:
    """Everything that changed, but no scores unless they are asked for."""
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


def asked(vehicle: DrivenVehicle, statement: str) -> list[tuple[Any, ...]]:
    return vehicle.database.connection.execute(statement.encode(), (vehicle.vehicle_id,)).fetchall()


def test_a_week_ends_with_its_litres_their_causes_and_what_models_learn_from(
    another: Make,
) -> None:
    vehicle = another()
    for day in range(3):
        vehicle.write(*working(M + day * DAY, idle_minutes=60))
    outcome = vehicle.analyse()
    assert (outcome.fuel_weeks, outcome.failed) == (1, 0)
    parts = asked(
        vehicle,
        "SELECT fuel_l, fuel_source, idle_fuel_l, expected_by, model_id, missing"
        " FROM fuel_part WHERE vehicle_id = %s",
    )
    assert len(parts) == 3
    for fuel_l, source, idle_l, by, model_id, missing in parts:
        assert (source, by, model_id) == ("rate", "physics", None)
        assert fuel_l == pytest.approx(27.0, rel=0.01)
        assert idle_l == pytest.approx(3.0, rel=0.05)
        assert {"counter", "tyre_pressure"} <= set(missing)
    causes = asked(
        vehicle,
        "SELECT part_start, count(*), min(litres), sum(litres) FILTER (WHERE cause = 'idling')"
        " FROM fuel_cause WHERE vehicle_id = %s GROUP BY part_start",
    )
    for _, number, least, idling in causes:
        assert (number, least >= 0) == (10, True)
        assert 1.0 < idling < 3.0  # some of the hour is nobody's fault
    assert asked(
        vehicle,
        "SELECT day - (date_trunc('week', day))::date, cardinality(stats) FROM fuel_stats"
        " WHERE vehicle_id = %s ORDER BY day",
    ) == [(day, STAT_CELLS) for day in range(3)]
    ((cells, segments),) = asked(
        vehicle,
        "SELECT max(cardinality(cells)), count(*) FROM fuel_segment WHERE vehicle_id = %s",
    )
    assert cells == len(SEGMENT_COLUMNS)
    assert segments >= 3 * 70 / 3  # of 3 km each


def test_nothing_is_done_twice(another: Make) -> None:
    vehicle = another()
    vehicle.write(*working(M))
    vehicle.analyse()
    before = content(vehicle.database, vehicle.vin)
    outcome = vehicle.analyse()
    assert (outcome.fuel_weeks, outcome.advice, outcome.anything) == (0, 0, False)
    require_same(content(vehicle.database, vehicle.vin), before)


def test_late_weeks_end_with_the_tables_of_weeks_in_order(another: Make) -> None:
    in_order, late = another(), another()
    weeks = [
        [working(M + n * WEEK + day * DAY, idle_minutes=40 * (n % 2)) for day in range(2)]
        for n in range(4)
    ]
    for week in weeks:
        in_order.write(*(piece for pieces in week for piece in pieces))
    in_order.analyse()
    for week in reversed(weeks):
        for pieces in reversed(week):
            late.write(*pieces)
            late.analyse()
    require_same(content(late.database, late.vin), content(in_order.database, in_order.vin))


def test_a_run_that_dies_between_any_two_steps_and_is_repeated_ends_the_same(
    another: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = another(), another()
    for vehicle in (whole, killed):
        for n in range(2):
            vehicle.write(*working(M + n * WEEK, idle_minutes=60))
    whole.analyse()

    def dying(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
        def dies(*arguments: Any, **others: Any) -> Any:
            if after:
                step(*arguments, **others)
            raise KeyboardInterrupt

        return dies

    for module, name in (
        (fuel, "store_week"),
        (fuel_of_runner, "advise_week"),
    ):
        for after in (False, True):
            with monkeypatch.context() as patched:
                patched.setattr(module, name, dying(getattr(module, name), after=after))
                with pytest.raises(KeyboardInterrupt):
                    killed.analyse()
    killed.analyse()
    require_same(content(killed.database, killed.vin), content(whole.database, whole.vin))


def test_runs_beside_each_other_end_with_the_tables_of_one(another: Make) -> None:
    alone, together = another(), another()
    for vehicle in (alone, together):
        for n in range(3):
            vehicle.write(*working(M + n * WEEK, idle_minutes=30))
    alone.analyse()

    def run(_: int) -> int:
        with connect(together.database.dsn) as connection:
            return analyse(
                connection,
                together.database.server,
                together.database.catalogue,
                StorageSettings(),
                AnalysisSettings(),
                vin=together.vin,
                scores=False,
            ).failed

    with ThreadPoolExecutor(max_workers=3) as pool:
        assert set(pool.map(run, range(3))) == {0}
    require_same(content(together.database, together.vin), content(alone.database, alone.vin))


def test_days_read_ahead_and_again_give_what_days_kept_give(
    another: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, read_again = another(), another()
    for vehicle in (kept, read_again):
        for day in range(3):
            vehicle.write(*working(M + day * DAY, idle_minutes=20))
    kept.analyse()
    monkeypatch.setattr(fuel_days, "CACHED_ROWS", 3000)  # a day and a half
    with connect(read_again.database.dsn) as reading:
        read_again.analyse(reading)
    require_same(content(read_again.database, read_again.vin), content(kept.database, kept.vin))


def test_what_one_vehicle_s_data_make_fail_stops_no_other(
    another: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, sound = another(), another()
    poisoned.write(*working(M + HOUR))
    sound.write(*working(M))

    def stumbling(samples: Any, parts: pd.DataFrame, **others: Any) -> pd.DataFrame:
        if (parts["part_start"] >= M + HOUR).any():
            raise ValueError("thirteen")
        return consumption(samples, parts, **others)

    monkeypatch.setattr("analytics.runner.fuel.consumption", stumbling)
    failures = Failures()
    with caplog.at_level(logging.ERROR):
        outcome = work_up(sound.database, failures)
    assert (outcome.fuel_weeks, outcome.failed) == (1, 1)
    assert f"vin {poisoned.vin}, fuel of week {M.date()} cannot be worked up" in caplog.text
    counted = "SELECT count(*) FROM fuel_part WHERE vehicle_id = %s"
    assert (asked(poisoned, counted), asked(sound, counted)) == ([(0,)], [(1,)])
    # It is tried again once it has changed, or by another process.
    assert work_up(sound.database, failures).failed == 0
    monkeypatch.undo()
    assert work_up(sound.database, failures).fuel_weeks == 0
    assert work_up(sound.database).fuel_weeks == 1
    assert asked(poisoned, counted) == [(1,)]


def test_what_goes_on_for_days_is_no_trip_whose_fuel_is_counted(
    another: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuel_of_runner, "LONGEST_TRIP", 90 * MINUTE)
    vehicle = another()
    vehicle.write(*working(M, idle_minutes=60), *working(M + DAY))
    vehicle.analyse()
    assert asked(vehicle, "SELECT part_start FROM fuel_part WHERE vehicle_id = %s") == [(M + DAY,)]


def test_what_is_known_of_weeks_whose_rows_are_gone_stays(another: Make) -> None:
    vehicle = another()
    vehicle.write(*working(M), *working(M + 7 * WEEK))
    vehicle.analyse()
    before = content(vehicle.database, vehicle.vin)["fuel_part"]
    assert len(before) == 2
    vehicle.database.connection.execute(
        "DELETE FROM signal_motion WHERE vehicle_id = %s AND time < %s",
        (vehicle.vehicle_id, M + WEEK),
    )
    vehicle.database.connection.execute(
        "UPDATE touched_fuel_week SET touched = touched + 1 WHERE vehicle_id = %s",
        (vehicle.vehicle_id,),
    )
    outcome = analyse(
        vehicle.database.connection,
        vehicle.database.server,
        vehicle.database.catalogue,
        StorageSettings(retention_days=21, compress_after_days=14),
        AnalysisSettings(),
        vin=vehicle.vin,
        scores=False,
    )
    assert outcome.fuel_weeks == 1
    assert content(vehicle.database, vehicle.vin)["fuel_part"] == before


def test_a_tank_that_was_filled_over_a_weekend_is_found_in_the_week_after(another: Make) -> None:
    vehicle = another()
    friday, monday = M + 4 * DAY, M + WEEK
    vehicle.write(*working(friday, idle_minutes=10, tank_l=150, from_km=2000))
    # It drives off from where it came to stand 70.8 km later.
    vehicle.write(
        rows(
            monday - 2 * MINUTE,
            120,
            step_s=2,
            odometer=2070.8,
            fuel_rate=3.0,
            fuel_volume_1=400.0,
            **STOOD,
        )
    )
    vehicle.write(*working(monday, idle_minutes=10, tank_l=400, from_km=2070.8))
    vehicle.analyse()
    ((kind, end, litres),) = asked(
        vehicle, "SELECT kind, end_time, litres FROM tank_event WHERE vehicle_id = %s"
    )
    assert kind == "refuelling"
    assert monday - 2 * MINUTE <= end <= monday + 2 * MINUTE
    assert litres == pytest.approx(400 - 125.5, rel=0.05)


# Advice


def test_advice_is_given_followed_up_and_helped(another: Make) -> None:
    vehicle = another()
    for n in range(7):
        for day in range(5):
            idle_minutes = 120 if n < 4 else 4
            vehicle.write(*working(M + n * WEEK + day * DAY, idle_minutes=idle_minutes))
    outcome = vehicle.analyse()
    assert outcome.fuel_weeks == 7
    found = asked(
        vehicle,
        "SELECT (week - %s::date) / 7, saving_l, fuel_l, variant, verdict, weeks_after, saved_l"
        " FROM advice LEFT JOIN advice_result USING (advice_id)"
        f" WHERE vehicle_id = {vehicle.vehicle_id} AND cause = 'idling' ORDER BY week".replace(
            "%s", f"'{M.date()}'"
        )
        + " -- %s",
    )
    weeks = [row[0] for row in found]
    assert weeks
    assert max(weeks) <= 3  # of the weeks without idling there is nothing to say
    for _, saving_l, fuel_l, *_ in found:
        assert 0 < saving_l < fuel_l
    of_last = found[-1]
    assert of_last[4] == "helped"
    assert of_last[6] > 0


# Models


@pytest.fixture
def fleet(another: Make) -> list[DrivenVehicle]:
    """Seven vehicles that drove for two days."""
    vehicles = [another() for _ in range(7)]
    for number, vehicle in enumerate(vehicles):
        for day in range(2):
            start = monday_before(1) + day * DAY
            vehicle.write(*working(start, idle_minutes=5 * number))
    work_up(vehicles[0].database)
    return vehicles


def test_what_a_fleet_taught_is_used_until_it_cannot_be_loaded(
    fleet: list[DrivenVehicle], caplog: pytest.LogCaptureFixture
) -> None:
    one, database = fleet[0], fleet[0].database
    trained = train(database.connection, TrainingData(), held_out=0.3, note="of seven")
    assert trained.vehicles >= 7
    assert trained.peers["heavy_truck"] >= 7
    assert trained.metrics["metrics"]["road"]["trips"] > 0
    assert trained.evaluation["all"]["vehicles"] == trained.vehicles  # each was left out once
    assert work_up(database).fuel_weeks >= 7
    asked_models = "SELECT DISTINCT model_id FROM fuel_part WHERE vehicle_id = %s"
    assert asked(one, asked_models) == [(trained.model_id,)]
    second = train(database.connection, TrainingData(), held_out=0.3)
    assert (second.metrics, second.peers) == (trained.metrics, trained.peers)
    assert (second.evaluation, second.checksum) == (trained.evaluation, trained.checksum)
    assert second.fingerprint == trained.fingerprint
    with pytest.raises(PromotionError, match="Too little is known"):
        promote(database.connection, second.model_id)
    promote(database.connection, second.model_id, force=True)
    assert roll_back(database.connection, None, FUEL) == trained.model_id
    work_up(database)
    assert asked(one, asked_models) == [(trained.model_id,)]
    before = content(database, one.vin)["fuel_part"]
    database.connection.execute(
        "UPDATE model SET body = body || '\\x00' WHERE model_id IN (%s, %s)",
        (trained.model_id, second.model_id),
    )
    database.connection.execute(
        "UPDATE touched_fuel_week SET touched = touched + 1 WHERE vehicle_id = %s",
        (one.vehicle_id,),
    )
    with caplog.at_level(logging.ERROR):
        assert work_up(database).fuel_weeks == 1
    assert f"fuel model {trained.model_id} is not used, the analysis goes on with" in caplog.text
    assert "checksum" in caplog.text
    after = content(database, one.vin)["fuel_part"]
    assert [row[:4] for row in after] == [row[:4] for row in before]
    assert {row[-2] for row in after} == {"physics"}
    with pytest.raises(TelemetryError, match="checksum"):
        promote(database.connection, second.model_id, force=True)
    with pytest.raises(TelemetryError, match="no model 999"):
        roll_back(database.connection, 999, FUEL)


def test_where_nothing_was_driven_nothing_is_learnt(migrated: Migrated) -> None:
    with pytest.raises(TelemetryError, match="nothing to learn from"):
        train(migrated.connection, TrainingData(last=M.date() - WEEK))
