"""A report as a table for spreadsheets: RFC 4180, with a byte order mark so that Excel reads it.

Numbers are the API's, to their last digit; without a mark Excel takes UTF-8 for something else.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from api.tables import FORMULA

if TYPE_CHECKING:
    from api.fuel.consumption import Consumption
    from api.language import Language
    from api.pages.report import Report, Row

MARK = "\ufeff"
"""What says UTF-8 to Excel."""

_FORMULA = re.compile(FORMULA)


def written(report: Report, text: Language) -> bytes:
    """The file.

    Args:
        report: what it tells.
        text: the language of its head.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(
        [
            text("report_column_of"),
            text("report_column_name"),
            f"{text('trip_distance')} [km]",
            f"{text('week_fuel')} [L]",
            f"{text('trip_consumption')} [L/100 km]",
            f"{text('week_cost')} [{report.currency}]",
            "CO₂ [kg]",
            f"{text('report_idle_fuel')} [L]",
            f"{text('report_expected')} [L]",
            f"{text('report_compared')} [L]",
        ]
    )
    for part in report.parts:
        for row in part.rows:
            writer.writerow(
                [text(f"report_of_{part.of}"), _plain(label(row, text)), *_numbers(row.fuel)]
            )
    if report.total is not None:
        writer.writerow([text("report_total"), _plain(report.name), *_numbers(report.total)])
    return (MARK + file.getvalue()).encode()


def label(row: Row, text: Language) -> str:
    """What a line is of."""
    if row.day is not None:
        return row.day.isoformat()
    if row.vin is not None:
        return row.vin
    if row.name is not None:
        return row.name
    if row.driver_id is not None:
        return text("driver_number", n=row.driver_id)
    return text("driver_unknown")


def _numbers(fuel: Consumption) -> list[float | None]:
    expected = fuel.expected
    return [
        fuel.distance_km,
        fuel.fuel_l,
        fuel.l_per_100km,
        fuel.cost,
        fuel.co2_kg,
        fuel.idle_fuel_l,
        None if expected is None else expected.expected_l,
        None if expected is None else expected.actual_l,
    ]


def _plain(cell: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"'\1", cell)
