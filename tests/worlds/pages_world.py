"""An owner's fleet as the pages show it: weeks of fuel, advice, drivers' scores, one whole trip.

North has eight trucks and six drivers; South has one truck and a driver that North must never see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from psycopg.types.json import Jsonb

from storage.registers import (
    add_to_fleet,
    employ_driver,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
)
from storage.score_tables import ChangedWeek, store_week_scores
from tests.asking.api_fixture import record
from tests.samples.behaviour_samples import DAY, HOUR, score_part, score_row, store
from tests.worlds.identity_world import World
from tests.worlds.served_fuel_world import FACTS, expected, insert, part, piece

if TYPE_CHECKING:
    from pathlib import Path

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

TRUCKS = 8
VINS = [f"LSGAA11112A0001{n:02d}" for n in range(TRUCKS)]
FOREIGN_VIN, FOREIGN_DRIVER = "LSGAA11112A000999", "Foreign Driver"
DRIVERS = ["王伟", "李强", "张敏", "刘洋", "陈磊", "赵静"]
WEEKS = 5
MONDAY = datetime(2026, 10, 25, 16, tzinfo=UTC)
"""00:00 in Shanghai, of the newest week, 2026-W44."""
WEEK = MONDAY.date() + DAY
TRIP = MONDAY + 26 * HOUR
"""The start of the trip whose signals are there, of the first truck."""
TRIP_MINUTES = 40
TRIP_KM, TRIP_LITRES = 40.0, 13.4
BRAKED = (9, 21, 33)
"""Minutes of a trip with a harsh braking."""
BETTER = {
    "past_score": 66.0,
    "past_weeks": 4,
    "change": 6.0,
    "change_low": 1.0,
    "change_high": 11.0,
    "trend": "better",
}
CAUSES = {"speed": 0.031, "idling": 0.018, "harsh": 0.012, "gears": 0.009, "tyres": 0.004}
"""What each takes of the fuel."""


@dataclass(kw_only=True)
class PagesWorld(World):
    """What was made, by its numbers."""

    fleet: int
    south: int
    foreign_fleet: int
    foreign_driver: int
    foreign_advice: int
    drivers: list[int]
    advice: dict[str, int]


def pages_world(database: Migrated, folder: Path) -> PagesWorld:
    """Make it."""
    connection = database.connection
    north, south = (ensure_party(connection, name, "owner") for name in ("North", "South"))
    maker = ensure_party(connection, "Maker", "maker")
    auditor = ensure_party(connection, "Authority", "auditor")
    cards = [f"CHN{n:013d}" for n in range(1, len(DRIVERS) + 1)]
    drivers = [
        employ_driver(connection, card_id=card, party_id=north, name=name)
        for card, name in zip(cards, DRIVERS, strict=True)
    ]
    fleet = ensure_fleet(connection, party_id=north, name="华东干线")
    vehicles = [_own(connection, vin, north, fleet) for vin in VINS]
    for number, vehicle_id in enumerate(vehicles):
        _weeks(connection, vehicle_id, drivers[number % len(drivers)], seed=number)
    _trips(connection, vehicles, cards)
    _scores(connection, drivers)
    foreign_fleet = ensure_fleet(connection, party_id=south, name="South trucks")
    foreign = _own(connection, FOREIGN_VIN, south, foreign_fleet)
    foreign_driver = employ_driver(
        connection, card_id="CHN9999999999999", party_id=south, name=FOREIGN_DRIVER
    )
    part(connection, foreign, MONDAY + DAY, foreign_driver, fuel_l=77.7, counter_l=77.7)
    _state(database)
    made = PagesWorld(
        database=database,
        keys_file=folder / "identity" / "keys.json",
        maker=maker,
        owner=north,
        auditor=auditor,
        driver=drivers[0],
        fleet=fleet,
        south=south,
        foreign_fleet=foreign_fleet,
        foreign_driver=foreign_driver,
        foreign_advice=_piece(connection, foreign, foreign_driver, "idling", 9.0),
        drivers=drivers,
        advice={
            "speed": _piece(connection, vehicles[0], drivers[0], "speed", 31.4),
            "idling": _piece(connection, vehicles[1], drivers[1], "idling", 24.6),
            "tyres": _piece(connection, vehicles[2], None, "tyres", 12.3),
            "gears": _piece(connection, vehicles[3], drivers[3], "gears", 6.1),
        },
    )
    _results(connection, vehicles, drivers)
    for name, party in (("wu", north), ("south", south)):
        made.account(name, party=party)
    made.account("auditor", "auditor", party=auditor)
    made.account("admin", "administrator", party=north)
    made.account("newcomer", "owner", party=ensure_party(connection, "Newcomer", "owner"))
    return made


def _own(connection: Connection, vin: str, party: int, fleet: int) -> int:
    vehicle = register_vehicle(connection, vin)
    grant_access(connection, party_id=party, vin=vin, purpose="ownership")
    add_to_fleet(connection, fleet_id=fleet, vin=vin, member=(MONDAY - 90 * DAY, None))
    return vehicle.vehicle_id


def _weeks(connection: Connection, vehicle_id: int, driver_id: int, *, seed: int) -> None:
    """A part a day of five days a week; what is burnt falls a little from week to week."""
    random = np.random.default_rng(seed)
    for week in range(WEEKS):
        for day in range(5):
            start = MONDAY - (WEEKS - 1 - week) * 7 * DAY + day * DAY + 2 * HOUR
            km = float(random.uniform(280, 420))
            litres = km * (0.345 - 0.006 * week + float(random.uniform(-0.02, 0.02)))
            if start == TRIP and seed == 0:
                km, litres = TRIP_KM, TRIP_LITRES
            causes = {
                name: (litres * share * float(random.uniform(0.6, 1.4)), litres * 0.01)
                for name, share in CAUSES.items()
            }
            causes["rest"] = (-litres * 0.006, litres * 0.012)
            base = litres - sum(value for value, _ in causes.values())
            part(
                connection,
                vehicle_id,
                start,
                driver_id,
                distance_km=km,
                fuel_l=litres,
                counter_l=litres,
                idle_fuel_l=litres * 0.05,
                moving_fuel_l=litres * 0.95,
                **expected(base, base * 0.03, "model"),
                causes=causes,
            )


def _trips(connection: Connection, vehicles: list[int], cards: list[str]) -> None:
    for number, vehicle_id in enumerate(vehicles):
        card = cards[number % len(cards)]
        begin = TRIP - number * timedelta(minutes=7)
        minutes = TRIP_MINUTES if number == 0 else 60 + 5 * number
        braked = [(begin + m * timedelta(minutes=1), card) for m in BRAKED]
        store(
            connection,
            vehicle_id,
            (MONDAY, MONDAY + 7 * DAY),
            (begin, minutes, card),
            (begin + 2 * DAY, 50, card),
            braked=braked,
            of_trips={"fuel_l": TRIP_LITRES, "l_per_100km": 100 * TRIP_LITRES / TRIP_KM},
        )

    # The events of the first truck's trip are where it was then.
    for minute in BRAKED:
        connection.execute(
            "UPDATE driving_event SET latitude = %s, longitude = %s"
            " WHERE vehicle_id = %s AND start_time = %s",
            (*_place(minute), vehicles[0], TRIP + minute * timedelta(minutes=1)),
        )


def _place(minute: float) -> tuple[float, float]:
    """Where the trip is: a bend from Shanghai towards Suzhou."""
    return 31.23 + 0.0016 * minute + 0.02 * math.sin(minute / 9), 121.47 - 0.0095 * minute


def _state(database: Migrated) -> None:
    """Latest values of all trucks but the last, and the whole trip of the first."""
    seconds = np.arange(TRIP_MINUTES * 60)
    places = np.array([_place(second / 60) for second in seconds])
    speed = 62 + 22 * np.sin(seconds / 260) + 3 * np.sin(seconds / 17)
    speed[:60] = np.linspace(0, speed[60], 60)
    speed[-60:] = np.linspace(speed[-60], 0, 60)
    trip = pd.DataFrame(
        {
            "wheel_speed": np.round(speed * 256) / 256,
            "latitude": places[:, 0],
            "longitude": places[:, 1],
            "fuel_rate": np.round((18 + 0.3 * speed) * 20) / 20,
        },
        index=pd.date_range(TRIP, periods=len(seconds), freq="s", tz="UTC"),
    )
    record(database, VINS[0], trip)
    now = datetime.now(tz=UTC)
    for number, vin in enumerate(VINS[:-1]):
        latitude, longitude = 31.0 + 0.21 * (number % 3), 120.4 + 0.33 * number
        moving = number % 3 == 0
        record(
            database,
            vin,
            pd.DataFrame(
                {
                    "wheel_speed": [76.0 if moving else 0.0],
                    "engine_running": [float(number % 3 != 2)],
                    "odometer": [203_118.5 + 9871 * number],
                    "fuel_level_1": [[62.4, 38.0, 11.2][number % 3]],
                    "latitude": [latitude],
                    "longitude": [longitude],
                },
                index=pd.DatetimeIndex([now - timedelta(minutes=1 + number)]),
            ),
        )


def _scores(connection: Connection, drivers: list[int]) -> None:
    """Two weeks of scores with what moved them."""
    lost = {"idling": 9.0, "anticipation": 6.5, "cruise": 5.0, "overspeed": 3.2, "coasting": 1.8}
    for monday, before in ((WEEK - 7 * DAY, 4.0), (WEEK, 0.0)):
        rows, parts = [], []
        for place, driver_id in enumerate(drivers):
            subject = {"subject_kind": "driver", "subject_id": driver_id}
            share = 0.7 + 0.12 * place
            points = {
                metric: (20.0 - value * share, value * share) for metric, value in lost.items()
            }
            score = sum(point for point, _ in points.values()) - before
            grade = "A" if score >= 80 else "B" if score >= 70 else "C"
            trend = {} if before or place > 3 else BETTER
            rows.append(subject | score_row(score) | {"grade": grade} | trend)
            parts += [
                subject | score_part(metric, point, gone)
                for metric, (point, gone) in points.items()
            ]
        store_week_scores(
            connection,
            ChangedWeek(week=monday, touches={}),
            pd.DataFrame(rows),
            pd.DataFrame(parts),
            pd.DataFrame(),
            method_version=1,
        )


def _piece(
    connection: Connection, vehicle_id: int, driver_id: int | None, cause: str, litres: float
) -> int:
    shares = [0.24, 0.1, 0.31, 0.05, 0.3, 0, 0]
    evidence = {
        "parts": [
            {
                "trip_start": TRIP.isoformat(),
                "part_start": TRIP.isoformat(),
                "distance_km": 40.0,
                "litres": litres * 0.31,
            }
        ],
        "chart": {
            "unit": "L",
            "days": [(WEEK + n * DAY).isoformat() for n in range(7)],
            "values": [round(litres * share, 3) for share in shares],
        },
    }
    facts = FACTS | {"share_percent": 2.6, "overspeed_percent": 11.0, "green_band_percent": 61.0}
    return piece(
        connection,
        vehicle_id,
        driver_id,
        cause,
        litres,
        low_l=litres * 0.8,
        high_l=litres * 1.2,
        distance_km=1720.0,
        fuel_l=571.0,
        confidence="high",
        evidence=Jsonb(evidence),
        facts=Jsonb(facts),
    )


def _results(connection: Connection, vehicles: list[int], drivers: list[int]) -> None:
    """What came of three pieces of advice of four weeks before."""
    for number, (cause, saved, verdict) in enumerate(
        (("idling", 61.0, "helped"), ("speed", 48.0, "helped"), ("harsh", 6.0, "no clear change"))
    ):
        advice_id = piece(
            connection,
            vehicles[number],
            drivers[number],
            cause,
            saved / 3,
            week=WEEK - 28 * DAY,
            status="accepted",
        )
        insert(
            connection,
            "advice_result",
            {
                "advice_id": advice_id,
                "weeks_before": 4,
                "weeks_after": 3,
                "saved_l_per_100km": saved / 60,
                "low": saved / 60 - 0.4,
                "high": saved / 60 + 0.4,
                "saved_l": saved,
                "low_l": saved - 24,
                "high_l": saved + 24,
                "verdict": verdict,
            },
        )
