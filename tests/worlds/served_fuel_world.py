"""Fuel and advice in the small world of `behaviour_world`: numbers that are easy to add up.

Wang's first trip with A, an hour with A for which nobody is known (nor the fuel), Wang and Li with
B, Li with C; and a week earlier Wang with A.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.samples.behaviour_samples import DAY, HOUR
from tests.worlds.behaviour_world import MONDAY, SPAN, WEEK, A, B, C, World, world_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    import httpx2

    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

BEFORE = MONDAY - 6 * DAY
"""00:00 of a Tuesday of week 2026-W43."""

FACTS = {
    "idle_h": 5.2,
    "idle_fuel_l": 31.0,
    "share_percent": 2.6,
    "soft_percent": 12.0,
    "empty_km": 310.0,
    "empty_percent": 40.0,
    "usual_percent": 20.0,
    "empty_fuel_l": 70.0,
    "value": 120.0,
    "low": None,
    "high": None,
}
EVIDENCE = {
    "parts": [
        {
            "trip_start": "2026-10-25T18:00:00Z",
            "part_start": "2026-10-25T18:00:00Z",
            "distance_km": 60.0,
            "litres": 1.5,
        }
    ],
    "chart": {
        "unit": "L",
        "days": [(WEEK + n * DAY).isoformat() for n in range(7)],
        "values": [1.5, 0, 0, 0, 0, 0, 0],
    },
}


@contextmanager
def fuel_world_in(database: Migrated) -> Iterator[World]:
    """Fill a database with driving, fuel and advice, and serve it to every party there is."""
    with world_in(database) as world:
        world.numbers.update(fill_fuel(database, world.numbers))
        yield world


def fill_fuel(database: Migrated, numbers: dict[str, int]) -> dict[str, int]:
    """Write fuel and advice; returns the numbers of the advice by what they are of."""
    connection = database.connection
    a, b, wang, li = (numbers[name] for name in ("a", "b", "wang", "li"))
    (c,) = connection.execute("SELECT vehicle_id FROM vehicle WHERE vin = %s", (C,)).fetchone() or (
        0,
    )
    part(connection, a, BEFORE, wang, distance_km=100.0, fuel_l=30.0, counter_l=30.0)
    part(
        connection,
        a,
        MONDAY + 2 * HOUR,
        wang,
        fuel_l=18.0,
        counter_l=18.0,
        rate_l=18.36,
        disagreement_percent=2.0,
        idle_fuel_l=1.8,
        moving_fuel_l=16.2,
        pto_fuel_l=0.0,
        mass_t_km=1200.0,
        payload_t_km=600.0,
        loaded_km=60.0,
        load_known_km=60.0,
        ascent_m=150.0,
        corridor="31.25N121.40E>30.25N120.15E",
        **expected(16.0, 1.0, "physics"),
        missing=["gradient"],
        causes={"idling": (1.5, 0.5), "rest": (0.5, 1.0)},
    )
    part(connection, a, MONDAY + DAY, None, missing=["counter", "rate"])
    part(
        connection,
        b,
        MONDAY + 5 * HOUR,
        wang,
        fuel_l=20.0,
        fuel_source="rate",
        rate_l=20.0,
        payload_t_km=0.0,
        empty_km=60.0,
        load_known_km=60.0,
        corridor="31.25N121.40E>30.25N120.15E",
        **expected(18.0, 2.0, "model"),
        causes={"idling": (0.5, 1.2), "speed": (1.5, 1.0)},
    )
    part(connection, b, MONDAY + 8 * HOUR, li, fuel_l=24.0, counter_l=24.0)
    part(connection, c, MONDAY + 30 * HOUR, li, fuel_l=25.0, counter_l=25.0)
    for n, kind in enumerate(("refuelling", "theft", "loss")):
        tank_event(connection, a, MONDAY + DAY + 3 * n * HOUR, kind)
    tyres = piece(connection, a, None, "tyres", 4.0, week=WEEK - 7 * DAY)
    insert(
        connection,
        "advice_result",
        {
            "advice_id": tyres,
            "weeks_before": 4,
            "weeks_after": 3,
            "saved_l_per_100km": 0.7,
            "low": 0.2,
            "high": 1.2,
            "saved_l": 74.0,
            "low_l": 21.0,
            "high_l": 127.0,
            "verdict": "helped",
        },
    )
    return {
        "c": c,
        "old_tyres": tyres,
        "idling": piece(connection, a, wang, "idling", 1.5),
        "tyres": piece(connection, a, None, "tyres", 3.0),
        "empty": piece(connection, b, None, "empty_running", None),
        "speed": piece(connection, b, wang, "speed", 1.5),
        "li_b": piece(connection, b, li, "idling", 2.5),
        "li_c": piece(connection, c, li, "idling", 6.0),
    }


def expected(litres: float, reach: float, by: str) -> dict[str, Any]:
    """What was to be expected, give or take."""
    return {
        "expected_l": litres,
        "expected_low_l": litres - reach,
        "expected_high_l": litres + reach,
        "expected_by": by,
    }


def part(
    connection: Connection,
    vehicle_id: int,
    start: datetime,
    driver_id: int | None,
    *,
    causes: dict[str, tuple[float, float]] | None = None,
    **others: Any,
) -> None:
    """Fuel of an hour's drive of 60 km, with the litres of causes, give or take."""
    row = {
        "vehicle_id": vehicle_id,
        "trip_start": start,
        "part_start": start,
        "end_time": start + HOUR,
        "driver_id": driver_id,
        "time_zone": "Asia/Shanghai",
        "distance_km": 60.0,
        "engine_s": 3600.0,
        "idle_s": 60.0,
        "driving_s": 3540.0,
        "stops": 2,
        "method_version": 1,
    }
    if "fuel_l" in others:
        row["fuel_source"] = "counter"
    insert(connection, "fuel_part", row | others)
    for cause, (litres, reach) in (causes or {}).items():
        insert(
            connection,
            "fuel_cause",
            {
                "vehicle_id": vehicle_id,
                "part_start": start,
                "cause": cause,
                "litres": litres,
                "low_l": litres - reach,
                "high_l": litres + reach,
            },
        )


def tank_event(connection: Connection, vehicle_id: int, start: datetime, kind: str) -> None:
    """Fifty litres that came or went within ten minutes."""
    insert(
        connection,
        "tank_event",
        {
            "vehicle_id": vehicle_id,
            "start_time": start,
            "end_time": start + HOUR / 6,
            "kind": kind,
            "litres": 50.0,
            "low_l": 46.0,
            "high_l": 54.0,
            "level_before_l": 200.0,
            "latitude": 31.25,
            "longitude": 121.5,
            "method_version": 1,
        },
    )


def piece(
    connection: Connection,
    vehicle_id: int,
    driver_id: int | None,
    cause: str,
    saving_l: float | None,
    *,
    week: date = WEEK,
    **others: Any,
) -> int:
    """A piece of advice, known to half a litre; returns its number."""
    row = {
        "vehicle_id": vehicle_id,
        "driver_id": driver_id,
        "week": week,
        "time_zone": "Asia/Shanghai",
        "cause": cause,
        "variant": 0,
        "saving_l": saving_l,
        "low_l": None if saving_l is None else saving_l - 0.5,
        "high_l": None if saving_l is None else saving_l + 0.5,
        "distance_km": 60.0,
        "fuel_l": 18.0,
        "confidence": "medium",
        "effort": "low",
        "facts": Jsonb(FACTS),
        "evidence": Jsonb(EVIDENCE),
        "method_version": 1,
    }
    insert(connection, "advice", row | others)
    (number,) = connection.execute("SELECT max(advice_id) FROM advice").fetchone() or (0,)
    return int(number)


def insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    """Insert a row."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    connection.execute(statement, row)


def ask(world: World, party: str, path: str, **more: Any) -> httpx2.Response:
    """Ask as a party; spans, and of fleets' advice the week, are added."""
    wanted: dict[str, Any] = {}
    if path.startswith("/v1/fleets") and path.endswith("/advice"):
        wanted = {"week": "2026-W44"}
    elif not path.startswith("/v1/advice"):
        wanted = dict(SPAN)
    headers = more.pop("headers", None)
    address = path.format(A=A, B=B, C=C, **world.numbers)
    return world.clients[party].get(address, params=wanted | more, headers=headers)


def answer(world: World, party: str, name: str, status: object) -> httpx2.Response:
    """Say what becomes of a piece of advice."""
    address = f"/v1/advice/{world.numbers[name]}"
    return world.clients[party].patch(address, json={"status": status})
