"""What analysis stores does not depend on when data came or when it ran; counters never fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from analytics.accumulated import LAYOUT
from analytics.runner.run import Outcome, analyse
from analytics.runner.settings import AnalysisSettings
from schemas import catalogue
from simulator import SimulationConfig
from storage.connection import connect
from storage.settings import StorageSettings
from tests.samples.analysed import content, require_same
from tests.servers.database_fixture import migrated_to, new_database
from tests.worlds.driven_fleet import midnight_before, uploads, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

# 22:00 UTC is six in the morning in China: two working hours before midnight UTC, five after it.
CONFIG = SimulationConfig(
    vehicles=4, days=7 / 24, seed=5, start=midnight_before(3).replace(hour=22)
)


def work_up(database: Migrated) -> Outcome:
    with connect(database.dsn) as reading:
        return analyse(
            database.connection,
            database.server,
            database.catalogue,
            StorageSettings(),
            AnalysisSettings(score_least_km=20),
            reading=reading,
        )


@pytest.fixture(scope="module")
def sent() -> list[bytes]:
    _, sent = uploads(CONFIG)
    return sent


@pytest.fixture(scope="module")
def at_once(database_server: str, sent: list[bytes]) -> Iterator[Migrated]:
    """A database that got everything in order, analysed once."""
    with new_database(database_server) as dsn, migrated_to(dsn, catalogue.default()) as database:
        write(database, sent)
        assert work_up(database).vehicle_days == 8  # four vehicles, two UTC days each
        yield database


def test_every_table_is_filled(at_once: Migrated) -> None:
    for table, rows in content(at_once).items():
        # What advice came to shows after weeks; nothing need have happened to a tank.
        assert rows or table in {"advice", "advice_result", "tank_event"}, table


def test_shuffled_late_and_repeated_data_end_with_the_same_tables(
    at_once: Migrated, database_server: str, sent: list[bytes]
) -> None:
    disorder = np.random.default_rng(11)
    shuffled = [sent[place] for place in disorder.permutation(len(sent)).tolist()]
    repeated = shuffled[:: len(sent) // 50]
    with new_database(database_server) as dsn, migrated_to(dsn, catalogue.default()) as database:
        served: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
        for part in np.array_split(np.arange(len(shuffled)), 4):
            write(database, [shuffled[place] for place in part.tolist()])
            work_up(database)
            served = _not_fallen(database, served)
        write(database, repeated)
        work_up(database)
        _not_fallen(database, served)
        # What was corrected on the way is carried forward, and nothing else is ahead.
        require_same(content(database), content(at_once))


def test_a_second_run_finds_nothing_to_do_and_changes_nothing(at_once: Migrated) -> None:
    before = content(at_once)
    outcome = work_up(at_once)
    assert (outcome.vehicle_days, outcome.duties, outcome.scored_weeks) == (0, 0, 0)
    assert content(at_once) == before


def test_counters_agree_with_the_trips_they_come_from(at_once: Migrated) -> None:
    place = next(n for n, cell in enumerate(LAYOUT) if cell.name == "all/distance")
    rows = at_once.connection.execute(
        "SELECT (SELECT sum(distance_km) FROM trip WHERE trip.vehicle_id = accumulated.vehicle_id),"
        f" served[{place + 1}] / 1000 FROM accumulated"
    ).fetchall()
    assert len(rows) == 4
    for trips_km, counted_km in rows:
        # Trips go by the odometer, counters by speed: 5 m a reading, and manoeuvres are no trips.
        assert counted_km == pytest.approx(trips_km, rel=0.01, abs=0.2)


def _not_fallen(
    database: Migrated, before: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    now = {
        vin: np.array(served)
        for vin, served in database.connection.execute(
            "SELECT vin, served FROM accumulated JOIN vehicle USING (vehicle_id)"
        )
    }
    for vin, served in before.items():
        assert (now[vin] >= served).all(), f"a counter of {vin} fell"
    return now
