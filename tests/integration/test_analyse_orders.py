"""In whatever order data come, and how often, analysis ends with what all at once would give."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import count, permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.samples.analysed import content, require_same
from tests.worlds.driven_fleet import midnight_before
from tests.worlds.driven_vehicle import DrivenVehicle, driving, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.servers.database_fixture import Migrated
    from tests.worlds.driven_vehicle import Card, Rows

    Piece = Rows | Card

M = midnight_before(20)
"""The midnight everything happens about."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

_numbers = count()


@pytest.fixture
def another(migrated: Migrated) -> Iterator[Callable[[], DrivenVehicle]]:
    """Makes vehicles, which are closed at the test's end."""
    vehicles: list[DrivenVehicle] = []

    def make() -> DrivenVehicle:
        vehicles.append(DrivenVehicle(migrated, f"LVBV3ABB5PE{next(_numbers):06d}"))
        return vehicles[-1]

    yield make
    for vehicle in vehicles:
        vehicle.close()


def require_any_order(
    another: Callable[[], DrivenVehicle], *chunks: Sequence[Piece]
) -> list[tuple[object, ...]]:
    """Analyse after each chunk, in every order, and compare with all at once; its trips."""
    whole = another()
    for chunk in chunks:
        whole.write(*chunk)
    whole.analyse()
    expected = content(whole.database, whole.vin)
    for order in permutations(chunks):
        vehicle = another()
        for chunk in order:
            vehicle.write(*chunk)
            assert vehicle.analyse().failed == 0
        assert vehicle.waiting() == 0
        require_same(content(vehicle.database, vehicle.vin), expected)
    return whole.trips()


def standing(start: timedelta, seconds: float, **signals: float) -> Rows:
    return rows(M + start, seconds, **{"wheel_speed": 0, "engine_speed": 0} | signals)


def under_key(start: timedelta, minutes: float, km_h: float, ignition: float = 1) -> Rows:
    """Nothing known of the engine."""
    return rows(M + start, 60 * minutes, wheel_speed=km_h, ignition_on=ignition)


HISTORIES: dict[str, tuple[int, tuple[Sequence[Piece], ...]]] = {
    # Less than a minute and 100 m, before midnight, is no trip as long as nothing follows.
    "a drive that begins with a manoeuvre": (
        1,
        ([driving(M - 30 * SECOND, 0.5, km_h=5)], [driving(M, 20)]),
    ),
    "an engine started 40 s before": (
        1,
        (
            [standing(-40 * SECOND, 40, engine_speed=700)],
            [standing(0 * SECOND, 120, engine_speed=700), driving(M + 2 * MINUTE, 20)],
        ),
    ),
    "a manoeuvre, three minutes of rest and a drive": (
        1,
        (
            [driving(M - 4 * MINUTE, 0.5, km_h=5), standing(-210 * SECOND, 210)],
            [driving(M, 20)],
        ),
    ),
    "a drive that ends with a manoeuvre": (
        1,
        (
            [driving(M - 20 * MINUTE, 20)],
            [driving(M, 0.4, km_h=5), standing(24 * SECOND, 600)],
        ),
    ),
    # 65 km in 1.5 h: it drove on.
    "no data for 1.5 h": (
        1,
        (
            [driving(M - 60 * MINUTE, 30, odometer=1000)],
            [driving(M + 60 * MINUTE, 30, odometer=1101)],
        ),
    ),
    "no data for 1.5 h, but it stood": (
        2,
        (
            [driving(M - 60 * MINUTE, 30, odometer=1000)],
            [driving(M + 60 * MINUTE, 30, odometer=1036)],
        ),
    ),
    # Nobody knows what was between: not one trip, nor one span at the wheel.
    "no data for 7 h": (
        2,
        (
            [driving(M - 4 * HOUR, 60, odometer=1000)],
            [driving(M + 4 * HOUR, 30, odometer=1400)],
        ),
    ),
    # A minute's rows in 4.8 h: it drove on between each of them.
    "single rows while it drove on": (
        1,
        (
            [
                driving(M - 3 * HOUR, 30, odometer=1000),
                standing(-90 * MINUTE, 1, odometer=1050),
            ],
            [
                standing(10 * SECOND, 1, odometer=1130),
                driving(M + 80 * MINUTE, 20, odometer=1200),
            ],
        ),
    ),
    "the ignition on for an hour and a half": (
        1,
        (
            [under_key(-2 * HOUR, 60, 50), under_key(-1 * HOUR, 60, 0)],
            [under_key(0 * HOUR, 30, 0), under_key(30 * MINUTE, 20, 50)],
        ),
    ),
    "the ignition on for three hours": (
        2,
        (
            [under_key(-3 * HOUR, 30, 50), under_key(-150 * MINUTE, 150, 0)],
            [under_key(0 * HOUR, 30, 0), under_key(30 * MINUTE, 20, 50)],
        ),
    ),
    "nothing but a satellite receiver": (
        1,
        (
            [rows(M - 30 * MINUTE, 1800, gnss_speed=50, latitude=31, longitude=121)],
            [rows(M, 1200, gnss_speed=50, latitude=31, longitude=121)],
        ),
    ),
    "nothing but a tachograph's word, eight minutes apart": (
        0,
        (
            [rows(M - 30 * MINUTE, 1500, driver1_working_state=3)],
            [rows(M + 3 * MINUTE, 1200, driver1_working_state=3)],
        ),
    ),
    "another driver in mid-trip": (
        1,
        (
            [(M - 2 * HOUR, "ORDER1"), driving(M - 20 * MINUTE, 20)],
            [(M + 5 * MINUTE, "ORDER2"), driving(M, 20)],
        ),
    ),
    # A card says who drives until the next one comes, on days that had been worked up before.
    "a card that comes days late": (
        3,
        (
            [driving(M - 20 * MINUTE, 40), driving(M + 30 * HOUR, 20)],
            [(M - 2 * HOUR, "ORDER1")],
            [(M + 40 * HOUR, "ORDER2"), driving(M + 50 * HOUR, 20)],
        ),
    ),
    # What the other one drives is a stop of the first, though the odometer moves on.
    "two who take turns": (
        1,
        (
            [(M, "ORDER1"), (M + 1 * HOUR, "ORDER2"), (M + 2 * HOUR, "ORDER1")],
            [driving(M, 180, odometer=1000)],
        ),
    ),
    "nothing at all but a card": (0, ([(M, "ORDER1")], [(M + HOUR, None)])),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_what_lies_about_midnight_may_come_in_any_order(
    another: Callable[[], DrivenVehicle], name: str
) -> None:
    trips, chunks = HISTORIES[name]
    assert len(require_any_order(another, *chunks)) == trips


def test_a_driver_rests_while_the_other_one_drives(another: Callable[[], DrivenVehicle]) -> None:
    truck = another()
    truck.write((M, "ORDER1"), (M + HOUR, "ORDER2"), (M + 2 * HOUR, "ORDER1"))
    truck.write(driving(M, 180, odometer=1000))
    truck.analyse()
    spans = truck.database.connection.execute(
        "SELECT card_id, start_time, end_time FROM drive_span JOIN driver USING (driver_id)"
        " WHERE vehicle_id = %s ORDER BY start_time",
        (truck.vehicle_id,),
    ).fetchall()
    assert spans == [
        ("ORDER1", M, M + HOUR),
        ("ORDER2", M + HOUR, M + 2 * HOUR),
        ("ORDER1", M + 2 * HOUR, M + 3 * HOUR),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_histories_nobody_thought_of_may_come_in_any_order(
    another: Callable[[], DrivenVehicle], seed: int
) -> None:
    luck = random.Random(seed)  # noqa: S311 - a test's disorder
    pieces = list(history(luck))
    whole = another()
    whole.write(*pieces)
    whole.analyse()
    expected = content(whole.database, whole.vin)
    luck.shuffle(pieces)
    vehicle = another()
    for piece in pieces:
        vehicle.write(piece)
        if luck.random() < 0.15:
            vehicle.analyse()
    vehicle.write(*luck.sample(pieces, 3))  # once more, as an uplink does that missed its answer
    vehicle.analyse()
    require_same(content(vehicle.database, vehicle.vin), expected)


def history(luck: random.Random) -> Iterator[Piece]:
    """Pieces of an hour or two about each of two midnights, as no vehicle would send them."""
    engine, odometer_works, tachograph, receiver, key = (luck.random() < 0.6 for _ in range(5))
    odometer = 1000.0
    for day in (M, M + 24 * HOUR):
        at = day - luck.choice([10, 40, 100]) * MINUTE
        while at < day + luck.choice([10, 40, 100]) * MINUTE:
            what = luck.choice(["drive", "idle", "stand", "roll", "gap", "gap"])
            seconds = luck.choice([7, 20, 45, 70, 280, 320, 500, 620, 1800])
            if what == "gap":
                seconds = luck.choice([70, 290, 310, 620, 1800, 5400, 7300])
                odometer += luck.choice([0, 5, 60]) * seconds / 3600
                at += seconds * SECOND
                continue
            km_h = {"drive": luck.uniform(20, 90), "roll": luck.uniform(1, 8)}.get(what, 0.0)
            step_s = luck.choice([1, 1, 2, 5])
            way_km = np.arange(max(1, round(seconds / step_s))) * step_s * km_h / 3600
            signals: dict[str, float] = {}
            if engine:
                signals["engine_speed"] = {"drive": 1300, "idle": 650}.get(what, 0)
                signals["fuel_rate"] = luck.choice([2, 20, np.nan])
            if key:
                signals["ignition_on"] = 1 if what in ("drive", "idle") else luck.choice([0, 1])
            if tachograph:
                signals["driver1_working_state"] = 3 if km_h > 10 else luck.choice([0, 2])
            if receiver:
                signals |= {"gnss_speed": km_h, "latitude": 31, "longitude": 121}
            piece = rows(
                at,
                seconds,
                step_s=step_s,
                wheel_speed=km_h + np.sin(np.arange(len(way_km))) if km_h > 10 else km_h,
                odometer=odometer + way_km if odometer_works else np.nan,
                **signals,
            )
            odometer += float(way_km[-1])
            at += len(way_km) * step_s * SECOND
            middle = luck.randrange(len(way_km)) if len(way_km) > 1 else 0
            for part in (slice(0, middle), slice(middle, None)):
                if len(piece[0][part]):
                    columns = {name: values[part] for name, values in piece[1].items()}
                    yield piece[0][part], columns
        for _ in range(luck.randrange(3)):
            yield (
                day + luck.randrange(-6000, 6000) * SECOND,
                luck.choice(["ORDER1", "ORDER2", None]),
            )
