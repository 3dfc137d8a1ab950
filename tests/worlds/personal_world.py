"""A driver, and a vehicle's whereabouts, in every table that may hold them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from storage import rollups
from storage.batch import Batch, DriverChangeRow, RefusedValue, ReportRow, TriggerRow
from storage.registers import employ_driver, ensure_party
from tests.asking.api_fixture import record
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from storage.connection import Connection
    from tests.servers.database_fixture import Migrated

CARD, NAME, ACCOUNT = "CHN0000000000017", '王伟 Wang "Lao" Wei', "wang.wei"
OTHER_CARD = "CHN0000000000018"
START = datetime(2026, 10, 20, 8, tzinfo=UTC)
END = START + timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Personal:
    """Who and what was written."""

    vin: str
    vehicle_id: int
    driver_id: int
    other_id: int


def fill(database: Migrated, vin: str, card: str = CARD, other: str = OTHER_CARD) -> Personal:
    """Write a driver and positions of a vehicle into every table that has room for them."""
    connection = database.connection
    party = ensure_party(connection, "North", "owner")
    driver = employ_driver(connection, card_id=card, party_id=party, name=NAME)
    second = employ_driver(connection, card_id=other, party_id=party, name="Li Na")
    number = record(database, vin, signals()).vehicle_id
    _ingest(database, number, card, other)
    rollups.refresh(connection, database.server, database.catalogue)
    for who in (driver, second):
        derive(connection, number, who, START if who == driver else END)
    _account(connection, party, driver, f"{ACCOUNT}.{driver}")
    _told(connection, party, driver, card)
    return Personal(vin=vin, vehicle_id=number, driver_id=driver, other_id=second)


def signals() -> pd.DataFrame:
    index = pd.date_range(START, END, freq="10s", tz="UTC")
    along = np.arange(len(index)) / 1000
    return pd.DataFrame(
        {
            "latitude": 31 + along,
            "longitude": 121 + along,
            "altitude": 4.0,
            "heading": 45.0,
            "gnss_speed": 60.0,
            "wheel_speed": 60.0,
            "odometer": 200_000 + along,
        },
        index=index,
    )


def _ingest(database: Migrated, number: int, card: str, other: str) -> None:
    latitude = database.catalogue.by_name["latitude"].id
    place = {"latitude": 31.0, "longitude": 121.0, "altitude": 4.0, "heading": 45.0}
    writer = open_writer(database)
    try:
        writer.write(
            Batch(
                driver_changes=(
                    DriverChangeRow(vehicle_id=number, time=START, slot=1, card_id=card),
                    DriverChangeRow(vehicle_id=number, time=START, slot=2, card_id=other),
                    DriverChangeRow(vehicle_id=number, time=END, slot=1, card_id=other),
                    DriverChangeRow(vehicle_id=number, time=END, slot=2, card_id=card),
                ),
                triggers=(
                    TriggerRow(
                        vehicle_id=number, time=START, trigger_type="DRIVER_LOGIN", detail=card
                    ),
                ),
                refused_values=(
                    RefusedValue(vehicle_id=number, time=START, signal_id=latitude, value=131.2304),
                ),
                reports=tuple(
                    ReportRow(
                        vehicle_id=number,
                        created_time=time,
                        trigger_type=trigger,
                        detail=detail,
                        position_time=time,
                        values={**place, "driver1_working_state": 3.0},
                    )
                    for time, trigger, detail in (
                        (START, "DRIVER_LOGIN", card),
                        (START + timedelta(minutes=1), "TIMER", ""),
                        (END, "TIMER", ""),
                    )
                ),
            )
        )
        writer.publish_reports()
    finally:
        writer.close()


def derive(connection: Connection, number: int, driver: int, start: datetime) -> None:
    """What analysis would find: a trip of half an hour, and all that is made of it."""
    end = start + timedelta(minutes=30)
    values: dict[str, Any] = {"v": number, "d": driver, "s": start, "e": end}
    for statement in (
        (
            "INSERT INTO trip (vehicle_id, start_time, end_time, distance_km, duration_s, idle_s,"
            " start_latitude, start_longitude, end_latitude, end_longitude, distance_source,"
            " method_version, driver_id)"
            " VALUES (%(v)s, %(s)s, %(e)s, 30, 1800, 0, 31, 121, 31.2, 121.2, 'odometer', 1, %(d)s)"
        ),
        (
            "INSERT INTO trip_part (vehicle_id, trip_start, part_start, end_time, driver_id,"
            " time_zone, distance_km, driving_s, method_version)"
            " VALUES (%(v)s, %(s)s, %(s)s, %(e)s, %(d)s, 'Asia/Shanghai', 30, 1800, 1)"
        ),
        (
            "INSERT INTO driving_event (vehicle_id, kind, start_time, end_time, driver_id,"
            " severity, latitude, longitude, window_start, window_end, method_version)"
            " SELECT %(v)s, kind, %(s)s, %(e)s, %(d)s, 2, 31, 121, %(s)s, %(e)s, 1"
            " FROM unnest(ARRAY['harsh_braking', 'fatigue_daily_driving']) AS kind"
        ),
        (
            "INSERT INTO drive_span (vehicle_id, start_time, end_time, driving_s, driver_id,"
            " method_version) VALUES (%(v)s, %(s)s, %(e)s, 1800, %(d)s, 1)"
        ),
        (
            "INSERT INTO score (subject_kind, subject_id, start_time, end_time, week, time_zone,"
            " vehicle_class, score, grade, distance_km, n_trips, method_version)"
            " VALUES ('driver', %(d)s, '2026-10-19', '2026-10-26', '2026-10-19', 'Asia/Shanghai',"
            " 'heavy_truck', 80, 'B', 30, 1, 1)"
        ),
        (
            "INSERT INTO score_part (subject_kind, subject_id, start_time, metric, value, worst,"
            " best, reference, peers, metric_score, weight, points, points_lost)"
            " VALUES ('driver', %(d)s, '2026-10-19', 'idle', 1, 2, 0, 'peers', 9, 80, 1, 80, 20)"
        ),
        (
            "INSERT INTO fuel_part (vehicle_id, trip_start, part_start, end_time, driver_id,"
            " time_zone, distance_km, fuel_l, fuel_source, corridor, method_version)"
            " VALUES (%(v)s, %(s)s, %(s)s, %(e)s, %(d)s, 'Asia/Shanghai', 30, 9, 'counter',"
            " '31.0,121.0>31.2,121.2', 1)"
        ),
        "INSERT INTO fuel_cause VALUES (%(v)s, %(s)s, 'idling', 1, 0.5, 1.5)",
        (
            "INSERT INTO tank_event (vehicle_id, start_time, end_time, kind, litres, low_l, high_l,"
            " latitude, longitude, method_version)"
            " VALUES (%(v)s, %(s)s, %(e)s, 'refuelling', 300, 290, 310, 31, 121, 1)"
        ),
        (
            "WITH given AS (INSERT INTO advice (vehicle_id, driver_id, week, time_zone, cause,"
            " variant, confidence, effort, method_version)"
            " VALUES (%(v)s, %(d)s, '2026-10-19', 'Asia/Shanghai', 'idling', 0, 'high', 'low', 1)"
            " RETURNING advice_id)"
            " INSERT INTO advice_result"
            " SELECT advice_id, 4, 4, 1, 0, 2, 10, 0, 20, 'helped' FROM given"
        ),
        "INSERT INTO touched_duty (driver_id, start_time, end_time) VALUES (%(d)s, %(s)s, %(e)s)",
        (
            "INSERT INTO access_log (at, party_id, subject, role, method, route, vins, driver_ids,"
            " status, reads) VALUES (%(e)s, 1, 'account:boss', 'owner', 'GET',"
            " '/v1/drivers/{driver_id}/score', '{}', ARRAY[%(d)s::bigint, 999999], 200, 1)"
        ),
    ):
        connection.execute(statement, values)


def _account(connection: Connection, party: int, driver: int, name: str) -> None:
    connection.execute(
        "WITH made AS ("
        "  INSERT INTO account (party_id, role, name, password_hash, driver_id)"
        "  VALUES (%(p)s, 'driver', %(n)s, '$argon2id$none', %(d)s) RETURNING account_id),"
        " signed AS (INSERT INTO sign_in (account_id, client_id, scopes, expires_at)"
        "  SELECT account_id, 'telemetry', '{own:read}', now() FROM made RETURNING family_id),"
        " token AS (INSERT INTO refresh_token (token_hash, family_id, expires_at)"
        "  SELECT sha256(%(n)s::text::bytea), family_id, now() FROM signed)"
        " INSERT INTO access_log (at, party_id, subject, role, method, route, vins, driver_ids,"
        "  address, status, reads)"
        " VALUES (now(), %(p)s, 'account:' || %(n)s, 'driver', 'GET', '/v1/drivers/{driver_id}',"
        "  '{}', '{}', '192.0.2.1', 200, 1)",
        {"p": party, "d": driver, "n": name},
    )
    connection.execute(
        "INSERT INTO provider_session (session_hash, subject, party_id, role, driver_id, scopes,"
        " expires_at, idle) VALUES (sha256(%(n)s::text::bytea), %(n)s, %(p)s, 'driver', %(d)s,"
        " '{own:read}', now(), interval '1 day')",
        {"p": party, "d": driver, "n": name},
    )


def _told(connection: Connection, party: int, driver: int, card: str) -> None:
    """What was answered to whoever registered the driver, and what a webhook was told of advice."""
    values = {"p": party, "d": driver, "c": card}
    connection.execute(
        "INSERT INTO kept_answer (key_hash, request_hash, status, body)"
        " SELECT sha256(told), sha256(told), 201, told FROM convert_to(format("
        '  \'{"driver_id":%%s,"card_id":"%%s"}\', %(d)s::bigint, %(c)s::text), \'UTF8\') AS told',
        values,
    )
    connection.execute(
        "WITH hook AS (INSERT INTO webhook (party_id, name, url, kinds, secret, disabled_at,"
        "  disabled_by) VALUES (%(p)s, 'of ' || %(d)s::bigint, 'https://example.com',"
        "  '{advice.*}', '', now(), 'party') RETURNING webhook_id)"
        " INSERT INTO webhook_delivery (webhook_id, message_id, subject, source, kind, at)"
        " SELECT webhook_id, 'msg_' || %(d)s::bigint, concat_ws(' ', 'advice', 1, %(d)s::bigint,"
        "  '2026-11-02', 'idling'), 'advice', 'idling', now() FROM hook",
        values,
    )
