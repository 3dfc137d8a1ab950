"""One signal: its record, and the rules its row in the catalogue file must keep."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from schemas.units import UNITS

GROUP_NAMES = (
    "motion",
    "location",
    "powertrain",
    "fuel_aftertreatment",
    "brakes_chassis",
    "body_electrics",
    "counters",
)
"""The groups, fast ones first: each is one table and one Arrow schema."""

RESERVED_NAMES = frozenset({"vehicle_id", "time", "vin"})
"""Names of key columns, which no signal may take."""

MAX_NAME_LENGTH = 48  # characters; PostgreSQL cuts identifiers at 63 and rollups append a suffix
MAX_ID = 2**31 - 1  # the wire carries ids as int32
MAX_PGN = 2**18 - 1  # SAE J1939-21: 18 bits with the data pages
MAX_SPN = 2**19 - 1  # SAE J1939-73: 19 bits
FLOAT32_STEPS = 2**24  # whole steps float32 tells apart
FLOAT64_STEPS = 2**53  # whole steps float64 tells apart; the wire carries whole numbers in float64

E = TypeVar("E", bound=StrEnum)

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"Vehicle(\.[A-Z][A-Za-z0-9]*)+")
_WHOLE = re.compile(r"0|[1-9][0-9]*")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Origin(StrEnum):
    """Where a signal's path is defined: by COVESA VSS, or by our overlay."""

    VSS = "vss"
    OVERLAY = "overlay"


class Kind(StrEnum):
    """How a signal behaves in time, and so how it may be summarised.

    A sample is a measurement: means and extremes make sense. A state holds until it changes
    (switches, enumerations, set values, trip meters). A counter only ever grows: differences make
    sense.
    """

    SAMPLE = "sample"
    STATE = "state"
    COUNTER = "counter"


class ValueType(StrEnum):
    """How a signal is stored."""

    REAL = "real"
    DOUBLE = "double"
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    BOOLEAN = "boolean"


_WHOLE_RANGE: Mapping[ValueType | None, tuple[int, int]] = {
    ValueType.SMALLINT: (-(2**15), 2**15 - 1),
    ValueType.INTEGER: (-(2**31), 2**31 - 1),
    ValueType.BIGINT: (-FLOAT64_STEPS, FLOAT64_STEPS),
}
_FLOAT_STEPS: Mapping[ValueType | None, int] = {
    ValueType.REAL: FLOAT32_STEPS,
    ValueType.DOUBLE: FLOAT64_STEPS,
}
_WIDE = frozenset({ValueType.DOUBLE, ValueType.INTEGER, ValueType.BIGINT})
_MAY_LACK_UNIT = frozenset({ValueType.BOOLEAN, ValueType.SMALLINT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """One signal of a truck.

    Attributes:
        id: the number the wire carries; never reused.
        name: the column in SQL, Arrow and DataFrames.
        path: dotted VSS path. It names the signal; type and unit are this catalogue's.
        origin: who defines the path.
        group: the table the signal lies in.
        kind: how it behaves in time.
        type: how it is stored.
        unit: a symbol of `schemas.units.UNITS`, or "" for switches and enumerations.
        minimum: least plausible value, in `unit`; 0 for a boolean.
        maximum: greatest plausible value, in `unit`; 1 for a boolean.
        resolution: smallest step the source can tell, in `unit`.
        period_s: nominal seconds between two values.
        pgn: SAE J1939 parameter group that carries it, where there is one.
        spn: SAE J1939 suspect parameter number, where there is one.
        since: catalogue version that added it.
        description_en: what it is, with the meaning of each code of an enumeration.
        description_zh: the same in Chinese.
    """

    id: int
    name: str
    path: str
    origin: Origin
    group: str
    kind: Kind
    type: ValueType
    unit: str
    minimum: float
    maximum: float
    resolution: float
    period_s: float
    pgn: int | None
    spn: int | None
    since: int
    description_en: str
    description_zh: str

    @property
    def wide(self) -> bool:
        """Whether float32 cannot hold every value exactly, so that the wire uses float64."""
        return self.type in _WIDE


COLUMNS = tuple(
    {"minimum": "min", "maximum": "max"}.get(field.name, field.name) for field in fields(Signal)
)
"""The catalogue file's columns, in order."""


def parse(row: Mapping[str, str]) -> tuple[Signal | None, Sequence[str]]:
    """Turn a row, by column, into a signal; where it breaks rules, into the reasons why not."""
    cells = _Cells(row)
    signal_type = cells.choice("type", ValueType)
    minimum, maximum = cells.number("min"), cells.number("max")
    resolution = cells.positive("resolution")
    origin, kind = cells.choice("origin", Origin), cells.choice("kind", Kind)
    signal_id, since = cells.whole("id", 1, MAX_ID), cells.whole("since", 1, MAX_ID)
    period_s = cells.positive("period_s")
    pgn = cells.whole("pgn", 0, MAX_PGN) if row["pgn"] else None
    spn = cells.whole("spn", 1, MAX_SPN) if row["spn"] else None
    cells.reasons += [
        *_naming_faults(row),
        *_unit_faults(row["unit"], signal_type),
        *_limit_faults(signal_type, minimum, maximum, resolution),
        *_description_faults(row),
    ]
    if row["spn"] and not row["pgn"]:
        cells.reasons.append(f"spn {row['spn']} has no pgn: name the group that carries it")
    if cells.reasons or signal_type is None or origin is None or kind is None:
        return None, cells.reasons
    return Signal(
        id=signal_id,
        name=row["name"],
        path=row["path"],
        origin=origin,
        group=row["group"],
        kind=kind,
        type=signal_type,
        unit=row["unit"],
        minimum=minimum,
        maximum=maximum,
        resolution=resolution,
        period_s=period_s,
        pgn=pgn,
        spn=spn,
        since=since,
        description_en=row["description_en"],
        description_zh=row["description_zh"],
    ), ()


def as_row(signal: Signal) -> dict[str, str]:
    """Write a signal as a row of the file, by column: what `parse` reads back."""

    def text(value: object) -> str:
        if value is None:
            return ""
        return number_text(value) if isinstance(value, float) else str(value)

    return {column: text(value) for column, value in zip(COLUMNS, astuple(signal), strict=True)}


def number_text(value: float) -> str:
    """Write a number exactly, without exponent or needless digits: 1e-07 as 0.0000001."""
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


class _Cells:
    """Reads typed cells of a row and gathers why some cannot be read.

    A number that cannot be read comes back as NaN, which passes every later comparison.
    """

    def __init__(self, row: Mapping[str, str]) -> None:
        self._row = row
        self.reasons: list[str] = []

    def whole(self, column: str, least: int, most: int) -> int:
        text = self._row[column]
        if _WHOLE.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        self.reasons.append(f"{column} {text!r} is not a whole number from {least} to {most}")
        return 0

    def number(self, column: str) -> float:
        text = self._row[column]
        if not text:
            self.reasons.append(f"{column} is missing")
        elif _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        else:
            self.reasons.append(f"{column} {text!r} is not a number")
        return math.nan

    def positive(self, column: str) -> float:
        value = self.number(column)
        if value <= 0:
            self.reasons.append(f"{column} {self._row[column]} is not positive")
        return value

    def choice(self, column: str, choices: type[E]) -> E | None:
        text = self._row[column]
        if text in set(choices):
            return choices(text)
        self.reasons.append(f"unknown {column} {text!r}: use one of {', '.join(choices)}")
        return None


def _naming_faults(row: Mapping[str, str]) -> list[str]:
    name, path, group = row["name"], row["path"], row["group"]
    faults = []
    if not _NAME.fullmatch(name):
        faults.append(f"name {name!r} is not a legal column name: use [a-z][a-z0-9_]*")
    if len(name) > MAX_NAME_LENGTH:
        faults.append(f"name {name!r} has {len(name)} characters, at most {MAX_NAME_LENGTH}")
    if name in RESERVED_NAMES:
        faults.append(f"name {name!r} is a key column's: choose another")
    if not _PATH.fullmatch(path):
        faults.append(f"path {path!r} is not a VSS path such as Vehicle.Powertrain.Speed")
    if group not in GROUP_NAMES:
        faults.append(f"unknown group {group!r}: use one of {', '.join(GROUP_NAMES)}")
    return faults


def _unit_faults(unit: str, signal_type: ValueType | None) -> list[str]:
    if unit and unit not in UNITS:
        return [f"unknown unit {unit!r}: use one of {' '.join(UNITS)}"]
    if unit and signal_type is ValueType.BOOLEAN:
        return [f"a boolean has no unit, not {unit!r}"]
    if not unit and signal_type is not None and signal_type not in _MAY_LACK_UNIT:
        return [f"unit is missing: only switches and enumerations lack one, not {signal_type}"]
    return []


def _description_faults(row: Mapping[str, str]) -> list[str]:
    faults = []
    for column in ("description_en", "description_zh"):
        text = row[column]
        if not text.strip():
            faults.append(f"{column} is missing")
        elif not text.isprintable():
            faults.append(f"{column} is not one line of plain text: {text!r}")
    return faults


def _limit_faults(
    signal_type: ValueType | None, minimum: float, maximum: float, resolution: float
) -> list[str]:
    if minimum >= maximum:
        return [f"limits are reversed: min {minimum:.15g} is not below max {maximum:.15g}"]
    span = f"{minimum:.15g} to {maximum:.15g}"
    if signal_type is ValueType.BOOLEAN and (minimum != 0 or maximum != 1):
        return [f"a boolean's limits are 0 and 1, not {span}"]
    if signal_type in _WHOLE_RANGE:
        least, most = _WHOLE_RANGE[signal_type]
        if minimum < least or maximum > most:
            return [f"{signal_type} cannot hold the limits {span}: it ends at {least} and {most}"]
        if any(value % 1 for value in (minimum, maximum, resolution) if math.isfinite(value)):
            return [f"{signal_type} cannot hold {span} in steps of {resolution:g}: not whole"]
    if signal_type in _FLOAT_STEPS and resolution > 0:
        steps = max(abs(minimum), abs(maximum)) / resolution
        if steps > _FLOAT_STEPS[signal_type]:
            return [f"{signal_type} cannot hold the limits {span} in steps of {resolution:g}"]
    return []
