"""A batch's reports go into their table together: one statement, not one a report.

A report is not stored where its vehicle has one of the same trigger within a span that it names. A
statement does not see what it stores itself, so reports that would have to see each other go in
rounds, one after the other; a batch hardly ever has a second one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

import numpy as np
from psycopg.adapt import Dumper
from psycopg.pq import Format

from storage.binary_copy import encode_doubles
from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

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

_DOUBLES_OID = 1022
"""PostgreSQL's type double precision[]."""


class _Doubles(bytes):
    """An array of double precision, as PostgreSQL's binary format has it."""


class _DoublesDumper(Dumper):
    """Hands such an array over as it is."""

    format = Format.BINARY
    oid = _DOUBLES_OID

    def dump(self, obj: _Doubles) -> bytes:
        """The bytes that travel."""
        return obj


def insert_reports(connection: Connection, reports: Iterable[ReportRow]) -> None:
    """Store reports, within the caller's transaction, as if one after the other."""
    connection.adapters.register_dumper(_Doubles, _DoublesDumper)
    for round_ in rounds(reports):
        spans = [report.only_one_in or (None, None) for report in round_]
        told = np.array(
            [[report.values.get(name, np.nan) for name in REPORT_SIGNALS] for report in round_]
        )
        connection.execute(
            query("insert_reports"),
            {
                "vehicle_ids": [report.vehicle_id for report in round_],
                "created_times": [report.created_time for report in round_],
                "trigger_types": [report.trigger_type for report in round_],
                "derived": [report.derived for report in round_],
                "details": [report.detail for report in round_],
                "position_times": [report.position_time for report in round_],
                "values_from": [report.values_from for report in round_],
                "only_one_from": [since for since, _ in spans],
                "only_one_before": [before for _, before in spans],
                "told": _Doubles(encode_doubles(told)),
            },
        )


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
