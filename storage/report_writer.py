"""A batch's reports go into their table together: one statement, not one a report.

A report is not stored where its vehicle has one of the same trigger within a span that it names. A
statement does not see what it stores itself, so reports that would have to see each other go in
rounds, one after the other; a batch hardly ever has a second one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from psycopg.adapt import Dumper
from psycopg.pq import Format

from storage import binary_copy
from storage.latest_values import NEVER_US
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.batch import ReportRow
    from storage.connection import Connection

REPORT_SIGNALS = (
    "latitude",
    "longitude",
    "altitude",
    "heading",
    "gnss_speed",
    "wheel_speed",
    "engine_speed",
    "odometer",
    "fuel_used_total",
    "engine_hours",
    "gross_combination_weight",
    "fuel_level_1",
    "ambient_temperature",
    "tachograph_speed",
    "fuel_level_2",
    "reagent_level",
    "fuel_range",
    "driver1_working_state",
    "driver2_working_state",
    "park_brake",
    "axle1_weight",
    "axle2_weight",
    "axle3_weight",
    "trailer_connected",
    "trailer_axle1_weight",
    "trailer_axle2_weight",
    "trailer_axle3_weight",
    "service_distance",
    "coolant_temperature",
    "brake_circuit_1_pressure",
    "brake_circuit_2_pressure",
    "alternator_charging",
    "bellow_pressure_front_left",
    "bellow_pressure_front_right",
    "bellow_pressure_rear_left",
    "bellow_pressure_rear_right",
    "tell_tale_red",
    "tell_tale_amber",
    "tell_tale_mil",
    "tell_tale_protect",
    "fuel_level_low",
    "reagent_level_low",
    "service_due",
    "dpf_lamp",
    "trailer_abs_warning",
    "light_high_beam",
    "light_low_beam",
    "light_hazard",
    "light_fog_front",
    "light_fog_rear",
    "light_parking",
    "parking_heater",
)
"""The signals that a vehicle_report carries; its columns have their names."""

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


class _Array(bytes):
    """An array in PostgreSQL's binary format; what of, the statement says."""


class _ArrayDumper(Dumper):
    """Hands such an array over as it is: lists are dumped value by value."""

    format = Format.BINARY

    def dump(self, obj: _Array) -> bytes:
        """The bytes that travel."""
        return obj


def insert_reports(connection: Connection, reports: Iterable[ReportRow]) -> None:
    """Store reports, within the caller's transaction, as if one after the other."""
    connection.adapters.register_dumper(_Array, _ArrayDumper)
    for round_ in rounds(reports):
        spans = [report.only_one_in or (None, None) for report in round_]
        told = np.array(
            [[report.values.get(name, np.nan) for name in REPORT_SIGNALS] for report in round_]
        )
        vehicle_ids = np.array([report.vehicle_id for report in round_], dtype=np.int64)
        connection.execute(
            query("insert_reports"),
            {
                "vehicle_ids": _Array(binary_copy.encode_array(vehicle_ids)),
                "created_times": _times(report.created_time for report in round_),
                "trigger_types": [report.trigger_type for report in round_],
                "derived": [report.derived for report in round_],
                "details": [report.detail for report in round_],
                "position_times": _times(report.position_time for report in round_),
                "values_from": _times(report.values_from for report in round_),
                "only_one_from": _times(since for since, _ in spans),
                "only_one_before": _times(before for _, before in spans),
                "told": _Array(binary_copy.encode_array(told)),
            },
        )


def _times(times: Iterable[datetime | None]) -> _Array:
    """timestamptz[], -infinity for None."""
    found = [
        NEVER_US if time is None else (time - _POSTGRES_EPOCH) // _MICROSECOND for time in times
    ]
    return _Array(binary_copy.encode_array(np.array(found, dtype=np.int64), timestamps=True))


def rounds(reports: Iterable[ReportRow]) -> Sequence[Sequence[ReportRow]]:
    """Reports, cut so that none names a span in which an earlier one of its own round lies."""
    found: list[list[ReportRow]] = []
    current: dict[tuple[int, str], tuple[int, list[datetime]]] = {}
    for report in reports:
        key = (report.vehicle_id, report.trigger_type)
        number, times = current.get(key, (0, []))
        if report.only_one_in is not None:
            since, before = report.only_one_in
            place = bisect_left(times, since)
            if place < len(times) and times[place] < before:
                number, times = number + 1, []
        insort(times, report.created_time)
        current[key] = number, times
        if number == len(found):
            found.append([])
        found[number].append(report)
    return found
