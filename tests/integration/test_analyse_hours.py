"""Hours at the wheel end the same in whatever order a driver's days come, in what vehicles ever."""

from __future__ import annotations

import logging
import random
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from analytics.fatigue import fatigue_events
from analytics.runner import duties as duties_of_runner
from analytics.runner.duties import judge_hours
from analytics.runner.failures import Failures
from analytics.runner.settings import AnalysisSettings, FatigueRules
from storage.connection import connect
from storage.duties import changed_duties
from storage.registers import add_to_fleet, ensure_fleet, ensure_party, register_vehicle
from storage.registers import set_vehicle_class as set_class
from tests.samples.behaviour_samples import store

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from tests.samples.behaviour_samples import Drive
    from tests.servers.database_fixture import Migrated

    Day = tuple[int, int, list[tuple[datetime, int]]]
    """Place among the vehicles, day, and start and minutes of drives."""

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_numbers = count()


def vehicles(database: Migrated, *classes: str) -> list[int]:
    numbers = []
    for vehicle_class in classes:
        vin = f"LVBV3ABB5PH{next(_numbers):06d}"
        numbers.append(register_vehicle(database.connection, vin).vehicle_id)
        set_class(database.connection, vin, vehicle_class)
    return numbers


def judge(database: Migrated, rules: FatigueRules, failures: Failures | None = None) -> int:
    settings = AnalysisSettings(fatigue_rules=rules)
    return judge_hours(database.connection, settings, failures or Failures())


def drive(database: Migrated, number: int, day: int, *drives: Drive) -> None:
    start = MONDAY + day * DAY
    assert store(database.connection, number, (start, start + DAY), *drives)


def fatigue(database: Migrated, numbers: list[int], card: str) -> list[tuple[Any, ...]]:
    """Kind, start, end, hours and window of a driver's fatigue, vehicles by their place."""
    found = database.connection.execute(
        "SELECT vehicle_id, kind, start_time, end_time, peak, window_start FROM driving_event"
        " JOIN driver USING (driver_id)"
        " WHERE card_id = %s AND starts_with(kind, 'fatigue_') ORDER BY start_time, kind",
        (card,),
    )
    return [(numbers.index(number), *rest) for number, *rest in found]


@pytest.mark.parametrize("rules", [FatigueRules.EU, FatigueRules.CHINA])
@pytest.mark.parametrize("order", ["shuffled", "in order", "backwards"])
def test_a_driver_s_days_may_come_in_any_order(
    migrated: Migrated, rules: FatigueRules, order: str
) -> None:
    luck = random.Random(rules)  # noqa: S311 - a test's disorder
    days = list(weeks(luck))

    def run(days: Iterable[Day], card: str, judged_every: int) -> list[tuple[Any, ...]]:
        numbers = vehicles(migrated, "bus", "heavy_truck")
        for done, (place, day, drives) in enumerate(days):
            drive(migrated, numbers[place], day, *((*drive, card) for drive in drives))
            if done % judged_every == 0:
                judge(migrated, rules)
        judge(migrated, rules)
        return fatigue(migrated, numbers, card)

    whole = run(days, f"WHOLE {rules} {order}", len(days))
    assert whole
    if order == "shuffled":
        luck.shuffle(days)
    elif order == "backwards":
        days.reverse()
    late = run(days, f"LATE {rules} {order}", 5)
    assert len(late) == len(whole)
    for found, expected in zip(late, whole, strict=True):
        *event, peak, window = found
        *same, hours, begin = expected
        assert (event, window) == (same, begin)
        assert peak == pytest.approx(hours)


def weeks(luck: random.Random) -> Iterable[Day]:
    """Days of a driver who takes no law seriously, in one vehicle or the other, or in both."""
    for day in range(24):  # beyond two weeks, of which the EU counts the hours
        for place in range(2):
            drives = []
            at = MONDAY + day * DAY + luck.randrange(300) * HOUR / 60
            while luck.random() < 0.8 and at < MONDAY + day * DAY + 18 * HOUR:
                minutes = luck.choice([60, 120, 200, 290])
                drives.append((at, minutes))
                at += (minutes + luck.choice([12, 20, 35, 60, 400])) * HOUR / 60
            if drives:
                yield place, day, drives


def test_a_week_s_breach_goes_on_with_what_is_driven_later_in_the_week(migrated: Migrated) -> None:
    (truck,) = vehicles(migrated, "heavy_truck")
    for day in (0, 1, 2, 3, 4, 6):  # 12 h a day: 56 h are passed on Friday, and Sunday comes later
        start = MONDAY + day * DAY
        drive(migrated, truck, day, (start, 360, "WEEK"), (start + 8 * HOUR, 360, "WEEK"))
        judge(migrated, FatigueRules.EU)
    ((_, _, start, end, hours, _),) = [
        event for event in fatigue(migrated, [truck], "WEEK") if event[1] == "fatigue_eu_weekly"
    ]
    assert (start.date(), end.date()) == ((MONDAY + 4 * DAY).date(), (MONDAY + 6 * DAY).date())
    assert hours == pytest.approx(6 * 12)


def test_a_card_used_in_two_trucks_at_once_for_a_week_stops_nothing(migrated: Migrated) -> None:
    first, second = vehicles(migrated, "heavy_truck", "heavy_truck")
    for day in range(7):  # more than a fortnight's 90 h: both fortnights of the week are broken
        start = MONDAY + day * DAY
        drive(migrated, first, day, (start, 720, "TWICE"))
        drive(migrated, second, day, (start + 12 * HOUR, 660, "TWICE"))
    drive(migrated, first, 8, (MONDAY + 8 * DAY, 60, "TWICE"))
    failures = Failures()
    judge(migrated, FatigueRules.EU, failures)
    assert failures.count == 0
    kinds = [event[1] for event in fatigue(migrated, [first, second], "TWICE")]
    assert kinds.count("fatigue_eu_fortnight") == 1


def test_the_rules_of_buses_hold_for_what_is_driven_in_a_bus(migrated: Migrated) -> None:
    bus, truck = vehicles(migrated, "bus", "heavy_truck")
    # Ten hours in 24, with stops of half an hour: too much for passengers, not for freight.
    for place, day in ((truck, 0), (bus, 3), (truck, 6)):
        starts = [MONDAY + day * DAY + n * 4 * HOUR for n in range(3)]
        drive(migrated, place, day, *((start, 200, "BOTH") for start in starts))
        judge(migrated, FatigueRules.CHINA)
    ((place, kind, start, *_),) = fatigue(migrated, [bus, truck], "BOTH")
    assert (place, kind, start.date()) == (0, "fatigue_china_24h", (MONDAY + 3 * DAY).date())


def test_a_night_is_that_of_the_bus_s_fleet(migrated: Migrated) -> None:
    party = ensure_party(migrated.connection, "Night lines", "owner")
    # 18:00 to 20:40 UTC is deep night in India and ends before ten in London.
    for zone, expected in (("Asia/Kolkata", ["fatigue_china_night_2h"]), ("Europe/London", [])):
        (bus,) = vehicles(migrated, "bus")
        fleet = ensure_fleet(migrated.connection, party_id=party, name=zone, time_zone=zone)
        (vin,) = migrated.connection.execute(
            "SELECT vin FROM vehicle WHERE vehicle_id = %s", (bus,)
        ).fetchone() or ("",)
        add_to_fleet(migrated.connection, fleet_id=fleet, vin=vin)
        drive(migrated, bus, 0, (MONDAY + 18 * HOUR, 160, zone))
        judge(migrated, FatigueRules.CHINA)
        assert [kind for _, kind, *_ in fatigue(migrated, [bus], zone)] == expected


def test_a_driver_whose_hours_cannot_be_judged_stops_no_other(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = vehicles(migrated, "heavy_truck", "heavy_truck")
    drive(migrated, first, 0, (MONDAY, 290, "UNLUCKY"))
    drive(migrated, second, 0, (MONDAY, 290, "LUCKY"))

    def poisoned(spans: pd.DataFrame, *arguments: Any, **named: Any) -> pd.DataFrame:
        if first in spans["vehicle"].tolist():
            raise ValueError("no hours")
        return fatigue_events(spans, *arguments, **named)

    monkeypatch.setattr(duties_of_runner, "fatigue_events", poisoned)
    failures = Failures()
    for _ in range(2):  # named once, tried once
        judge(migrated, FatigueRules.CHINA, failures)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    (duty,) = changed_duties(migrated.connection)
    assert (failures.count, f"duty {duty}" in record.getMessage()) == (1, True)
    assert len(fatigue(migrated, [second], "LUCKY")) == 1
    monkeypatch.undo()
    assert judge(migrated, FatigueRules.CHINA) == 1
    assert len(fatigue(migrated, [first], "UNLUCKY")) == 1


def test_of_two_that_judge_hours_at_once_the_second_sees_what_the_first_did_not(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    (truck,) = vehicles(migrated, "heavy_truck")
    drive(migrated, truck, 0, (MONDAY, 290, "AT ONCE"))
    others: list[threading.Thread] = []

    def second() -> None:
        with connect(migrated.dsn) as connection:
            judge_hours(connection, AnalysisSettings(), Failures())

    def meanwhile(spans: pd.DataFrame, *arguments: Any, **named: Any) -> pd.DataFrame:
        if not others:
            # The hours just read turn out to be two and two, and somebody else judges that.
            other = connect(migrated.dsn)
            start = (MONDAY, 120, "AT ONCE"), (MONDAY + 3 * HOUR, 120, "AT ONCE")
            assert store(other, truck, (MONDAY, MONDAY + DAY), *start)
            other.close()
            others.append(threading.Thread(target=second))
            others[0].start()
            others[0].join(0.3)
        return fatigue_events(spans, *arguments, **named)

    monkeypatch.setattr(duties_of_runner, "fatigue_events", meanwhile)
    judge(migrated, FatigueRules.CHINA)
    others[0].join()
    assert fatigue(migrated, [truck], "AT ONCE") == []
    assert changed_duties(migrated.connection) == []
