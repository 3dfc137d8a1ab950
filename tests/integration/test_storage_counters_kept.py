"""Counters are kept as they stood at a moment, and at the midnights that analysis passed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated

FIRST = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def worked_up(database: Migrated, vehicle: int, newest: datetime, days: list[list[float]]) -> None:
    """Store what each day brought, from FIRST on, with the vehicle's newest data at `newest`."""
    connection = database.connection
    connection.execute(
        "INSERT INTO vehicle_state (vehicle_id, signal_group, time, values, times)"
        " VALUES (%s, 'motion', %s, '{}', '{}')"
        " ON CONFLICT (vehicle_id, signal_group) DO UPDATE SET time = excluded.time",
        (vehicle, newest),
    )
    connection.execute("DELETE FROM accumulated_day WHERE vehicle_id = %s", (vehicle,))
    for number, increments in enumerate(days):
        connection.execute(
            "INSERT INTO accumulated_day VALUES (%s, %s, %s, 1)",
            (vehicle, (FIRST + number * DAY).date(), increments),
        )
    total = [sum(cell) for cell in zip(*days, strict=True)]
    connection.execute(
        "INSERT INTO accumulated (vehicle_id, layout_version, newest_day, total, served)"
        " VALUES (%s, 1, %s, %s, %s) ON CONFLICT (vehicle_id) DO UPDATE SET"
        " newest_day = excluded.newest_day, total = excluded.total, served = excluded.served",
        (vehicle, newest.date(), total, total),
    )


def kept(database: Migrated, vehicle: int) -> list[tuple[timedelta, list[float]]]:
    rows = database.connection.execute(
        "SELECT until, counters FROM accumulated_at WHERE vehicle_id = %s ORDER BY until",
        (vehicle,),
    )
    return [(until - FIRST, counters) for until, counters in rows]


def test_days_worked_up_at_once_leave_their_midnights_and_the_last_moment(
    small: Migrated, vehicle: int
) -> None:
    worked_up(small, vehicle, FIRST + 2 * DAY + 10 * HOUR, [[5.0, 0.0], [7.0, 1.0], [2.0, 1.0]])
    assert kept(small, vehicle) == [
        (DAY, [5.0, 0.0]),
        (2 * DAY, [12.0, 1.0]),
        (2 * DAY + 10 * HOUR, [14.0, 2.0]),
    ]


def test_what_was_told_stays_and_late_data_only_raise_what_comes_after(
    small: Migrated, vehicle: int
) -> None:
    worked_up(small, vehicle, FIRST + 10 * HOUR, [[5.0]])
    worked_up(small, vehicle, FIRST + DAY + HOUR, [[6.0], [1.0]])
    # The first day turns out to have had more, the second one is over.
    worked_up(small, vehicle, FIRST + 2 * DAY + HOUR, [[9.0], [4.0], [1.0]])
    found = kept(small, vehicle)
    assert found == [
        (10 * HOUR, [5.0]),
        (DAY, [6.0]),
        (DAY + HOUR, [7.0]),
        (2 * DAY, [13.0]),
        (2 * DAY + HOUR, [14.0]),
    ]
    assert all(earlier[1][0] <= later[1][0] for earlier, later in pairwise(found))
