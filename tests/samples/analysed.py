"""All that analysis has stored, so that two databases can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated

Rows = list[tuple[Any, ...]]

TABLES = {
    "trip": "start_time, end_time, distance_km, driving_s, kind, stop_count, fuel_l",
    "trip_part": "part_start, end_time, driving_s, distance_km, idle_s, brakings, late_brakings,"
    " green_band_s, coasting_s, mass_t_km, ascent_m, stops, night_s",
    "driving_event": "start_time, end_time, kind, peak, severity, trip_start, distance_km",
    "drive_span": "start_time, end_time, driving_s",
    "accumulated_day": "day, increments",
    "accumulated": "served, total",
    "fuel_part": "part_start, end_time, distance_km, fuel_l, fuel_source, counter_l, rate_l,"
    " idle_fuel_l, payload_t_km, engine_s, stops, corridor, expected_l, expected_high_l,"
    " expected_by",
    "fuel_cause": "part_start, cause, litres, low_l, high_l",
    "fuel_stats": "day, stats",
    "fuel_segment": "start_time, array_replace(cells, 'NaN', -1)",
    "tank_event": "start_time, end_time, kind, litres",
    "advice": "week, cause, saving_l, low_l, confidence, status",
    "advice_result": "week, cause, saved_l, advice_result.low_l, advice_result.high_l, verdict",
    "score": "subject_kind, start_time, score, low, high, grade, reason, distance_km",
}
"""What is compared of each table, and the driver's card: numbers depend on who came first, and so
do the words of advice."""

_DRIVEN = {"trip", "trip_part", "driving_event", "drive_span", "fuel_part", "advice"}

_FROM = {"advice_result": "advice_result JOIN advice USING (advice_id)"}


def content(database: Migrated, vin: str | None = None) -> dict[str, Rows]:
    """What is stored of all vehicles, or of one, by VIN and time; without days that add nothing."""
    found = {}
    for table, columns in TABLES.items():
        whose = f"{table}.subject_id" if table == "score" else f"{table}.vehicle_id"
        whose = "advice.vehicle_id" if table == "advice_result" else whose
        card = ", coalesce(card_id, '')" if table in _DRIVEN else ""
        only = {
            "score": "subject_kind <> 'driver'",
            "accumulated_day": "0 < ANY (increments)",
        }.get(table, "true")
        driver = f"LEFT JOIN driver ON driver.driver_id = {table}.driver_id" if card else ""
        found[table] = database.connection.execute(
            f"SELECT vin, {columns}{card} FROM {_FROM.get(table, table)}"
            f" JOIN vehicle ON vehicle.vehicle_id = {whose} {driver}"
            f" WHERE {only} AND (%(vin)s::text IS NULL OR vin = %(vin)s)"
            f" ORDER BY vin, {columns}{card}".encode(),
            {"vin": vin},
        ).fetchall()
    return found


def require_same(found: dict[str, Rows], expected: dict[str, Rows]) -> None:
    """Require the same rows in every table, but for the last digits of sums.

    Counters may have been told more than is true: what is served is only required to be no less.
    """
    for table in TABLES:
        rows, others = found[table], expected[table]
        assert len(rows) == len(others), f"{table}: {rows} are not {others}"
        for row, other in zip(rows, others, strict=True):
            # The VIN may be another one: the same way may have been driven by two vehicles.
            if table == "accumulated":
                told, total = (np.array(cells) for cells in row[1:])
                assert (told >= total - 1e-9).all(), row[0]
                _require_close(total, np.array(other[2]), table)
                continue
            for cell, same in zip(row[1:], other[1:], strict=True):
                if isinstance(cell, float | list) and same is not None:
                    _require_close(np.array(cell), np.array(same), f"{table}: {row} is not {other}")
                else:
                    assert cell == same, f"{table}: {row} is not {other}"


def _require_close(found: Any, expected: Any, what: str) -> None:
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-6), what
