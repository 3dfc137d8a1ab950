"""A small world to ask about over HTTP: who drove what for whom, and who may know it.

Two vehicles of one owner (A, B) and one of another (C). Wang drove A and B; Li drove B, and C for
the other owner; on A for an hour nobody was known.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.accumulated import LAYOUT, LAYOUT_VERSION
from storage.duties import changed_duties, replace_fatigue
from storage.registers import (
    add_to_fleet,
    employ_driver,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
)
from storage.score_tables import ChangedWeek, store_trip_scores, store_week_scores
from tests.asking.api_fixture import served_as
from tests.samples.behaviour_samples import (
    DAY,
    HOUR,
    frame,
    harsh_brakings,
    score_part,
    score_row,
    store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.servers.database_fixture import Migrated

A, B, C = "LSGAA11112A000001", "LSGAA11112A000002", "LSGAA11112A000003"
WANG, LI = "CHN0000000000001", "CHN0000000000002"
MONDAY = datetime(2026, 10, 25, 16, tzinfo=UTC)
"""00:00 in Shanghai, of week 2026-W44."""
WEEK = MONDAY.date() + DAY
NOW = datetime.now(tz=UTC)
SPAN = {"start": "2026-10-18T00:00:00Z", "end": "2026-11-09T00:00:00Z"}
BRAKINGS = 25
TREND = {
    "past_score": 61.5,
    "past_weeks": 4,
    "change": 9.0,
    "change_low": 1.0,
    "change_high": 17.0,
    "trend": "better",
}
"""How the second week compares with those before it, whoever drove."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What there is, by its names here."""

    numbers: dict[str, int]
    clients: dict[str, httpx2.Client]

    def ask(self, party: str, path: str, **more: object) -> httpx2.Response:
        """Ask as a party; spans and weeks are added where a listing wants them."""
        wanted: dict[str, Any] = {}
        if "/ranking" in path:
            wanted = {"week": "2026-W44"}
        elif path.startswith("/v1/") and path.count("/") > 3 and "accumulated" not in path:
            wanted = dict(SPAN)
        address = path.format(A=A, B=B, C=C, **self.numbers)
        if "?" in address:
            address, _, given = address.partition("?")
            wanted |= dict(pair.split("=") for pair in given.split("&"))
        return self.clients[party].get(address, params=wanted | more)

    def rows(self, party: str, path: str, key: str, **more: object) -> list[dict[str, Any]]:
        """The listing's rows; there is one page."""
        answer = self.ask(party, path, **more)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["next"] is None
        found: list[dict[str, Any]] = body[key]
        return found


@contextmanager
def world_in(database: Migrated) -> Iterator[World]:
    """Fill a database, and serve it to every party there is."""
    numbers = fill(database)
    grants(database)
    parties = {
        "Maker": "maker",
        "Owner": "owner",
        "Other": "owner",
        "Employer": "owner",
        "Workshop": "service_provider",
        "Stranger": "owner",
        "Expired": "owner",
        "Partly": "owner",
        "Since last week": "owner",
    }
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(served_as(database, name, kind, api_connections=1))
            for name, kind in parties.items()
        }
        yield World(numbers=numbers, clients=clients)


def fill(database: Migrated) -> dict[str, int]:
    connection = database.connection
    a, b, c = (register_vehicle(connection, vin).vehicle_id for vin in (A, B, C))
    week = (MONDAY, MONDAY + 7 * DAY)
    # Three brakings in each moment: a page may end amid them.
    brakings = [(MONDAY + 2 * HOUR + n // 3 * timedelta(minutes=1), WANG) for n in range(BRAKINGS)]
    counters = np.arange(1.0, len(LAYOUT) + 1).tolist()
    store(
        connection,
        a,
        week,
        (MONDAY + 2 * HOUR, 60, WANG),
        (MONDAY + DAY, 60, None),
        braked=[brakings[n] for n in range(0, BRAKINGS, 3)],
        days=[(WEEK, counters, True)],
        layout_version=LAYOUT_VERSION,
    )
    for kind, offset in (("idling", 1), ("coasting", 2)):
        same = harsh_brakings(*brakings[offset::3], kind=kind, severity=offset, fuel_l=0.1)
        add_events(database, a, same)
    store(
        connection,
        b,
        week,
        (MONDAY + 5 * HOUR, 60, WANG),
        (MONDAY + 8 * HOUR, 60, LI),
        braked=[(MONDAY + 5 * HOUR, WANG)],
    )
    store(connection, c, week, (MONDAY + 30 * HOUR, 60, LI), braked=[(MONDAY + 30 * HOUR, LI)])
    ids: dict[str, int] = dict(
        connection.execute("SELECT card_id, driver_id FROM driver").fetchall()
    )
    wang, li = ids[WANG], ids[LI]
    duty = next(duty for duty in changed_duties(connection) if duty.driver_id == wang)
    tired = harsh_brakings((MONDAY + 3 * HOUR - timedelta(minutes=1), None))
    tired = tired.assign(kind="fatigue_china_4h", vehicle_id=a, latitude=np.nan)
    replace_fatigue(connection, duty, week, tired.drop(columns=["driver", "trip_start"]), 1)
    score(database, {a: 70.0, b: 60.0, c: 50.0}, {wang: 82.5, li: 40.0})
    maker = ensure_party(connection, "Maker", "maker")
    owner = ensure_party(connection, "Owner", "owner")
    fleet = ensure_fleet(connection, party_id=owner, name="All of ours")
    for vin in (A, B):
        add_to_fleet(connection, fleet_id=fleet, vin=vin, member=(MONDAY - 30 * DAY, None))
    foreign = ensure_fleet(connection, party_id=maker, name="Trial", time_zone="Europe/Stockholm")
    return {"a": a, "b": b, "wang": wang, "li": li, "fleet": fleet, "foreign": foreign}


def add_events(database: Migrated, vehicle_id: int, events: pd.DataFrame) -> None:
    """Add events of further kinds, as one analysis of the days would have stored them."""
    for event in events.to_dict("records"):
        database.connection.execute(
            "INSERT INTO driving_event (vehicle_id, kind, start_time, end_time, driver_id,"
            " severity, fuel_l, window_start, window_end, method_version)"
            " SELECT %s, %s, %s, %s, driver_id, %s, %s, %s, %s, 3 FROM driver WHERE card_id = %s",
            (
                vehicle_id,
                event["kind"],
                event["start_time"],
                event["end_time"],
                event["severity"],
                event["fuel_l"],
                event["window_start"],
                event["window_end"],
                event["driver"],
            ),
        )


def score(database: Migrated, vehicles: dict[int, float], drivers: dict[int, float]) -> None:
    connection = database.connection
    subjects = [
        ({"subject_kind": kind, "subject_id": number}, points)
        for kind, scores in (("vehicle", vehicles), ("driver", drivers))
        for number, points in scores.items()
    ]
    for monday, less in ((WEEK - 7 * DAY, 10), (WEEK, 0)):
        store_week_scores(
            connection,
            ChangedWeek(week=monday, touches={}),
            pd.DataFrame(
                [
                    subject | score_row(points - less) | ({} if less else TREND)
                    for subject, points in subjects
                ]
            ),
            pd.DataFrame(
                [
                    subject | part
                    for subject, _ in subjects
                    for part in (score_part("cruise", 50, 5), score_part("idling", 20, 25))
                ]
            ),
            pd.DataFrame(),
            method_version=1,
        )
    a = min(vehicles)
    trip = {"vehicle_id": a, "start_time": MONDAY + 2 * HOUR}
    store_trip_scores(
        connection,
        WEEK,
        [a],
        frame([trip | score_row(None, end_time=MONDAY + 3 * HOUR)]),
        frame([trip | score_part("idling", 7, 8)]).iloc[:0],
        method_version=1,
    )


def grants(database: Migrated) -> None:
    def grant(name: str, vin: str, purpose: str = "ownership", **spans: Any) -> None:
        kind = "service_provider" if purpose == "service" else "owner"
        party = ensure_party(database.connection, name, kind)
        grant_access(database.connection, party_id=party, vin=vin, purpose=purpose, **spans)

    grant("Owner", A)
    grant("Owner", B)
    grant("Other", C)
    grant("Workshop", A, "service")
    grant("Expired", A, valid=(NOW - 9 * DAY, NOW - timedelta(seconds=1)))
    grant("Since last week", A, data=(MONDAY - 7 * DAY, None))
    # From the middle of Wang's first trip on, and not the end of the week.
    grant("Partly", A, data=(MONDAY + 2.5 * HOUR, MONDAY + 2 * DAY))
    employer = ensure_party(database.connection, "Employer", "owner")
    employ_driver(database.connection, card_id=WANG, party_id=employer, name="Wang Wei")
