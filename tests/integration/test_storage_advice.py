"""Advice made again is the same piece to whoever has read it; results come and go with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from storage import advice
from storage.errors import StorageError
from storage.registers import add_to_fleet, ensure_fleet, ensure_party
from tests.samples.behaviour_samples import DAY, MONDAY, NOON, WEEK, rows
from tests.samples.behaviour_samples import store as drive
from tests.samples.fuel_tables import advice as pieces
from tests.samples.fuel_tables import found, store, waiting

if TYPE_CHECKING:
    from storage.fuel import FuelWeek
    from tests.servers.database_fixture import Migrated

SPAN = (MONDAY, MONDAY + DAY)


@pytest.fixture
def week(small: Migrated, number: int) -> FuelWeek:
    """A week that is worked up."""
    drive(small.connection, number, SPAN, (NOON, 30, None))
    (week,) = waiting(small.connection, number)
    store(small.connection, week, found(NOON))
    return week


def given(database: Migrated, number: int) -> list[tuple[Any, ...]]:
    return rows(
        database,
        "SELECT advice_id, cause, variant, saving_l, status FROM advice WHERE vehicle_id = %s"
        " ORDER BY cause",
        number,
    )


def answer(database: Migrated, number: int, status: str) -> None:
    database.connection.execute(
        "UPDATE advice SET status = %s, status_at = now() WHERE vehicle_id = %s", (status, number)
    )


def test_advice_is_stored_with_its_week_and_what_it_is_made_of(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    advice.store_advice(small.connection, week, pieces("idling", driver_id=7))
    assert rows(
        small,
        "SELECT driver_id, week, start_time, end_time, low_l, facts, evidence, status"
        " FROM advice WHERE vehicle_id = %s",
        number,
    ) == [
        (
            7,
            WEEK,
            MONDAY - timedelta(hours=8),
            MONDAY + 7 * DAY - timedelta(hours=8),
            8.0,
            {"trips": 4, "missing": []},
            {"parts": [], "chart": None},
            "given",
        )
    ]
    told = advice.given(small.connection, number, WEEK, WEEK)
    assert told["driver_id"].tolist() == [7]
    assert told["week"].tolist() == [WEEK]
    assert told["facts"].tolist() == [{"trips": 4, "missing": []}]
    assert len(advice.given(small.connection, number, WEEK + DAY, WEEK + 7 * DAY)) == 0


def test_what_is_counted_in_no_litres_has_none(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    nothing = dict.fromkeys(("saving_l", "low_l", "high_l"), float("nan"))
    advice.store_advice(small.connection, week, pieces("idle_days", **nothing))
    assert [row[3] for row in given(small, number)] == [None]


@pytest.mark.parametrize(("status", "variant"), [("given", 1), ("seen", 0), ("accepted", 0)])
def test_made_again_it_keeps_number_and_status_and_words_that_were_read(
    small: Migrated, number: int, week: FuelWeek, status: str, variant: int
) -> None:
    advice.store_advice(small.connection, week, pieces("idling", "speed"))
    answer(small, number, status)
    before = given(small, number)
    again = pieces("idling", "speed", saving_l=13.0, variant=1)
    advice.store_advice(small.connection, week, again)
    assert given(small, number) == [(piece[0], piece[1], variant, 13.0, status) for piece in before]


@pytest.mark.parametrize(
    ("status", "left"), [("given", 0), ("seen", 0), ("accepted", 1), ("dismissed", 1)]
)
def test_what_is_no_longer_given_goes_unless_somebody_has_decided_on_it(
    small: Migrated, number: int, week: FuelWeek, status: str, left: int
) -> None:
    advice.store_advice(small.connection, week, pieces("idling"))
    answer(small, number, status)
    advice.store_advice(small.connection, week, pieces())
    assert len(given(small, number)) == left


def test_a_driver_s_piece_is_another_than_the_vehicle_s(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    both = pd.concat([pieces("idling"), pieces("idling", driver_id=7)], ignore_index=True)
    for _ in range(2):
        advice.store_advice(small.connection, week, both)
        assert len(given(small, number)) == 2
    advice.store_advice(small.connection, week, pieces("idling", driver_id=7))
    assert len(given(small, number)) == 1


def test_what_cannot_be_stored_leaves_all_as_it_was(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    advice.store_advice(small.connection, week, pieces("idling"))
    before = given(small, number)
    wrong = pd.concat([pieces("speed"), pieces("gears", effort="none")], ignore_index=True)
    with pytest.raises(StorageError, match=f"advice on vehicle {number} for the week of {WEEK}"):
        advice.store_advice(small.connection, week, wrong)
    assert given(small, number) == before


def test_results_are_measured_anew_and_end_with_their_advice(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    advice.store_advice(small.connection, week, pieces("idling"))
    numbers = [row[0] for row in given(small, number)]
    result = {
        "advice_id": numbers[0],
        "weeks_before": 2,
        "weeks_after": 3,
        "saved_l_per_100km": 1.0,
        "low": 0.5,
        "high": 1.5,
        "saved_l": 60.0,
        "low_l": 30.0,
        "high_l": 90.0,
        "verdict": "helped",
    }
    asked = "SELECT saved_l, verdict FROM advice_result WHERE advice_id = ANY (%s)"
    for saved in (60.0, 70.0):
        what = [result | {"saved_l": saved}]
        advice.store_results(small.connection, week, numbers, what, days=7)
        assert rows(small, asked, numbers) == [(saved, "helped")]
    advice.store_results(small.connection, week, numbers, [], days=7)
    assert rows(small, asked, numbers) == []
    advice.store_results(small.connection, week, numbers, [result], days=7)
    advice.store_advice(small.connection, week, pieces())
    assert rows(small, asked, numbers) == []
    with pytest.raises(StorageError, match=f"advice on vehicle {number}"):
        advice.store_results(small.connection, week, [], [result], days=7)


def test_a_week_that_changed_meanwhile_is_not_taken_for_advised(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    drive(small.connection, number, SPAN, (NOON, 40, None))
    advice.store_results(small.connection, week, [], [], days=7)
    assert [left.to_work_up for left in waiting(small.connection, number)] == [True]


def test_days_count_that_are_over_and_on_which_the_vehicle_was_in_a_fleet(
    small: Migrated, vehicle: int, week: FuelWeek
) -> None:
    assert advice.days_over(small.connection, week, "Asia/Shanghai") == (7, 0)
    owner = ensure_party(small.connection, f"owner {vehicle}", "owner")
    fleet = ensure_fleet(small.connection, party_id=owner, name="all")
    add_to_fleet(
        small.connection,
        fleet_id=fleet,
        vin=f"LTEST{vehicle:012d}",
        member=(NOON + 2 * DAY, NOON + 4 * DAY),
    )
    assert advice.days_over(small.connection, week, "Asia/Shanghai") == (7, 3)


def test_what_advice_is_made_of_is_read_by_weeks_with_its_types(
    small: Migrated, number: int, week: FuelWeek
) -> None:
    assert week
    parts = advice.parts(small.connection, number, WEEK, WEEK)
    assert parts["part_start"].tolist() == [NOON]
    assert parts["missing"].tolist() == [["tyre_pressure", "torque"]]
    assert parts["payload_t_km"].isna().all()
    causes = advice.causes(small.connection, number, WEEK, WEEK)
    assert causes["cause"].tolist() == ["idling", "rest", "speed"]
    behaviour = advice.behaviour(small.connection, number, WEEK, WEEK)
    assert behaviour["part_start"].tolist() == [NOON]
    for read in (advice.parts, advice.causes, advice.behaviour):
        some = read(small.connection, number, WEEK, WEEK)
        none = read(small.connection, number, WEEK - 7 * DAY, WEEK - 7 * DAY)
        assert len(none) == 0
        assert none.dtypes.to_dict() == some.dtypes.to_dict()
