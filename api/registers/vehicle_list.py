"""A list of vehicles as CSV: read a line at a time, and every line's faults named.

A line is a line: no cell holds a line break, so that one bad line says nothing of the next.
Whatever comes, no more than a line and the VINs that were seen are in memory. The same
rules hold over HTTP and on the command line.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from analytics.thresholds import CLASSES
from schemas.vin import VinError, check_digit_ok, check_vin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

MAX_BYTES = 16 * 1024 * 1024
"""Of a list; 100,000 lines of the usual length have a third of it."""

MAX_LINES = 100_000
MAX_LINE_BYTES = 4096

COLUMNS = ("vin", "model", "plate", "region", "class")
"""The first is needed, the others may be left out or left empty."""

LINES_AT_ONCE = 1000
"""Lines that are sent to the database in one statement."""

SHOWN = 60
"""Characters of a bad value that are told."""

MAX_TEXT = 100
"""Characters of a text that people give a thing."""

FORMULA = ("=", "+", "-", "@")
"""How a text begins that a spreadsheet would take for a formula."""

REGION = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
"""ISO 3166-2, or the country alone."""

_PIECE = 64 * 1024

_REGION = re.compile(REGION, re.ASCII)

_FOREIGN_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, kw_only=True, slots=True)
class BadCell:
    """Why a line cannot be taken."""

    line: int
    """As an editor counts, the header is 1."""
    column: str | None
    """None: the line as a whole."""
    value: str | None
    """What stands there, shortened; None: it cannot be shown."""
    reason: str
    way_out: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GoodLine:
    """A vehicle; None is what the line leaves empty."""

    line: int
    vin: str
    model: str | None
    plate: str | None
    region: str | None
    vehicle_class: str | None

    def row(self) -> dict[str, object]:
        """The line as the database takes it."""
        return {
            "vin": self.vin,
            "check_digit_ok": check_digit_ok(self.vin),
            "model": self.model,
            "plate": self.plate,
            "region": self.region,
            "vehicle_class": self.vehicle_class,
        }


def read(file: IO[bytes]) -> Iterator[GoodLine | list[BadCell]]:
    """Read a list; every line is a vehicle or its faults, empty lines are passed over.

    Of a header that cannot be taken nothing else is told; what is over the most lines is one fault.

    Args:
        file: at its beginning.
    """
    lines = _lines(file)
    _, first = next(lines, (1, b""))
    header = _header(first)
    if isinstance(header, BadCell):
        yield [header]
        return
    seen: dict[str, int] = {}
    for number, raw in lines:
        if number > MAX_LINES + 1:
            yield [
                _fault(
                    number,
                    None,
                    None,
                    f"The list has more than {MAX_LINES:,} lines.",
                    "Send it in parts, each with the header.",
                )
            ]
            return
        cells = _cells(number, raw)
        if isinstance(cells, BadCell):
            yield [cells]
        elif any(cells):
            yield _line(number, header, cells, seen)


def pieces(file: IO[bytes]) -> Iterator[list[dict[str, object]]]:
    """The good lines of a list as the database takes them, so many at once."""
    good = (line.row() for line in read(file) if isinstance(line, GoodLine))
    while piece := list(islice(good, LINES_AT_ONCE)):
        yield piece


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None where it is too long to be one."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) <= MAX_LINE_BYTES:
            yield number, raw
            continue
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(_PIECE)
        yield number, None


def _fault(line: int, column: str | None, value: str | None, reason: str, way_out: str) -> BadCell:
    shown = value if value is None or len(value) <= SHOWN else f"{value[:SHOWN]}…"
    return BadCell(line=line, column=column, value=shown, reason=reason, way_out=way_out)


def _cells(number: int, raw: bytes | None) -> list[str] | BadCell:
    """The cells of a line, without blanks around them."""
    if raw is None:
        return _fault(
            number,
            None,
            None,
            f"The line is longer than {MAX_LINE_BYTES:,} bytes.",
            "A vehicle needs some 60; look for a missing line break or quotation mark.",
        )
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return _fault(
            number,
            None,
            None,
            f"Byte {error.start + 1} of the line is not UTF-8.",
            "Save the list as UTF-8 (in a spreadsheet: CSV UTF-8).",
        )
    if not text.replace("\t", "").isprintable():
        return _fault(
            number,
            None,
            None,
            "The line holds control characters.",
            "Take them out; text alone is taken.",
        )
    try:
        (cells,) = list(csv.reader([text], strict=True)) or [[]]
    except (csv.Error, ValueError):
        return _fault(
            number,
            None,
            text,
            "A quotation mark is not closed, or stands where none may.",
            "Put a whole cell in quotation marks, and double those within; no cell has two lines.",
        )
    return [cell.strip() for cell in cells]


def _header(raw: bytes | None) -> tuple[str, ...] | BadCell:
    if raw is not None and raw.startswith(_FOREIGN_MARKS):
        return _fault(1, None, None, "The list is UTF-16.", "Save it as UTF-8.")
    cells = _cells(1, raw.removeprefix(codecs.BOM_UTF8) if raw else raw)
    if isinstance(cells, BadCell):
        return cells
    names = tuple(cell.lower() for cell in cells)
    wanted = f"Begin with a header of these names: {','.join(COLUMNS)}."
    other = next((mark for mark in (";", "\t") if len(names) == 1 and mark in names[0]), None)
    if other is not None:
        return _fault(
            1,
            None,
            cells[0],
            "The columns are not separated by commas.",
            "Save the list with commas (UTF-8, RFC 4180).",
        )
    for name in names:
        if name not in COLUMNS:
            return _fault(1, name, name, f"There is no column {name[:SHOWN]!r}.", wanted)
        if names.count(name) > 1:
            return _fault(1, name, name, f"Column {name} is there twice.", "Leave one out.")
    if "vin" not in names:
        return _fault(1, "vin", None, "There is no column vin.", wanted)
    return names


def _line(
    number: int, header: tuple[str, ...], cells: list[str], seen: dict[str, int]
) -> GoodLine | list[BadCell]:
    if len(cells) != len(header):
        return [
            _fault(
                number,
                None,
                ",".join(cells),
                f"The line has {len(cells)} cells and the header {len(header)}.",
                "Give it as many; a cell with a comma stands in quotation marks.",
            )
        ]
    given = dict(zip(header, cells, strict=True))
    faults = [
        _fault(number, column, value, *refused)
        for column, value in given.items()
        if (refused := _refused(column, value))
    ]
    vin = given["vin"]
    if (
        not any(fault.column == "vin" for fault in faults)
        and seen.setdefault(vin, number) != number
    ):
        faults.append(
            _fault(
                number,
                "vin",
                vin,
                f"This VIN stands in line {seen[vin]} already.",
                "Leave one of the two lines out.",
            )
        )
    if faults:
        return faults
    return GoodLine(
        line=number,
        vin=vin,
        model=given.get("model") or None,
        plate=given.get("plate") or None,
        region=given.get("region") or None,
        vehicle_class=given.get("class") or None,
    )


def _refused(column: str, value: str) -> tuple[str, str] | None:
    """Why a cell cannot be taken, and what would do; None: it can."""
    if column == "vin":
        try:
            check_vin(value)
        except VinError:
            return (
                "This is no VIN.",
                "17 of A-Z and 0-9 without I, O and Q, upper case.",
            )
        return None
    if not value:
        return None
    if column == "region" and _REGION.fullmatch(value) is None:
        return "This is no region.", "Write ISO 3166-2, such as CN-31, or the country alone."
    if column == "class" and value not in CLASSES:
        return "There is no such class.", f"Use one of {', '.join(CLASSES)}."
    if len(value) > MAX_TEXT:
        return f"The cell is longer than {MAX_TEXT} characters.", "Shorten it."
    if value.startswith(FORMULA):
        return (
            "It begins as a spreadsheet's formula does.",
            "Begin with a letter or digit.",
        )
    if not value.isprintable():
        return "The cell holds control characters.", "Take them out."
    return None
