"""What each cell of a vector of counters is, and the vector in the shape rFMS gives it.

Names, classes and labels are those of AccumulatedDataObject in the public OpenAPI of rFMS 4.0. To
them come cells of our own: `all/…`, the engine time, distance and fuel of which the classes are
parts, and `known/…`, the seconds in which the vehicle's signals could tell a field at all. These
keep "never" apart from "nobody knows": a field that was never known is not served.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.errors import TelemetryError

Vector: TypeAlias = NDArray[np.float64]
"""(len(LAYOUT),) seconds, metres, millilitres or counts, as LAYOUT says."""

LAYOUT_VERSION = 1
"""Raised when a cell is added, moved or comes to mean something else: vectors of two versions must
not be added up."""

SECONDS, METRES, MILLILITRES, COUNT = "seconds", "meters", "milliLitres", "count"
USE = (SECONDS, METRES, MILLILITRES)
"""What a class counts: time, distance and fuel spent in it, by their rFMS names."""

GEARS = range(-6, 25)
"""The gears of the catalogue's `gear_current` and `gear_selected`: negative reverse, 0 neutral."""

STANDING, DRIVING = "WHEELBASED_SPEED_ZERO", "WHEELBASED_SPEED_OVER_ZERO"


class LayoutError(TelemetryError):
    """A vector of counters that does not fit this version's layout."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """One class of a field: from `start` to `stop` in the field's unit, or a label.

    An end that is None is open. Which end belongs to the class is in the field's description.
    """

    start: float | None = None
    stop: float | None = None
    label: str | None = None

    @property
    def key(self) -> str:
        """The class in the name of a cell."""
        if self.label is not None:
            return self.label
        ends = ["" if end is None else f"{end:g}" for end in (self.start, self.stop)]
        return "..".join(ends)

    @property
    def shape(self) -> dict[str, float | str]:
        """The class as rFMS writes it: an open end is left out."""
        ends: dict[str, float | str | None] = {
            "from": self.start,
            "to": self.stop,
            "label": self.label,
        }
        return {name: end for name, end in ends.items() if end is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A property of rFMS AccumulatedDataObject: one number, or an array of classes."""

    name: str
    units: tuple[str, ...] = USE
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One number of a vector.

    Attributes:
        name: unique: field, class and unit.
        field: the rFMS property it belongs to; None for the cells of our own.
        band: the class within it; None where the field is one number.
        unit: seconds, meters, milliLitres or count.
    """

    name: str
    field: str | None
    band: Band | None
    unit: str


def _bands(*edges: float | None) -> tuple[Band, ...]:
    return tuple(Band(start=start, stop=stop) for start, stop in pairwise(edges))


def _around_zero(edges: tuple[float, ...]) -> tuple[Band, ...]:
    """Classes below, around and above zero, open at both ends."""
    return _bands(None, *(-edge for edge in reversed(edges)), *edges, None)


ACCELERATION_EDGES_M_S2 = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1)
HIGH_ACCELERATION_EDGES_M_S2 = (1.1, 1.5, 2.0, 2.5, 3.0)
PEDAL_STEP_PERCENT = 20.0
TORQUE_STEP_PERCENT = 10.0
SPEED_STEP_KM_H = 4.0
ENGINE_SPEED_STEP_RPM = 400.0

_FIFTHS = _bands(*np.arange(0.0, 101.0, PEDAL_STEP_PERCENT).tolist())
_TENTHS = _bands(*np.arange(0.0, 101.0, TORQUE_STEP_PERCENT).tolist())
_GEARS = tuple(Band(label=str(gear)) for gear in GEARS)

FIELDS = (
    Field(name="durationWheelbasedSpeedOverZero", units=(SECONDS,)),
    Field(name="distanceCruiseControlActive", units=(METRES,)),
    Field(name="durationCruiseControlActive", units=(SECONDS,)),
    Field(name="fuelConsumptionDuringCruiseActive", units=(MILLILITRES,)),
    Field(name="durationWheelbasedSpeedZero", units=(SECONDS,)),
    Field(name="fuelWheelbasedSpeedZero", units=(MILLILITRES,)),
    Field(name="fuelWheelbasedSpeedOverZero", units=(MILLILITRES,)),
    Field(name="ptoActiveClass", bands=(Band(label=STANDING), Band(label=DRIVING))),
    Field(name="brakePedalCounterSpeedOverZero", units=(COUNT,)),
    Field(name="distanceBrakePedalActiveSpeedOverZero", units=(METRES,)),
    Field(name="accelerationPedalPositionClass", bands=_FIFTHS),
    Field(name="brakePedalPositionClass", bands=_FIFTHS),
    Field(name="accelerationClass", bands=_around_zero(ACCELERATION_EDGES_M_S2)),
    Field(name="highAccelerationClass", bands=_around_zero(HIGH_ACCELERATION_EDGES_M_S2)),
    Field(name="retarderTorqueClass", bands=_FIFTHS),
    Field(name="drivingWithoutTorqueClass", bands=(Band(label="DRIVING_WITHOUT_TORQUE"),)),
    Field(name="engineTorqueClass", bands=_TENTHS),
    Field(name="engineTorqueAtCurrentSpeedClass", bands=_TENTHS),
    Field(
        name="vehicleSpeedClass",
        bands=_bands(*np.arange(0.0, 157.0, SPEED_STEP_KM_H).tolist(), None),
    ),
    Field(
        name="engineSpeedClass",
        bands=_bands(*np.arange(0.0, 3601.0, ENGINE_SPEED_STEP_RPM).tolist(), None),
    ),
    Field(name="accelerationDuringBrakeClass", bands=_around_zero(ACCELERATION_EDGES_M_S2)),
    Field(name="selectedGearClass", bands=_GEARS),
    Field(name="currentGearClass", bands=_GEARS),
)
"""The counters of a vehicle with a combustion engine, in the order of the OpenAPI."""

WHOLE = {"engine": SECONDS, "distance": METRES, "fuel": MILLILITRES}
"""What the classes are parts of: engine time, distance, fuel of all rows, each `all/…`."""


def _cells() -> tuple[Cell, ...]:
    cells = []
    for field in FIELDS:
        for band in field.bands or (None,):
            part = f"{field.name}/{band.key}" if band else field.name
            cells += [
                Cell(name=f"{part}/{unit}", field=field.name, band=band, unit=unit)
                for unit in field.units
            ]
    own = [(f"all/{name}", unit) for name, unit in WHOLE.items()]
    own += [(f"known/{name}", SECONDS) for name in (*(field.name for field in FIELDS), *WHOLE)]
    cells += [Cell(name=name, field=None, band=None, unit=unit) for name, unit in own]
    return tuple(cells)


LAYOUT: tuple[Cell, ...] = _cells()
"""Every cell of a vector, in order: a field's classes follow each other, a class's units too."""

PLACES: dict[str, int] = {cell.name: place for place, cell in enumerate(LAYOUT)}
"""Where the cell of a name is."""


def _starts() -> dict[str, int]:
    starts: dict[str, int] = {}
    for place, cell in enumerate(LAYOUT):
        if cell.field is not None:
            starts.setdefault(cell.field, place)
    return starts


_FIELDS = {field.name: field for field in FIELDS}
_STARTS = _starts()


def block(vector: Vector, field: str) -> Vector:
    """The cells of an rFMS property: a view (classes, units), one class where it is one number."""
    units = len(_FIELDS[field].units)
    classes = max(len(_FIELDS[field].bands), 1)
    start = _STARTS[field]
    return vector[start : start + classes * units].reshape(classes, units)


def select(vector: Vector, field: str, unit: str) -> Vector:
    """What a property's classes count in one unit: a view (classes,), in the order of FIELDS."""
    return block(vector, field)[:, _FIELDS[field].units.index(unit)]


def accumulated_data(vector: Vector) -> dict[str, Any]:
    """The counters as rFMS 4.0 AccumulatedDataObject: whole seconds, metres, millilitres.

    A field, and the metres or millilitres of a class, that the vehicle's signals could never tell
    is left out. So are gears it was never in: a gearbox has fewer than the catalogue.

    Raises:
        LayoutError: they were laid out otherwise.
    """
    if vector.shape != (len(LAYOUT),):
        raise LayoutError(
            f"counters of shape {vector.shape} do not fit layout version {LAYOUT_VERSION} with"
            f" {len(LAYOUT)} cells: work the vehicle's days up again with this version"
        )
    unknown = {
        unit
        for unit, amount in ((METRES, "distance"), (MILLILITRES, "fuel"))
        if vector[PLACES[f"known/{amount}"]] == 0
    }
    data: dict[str, Any] = {}
    for field in FIELDS:
        if vector[PLACES[f"known/{field.name}"]] == 0 or unknown.issuperset(field.units):
            continue
        # Cut, not rounded: a counter shows what is complete, and so it cannot fall.
        rows = np.floor(block(vector, field.name)).astype(np.int64).tolist()
        if not field.bands:
            data[field.name] = rows[0][0]
            continue
        counted = [
            band.shape | _use(field, band, row, unknown)
            for band, row in zip(field.bands, rows, strict=True)
            if field.bands is not _GEARS or any(row)
        ]
        data[field.name] = counted
    return data


def _use(field: Field, band: Band, row: list[int], unknown: set[str]) -> dict[str, int]:
    """Time, distance and fuel of one class; rFMS gives a PTO at standstill no distance."""
    left_out = unknown | ({METRES} if band.label == STANDING else set())
    return {
        unit: amount for unit, amount in zip(field.units, row, strict=True) if unit not in left_out
    }
