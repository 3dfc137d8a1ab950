"""Whether a stopwatch tells what is foreign from what does not exist: medians of their 404s.

An owner asks for vehicles, drivers, fleets and advice of somebody else, and for such as do not
exist, in turns, over HTTP; each time for another one. The work behind a refusal depends on what is
refused, so what is foreign has a history: drivers with trips, advice with fuel behind it.
"""

from __future__ import annotations

import http.client
import statistics
import threading
from contextlib import contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

import uvicorn

from api.app import create_app
from api.server import configured
from api.settings import ApiSettings
from benchmarks.databases import database, servers
from cli import context
from storage.connection import connect
from storage.registers import ensure_fleet, ensure_party
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from storage.connection import Connection

REQUESTS = 1000
"""Of each kind, and of each of the two."""

WARM_UP = 100
VEHICLES = 60
TRIPS = 200
"""Of each vehicle, by a driver of its own, and every tenth by somebody else's."""

SPAN = "start=2026-10-01T00:00:00Z&end=2026-11-01T00:00:00Z"

FILL = """
INSERT INTO vehicle (vin, check_digit_ok, registered_by)
SELECT 'LSGDD33333D' || lpad(n::text, 6, '0'), false, 'register'
FROM generate_series(1, {vehicles}) AS n;

INSERT INTO driver (card_id, party_id)
SELECT 'CHN33' || n, CASE WHEN n % 2 = 0 THEN {owner} ELSE {other} END
FROM generate_series(1, {vehicles}) AS n;

INSERT INTO vehicle_access (party_id, vehicle_id, purpose)
SELECT CASE WHEN right(vin, 6)::int % 2 = 0 THEN {owner} ELSE {other} END, vehicle_id, 'ownership'
FROM vehicle;

-- Even vehicles and drivers are the owner's, odd ones the other's; they stay among themselves.
INSERT INTO trip_part (vehicle_id, trip_start, part_start, end_time, driver_id, time_zone,
                       method_version)
SELECT v.vehicle_id, start, start, start + interval '1 hour', d.driver_id, 'Asia/Shanghai', 1
FROM vehicle AS v
CROSS JOIN generate_series(0, {trips} - 1) AS trip
CROSS JOIN LATERAL (
    SELECT timestamptz '2026-09-01 00:00Z' + trip * interval '6 hours' AS start,
           'CHN33' || CASE WHEN trip % 10 = 0
                           THEN (right(v.vin, 6)::int + 37) % {vehicles} + 1
                           ELSE right(v.vin, 6)::int END AS card
) AS made
JOIN driver AS d ON d.card_id = made.card;

INSERT INTO fuel_part (vehicle_id, trip_start, part_start, end_time, driver_id, time_zone,
                       distance_km, engine_s, idle_s, driving_s, stops, method_version)
SELECT vehicle_id, trip_start, part_start, end_time, driver_id, time_zone, 60, 3600, 60, 3540, 2, 1
FROM trip_part;

INSERT INTO advice (vehicle_id, driver_id, week, time_zone, cause, variant, confidence, effort,
                    method_version)
SELECT vehicle_id, NULL, date '2026-10-26' - 7 * week, 'Asia/Shanghai', 'tyres', 0, 'medium',
       'low', 1
FROM vehicle CROSS JOIN generate_series(0, 3) AS week;

INSERT INTO fleet (party_id, name) SELECT {other}, 'Fleet ' || n FROM generate_series(1, 100) AS n;
ANALYZE;
"""


def run() -> dict[str, float]:
    """Measure; seconds unless the name says otherwise."""
    # A database that settings name is enough: nothing here goes through Kafka.
    named = context.load(StorageSettings).database_dsn is not None
    with nullcontext() if named else servers(), database() as dsn:
        with connect(dsn) as connection:
            subjects = _fill(connection)
        with _served(dsn) as ask:
            return _measured(ask, subjects)


def _fill(connection: Connection) -> dict[str, tuple[list[str], list[str]]]:
    """Make the data; returns addresses of what is foreign, and of what does not exist."""
    owner = ensure_party(connection, "Owner", "owner")
    other = ensure_party(connection, "Other", "owner")
    ensure_fleet(connection, party_id=owner, name="Ours")
    wanted = {"owner": owner, "other": other, "vehicles": VEHICLES, "trips": TRIPS}
    connection.execute(FILL.format(**wanted).encode())

    def foreign(statement: str) -> list[str]:
        return [str(name) for (name,) in connection.execute(statement.encode()).fetchall()]

    vins = foreign(
        f"SELECT vin FROM vehicle JOIN vehicle_access USING (vehicle_id) WHERE party_id = {other}"
    )
    drivers = foreign(f"SELECT driver_id FROM driver WHERE party_id = {other}")
    fleets = foreign(f"SELECT fleet_id FROM fleet WHERE party_id = {other}")
    advice = foreign(
        "SELECT advice_id FROM advice JOIN vehicle_access USING (vehicle_id)"
        f" WHERE party_id = {other}"
    )
    nobody = [f"LSGDD33333D9{n:05d}" for n in range(len(vins))]
    numbers = [str(10**6 + n) for n in range(len(vins))]
    return {
        name: ([path.format(one) for one in those], [path.format(one) for one in none])
        for name, path, those, none in (
            ("vin", "/v1/vehicles/{}/state", vins, nobody),
            ("vin_trips", f"/v1/vehicles/{{}}/trips?{SPAN}", vins, nobody),
            ("driver", f"/v1/drivers/{{}}/trips?{SPAN}", drivers, numbers),
            ("driver_advice", f"/v1/drivers/{{}}/advice?{SPAN}", drivers, numbers),
            ("fleet", "/v1/fleets/{}/ranking?week=2026-W44", fleets, numbers),
            ("advice", "/v1/advice/{}", advice, numbers),
        )
    }


@contextmanager
def _served(dsn: SecretStr) -> Iterator[Callable[[str], float]]:
    """The API as the owner; yields what asks for an address and takes the time [s]."""
    settings = ApiSettings.model_validate({"api_party": "Owner"})
    server = uvicorn.Server(configured(create_app(settings, dsn), settings, port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def ask(address: str) -> float:
            began = perf_counter()
            connection.request("GET", address)
            answer = connection.getresponse()
            answer.read()
            seconds = perf_counter() - began
            assert answer.status == 404, (address, answer.status)
            return seconds

        yield ask
        connection.close()
    finally:
        server.should_exit = True
        thread.join()


def _measured(
    ask: Callable[[str], float], subjects: dict[str, tuple[list[str], list[str]]]
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, (foreign, unknown) in subjects.items():
        took: tuple[list[float], list[float]] = ([], [])
        for n in range(WARM_UP + REQUESTS):
            # Which of the two comes first changes each time.
            for which in (n % 2, 1 - n % 2):
                addresses = (foreign, unknown)[which]
                seconds = ask(addresses[n * 7 % len(addresses)])
                if n >= WARM_UP:
                    took[which].append(seconds)
        medians = [statistics.median(one) for one in took]
        figures |= {
            f"{name}_foreign_s": medians[0],
            f"{name}_unknown_s": medians[1],
            f"{name}_ratio": medians[0] / medians[1],
        }
    return figures
