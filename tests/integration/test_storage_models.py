"""Models are kept as they were stored, one of a kind is champion, and how they do is kept."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from storage import advice, model_errors, models
from storage.connection import connect
from storage.errors import StorageError
from storage.models import FUEL, Stage
from tests.samples.behaviour_samples import DAY, HOUR, MONDAY, NOON, WEEK
from tests.samples.behaviour_samples import store as drive
from tests.samples.fuel_tables import found, store, waiting
from tests.samples.model_rows import a_model, drift, evaluation, new

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated


@pytest.fixture
def database(small: Migrated) -> Iterator[Connection]:
    """A database without models."""
    small.connection.execute("DELETE FROM model")
    yield small.connection
    small.connection.execute("DELETE FROM model")


def keep(connection: Connection, body: bytes, **others: Any) -> int:
    return a_model(connection, body=body, **others)


def stages(connection: Connection, kind: str | None = None) -> dict[int, str]:
    return {model.model_id: model.stage for model in models.models(connection, kind)}


def test_a_model_comes_back_as_it_was_stored(database: Connection) -> None:
    body = bytes(range(256)) * 9
    number, stage = models.store_model(database, new(body, note="first winter"))
    assert stage is Stage.CHAMPION
    kept = models.champion(database)
    assert kept == models.one(database, number)
    assert kept.checksum == hashlib.sha256(body).hexdigest()
    assert (kept.kind, kept.data_from, kept.data_to) == (
        FUEL,
        date(2026, 10, 1),
        date(2026, 10, 28),
    )
    assert (kept.metrics, kept.reference) == ({"vehicles": 12}, {"classes": {}})
    assert (kept.evaluation, kept.inputs) == ({"all": evaluation()}, {"vehicles": 12})
    assert (kept.note, kept.size, kept.run_id) == ("first winter", len(body), None)
    assert models.body_of(database, number) == (body, kept.checksum)
    assert models.card_of(database, number) == "# Model card"
    models.note_run(database, number, "a1b2")
    assert models.one(database, number).run_id == "a1b2"


def test_where_there_is_no_model_none_is_used(database: Connection) -> None:
    assert models.models(database) == []
    assert models.champion(database) is None
    assert models.champion_before(database) is None


def test_later_models_are_candidates_until_one_is_promoted(database: Connection) -> None:
    first, second, third = (keep(database, body) for body in (b"one", b"two", b"three"))
    other = keep(database, b"of another kind", kind="cruise")
    assert stages(database, FUEL) == {third: "candidate", second: "candidate", first: "champion"}
    assert stages(database, "cruise") == {other: "champion"}
    models.promote(database, third)
    assert stages(database, FUEL) == {third: "champion", second: "candidate", first: "archived"}
    assert models.champion_before(database) == first
    models.promote(database, first)
    assert models.champion_before(database) == third
    models.archive(database, second)
    assert stages(database, FUEL) == {third: "archived", second: "archived", first: "champion"}
    with pytest.raises(StorageError, match=rf"Model {first} is the champion of fuel"):
        models.archive(database, first)


def test_a_model_that_is_not_there_is_refused_and_the_champion_stays(database: Connection) -> None:
    number = keep(database, b"one")
    for change in (models.promote, models.archive, models.body_of, models.card_of):
        with pytest.raises(StorageError, match=rf"no model {number + 1}: there are {number} "):
            change(database, number + 1)
    with pytest.raises(StorageError, match="a model"):
        keep(database, b"two", code_version="\x00")
    assert stages(database) == {number: "champion"}


def test_of_models_stored_at_once_one_is_champion(small: Migrated, database: Connection) -> None:
    def run(number: int) -> int:
        with connect(small.dsn) as connection:
            return keep(connection, bytes([number]))

    with ThreadPoolExecutor(max_workers=4) as pool:
        stored = set(pool.map(run, range(8)))
    assert len(stored) == 8
    assert sorted(stages(database).values()) == ["candidate"] * 7 + ["champion"]


def test_with_another_champion_the_last_weeks_wait_again(
    small: Migrated, database: Connection, number: int
) -> None:
    today = datetime.now(tz=MONDAY.tzinfo).replace(hour=4, minute=0, second=0, microsecond=0)
    for weeks in (0, 3, 5):
        start = today - timedelta(weeks=weeks)
        drive(database, number, (start, start + HOUR), (start, 30, None))

    def all_worked_up() -> None:
        for week in waiting(database, number):
            store(database, week, found())
            advice.store_results(database, week, [], [], days=7)
        assert waiting(database, number) == []

    all_worked_up()
    monday = today.date() - timedelta(days=today.weekday())
    again = [monday - timedelta(weeks=3), monday]
    keep(database, b"one")
    assert [week.week for week in waiting(small.connection, number)] == again
    all_worked_up()
    second = keep(database, b"two")
    keep(database, b"of another kind", kind="cruise")
    assert waiting(database, number) == []
    models.promote(database, second)
    assert [week.week for week in waiting(database, number)] == again


# How they do


@pytest.fixture
def driven(database: Connection, number: int) -> int:
    """A vehicle that drove on the first three days of a week."""
    database.execute("TRUNCATE fuel_stats, fuel_segment")
    drive(database, number, (MONDAY, MONDAY + 3 * DAY), (NOON, 30, None))
    (week,) = waiting(database, number)
    store(database, week, found(NOON, NOON + DAY, NOON + 2 * DAY))
    return number


def told(days: pd.DataFrame, absolute: float) -> pd.DataFrame:
    return days.assign(rows=2, actual=10.0, signed=-absolute, absolute=absolute)


def test_days_after_training_wait_until_they_are_predicted_as_they_are(
    database: Connection, driven: int
) -> None:
    one = keep(database, b"one", data=(WEEK, WEEK))
    days = model_errors.days_to_judge(database, one, WEEK)
    assert days["vehicle"].tolist() == [driven] * 2
    assert days["day"].tolist() == [WEEK + timedelta(days=1), WEEK + timedelta(days=2)]
    model_errors.store_errors(database, one, told(days, 1.0))
    assert len(model_errors.days_to_judge(database, one, WEEK)) == 0
    # The week is worked up again: what was predicted is of segments that are no more.
    database.execute("UPDATE touched_fuel_week SET touched = touched + 1, worked = worked + 1")
    assert len(model_errors.days_to_judge(database, one, WEEK)) == 2
    model_errors.store_errors(
        database, one, told(model_errors.days_to_judge(database, one, WEEK), 2.0)
    )
    of_week = model_errors.of_week(database, one, WEEK)
    assert of_week.index.tolist() == [driven]
    assert of_week.to_numpy().tolist() == [[4, 20.0, -4.0, 4.0]]
    assert model_errors.weeks_judged(database, one, WEEK) == [WEEK]


@pytest.mark.usefixtures("driven")
def test_two_models_are_compared_on_days_that_neither_was_trained_on(
    database: Connection,
) -> None:
    one = keep(database, b"one", data=(WEEK - DAY, WEEK - DAY))
    two = keep(database, b"two", data=(WEEK, WEEK))
    for model, after, off in ((one, WEEK - DAY, 3.0), (two, WEEK, 1.0)):
        days = model_errors.days_to_judge(database, model, after)
        model_errors.store_errors(database, model, told(days, off))
    side = model_errors.side_by_side(database, two, one)
    assert side.to_numpy().tolist() == [[2, 4, 20.0, 2.0, 6.0, -2.0, -6.0]]


def test_what_is_said_of_a_weeks_drift_takes_the_place_of_what_was(database: Connection) -> None:
    one = keep(database, b"one")
    model_errors.store_drift(database, one, WEEK, [drift(WEEK)])
    bias = {"of_what": "error", "name": "bias", "value": 3.0, "low": 2.5, "high": 3.5}
    again = drift(WEEK, **bias, reference=0.1, limit=2.0, drifted=True)
    model_errors.store_drift(database, one, WEEK, [again])
    assert model_errors.drift(database, one, WEEK) == [again]
    assert model_errors.drift(database, one, WEEK + timedelta(days=1)) == []
