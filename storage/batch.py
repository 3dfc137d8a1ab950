"""What ingest hands to storage: the rows of one batch, in arrays, and the offsets they end at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GroupRows:
    """n rows of one signal group, those of a vehicle in the order in which they were read.

    Every row holds a value: a row of which all signals are absent is left out.
    The columns of `narrow` are the group's signals that fit float32, those of `wide` the others,
    each in the order of their ids; NaN is absent.
    """

    group: str
    vehicle_ids: NDArray[np.int64]
    """(n,)"""
    times_us: NDArray[np.int64]
    """(n,) microseconds since 1970-01-01 UTC."""
    narrow: NDArray[np.float32]
    """(n, a)"""
    wide: NDArray[np.float64]
    """(n, b)"""
    fills_gaps: bool = False
    """Rows of replayed messages: they fill what is absent and change no value that is there."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.times_us)

    @property
    def value_count(self) -> int:
        """Number of values that are not absent."""
        return sum(
            part.size - int(np.count_nonzero(np.isnan(part))) for part in (self.narrow, self.wide)
        )

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> GroupRows:
        """The rows of that index or mask."""
        return GroupRows(
            group=self.group,
            vehicle_ids=self.vehicle_ids[rows],
            times_us=self.times_us[rows],
            narrow=self.narrow[rows],
            wide=self.wide[rows],
            fills_gaps=self.fills_gaps,
        )

    def backwards(self) -> GroupRows:
        """The same rows from the last to the first; nothing is copied."""
        return GroupRows(
            group=self.group,
            vehicle_ids=self.vehicle_ids[::-1],
            times_us=self.times_us[::-1],
            narrow=self.narrow[::-1],
            wide=self.wide[::-1],
            fills_gaps=self.fills_gaps,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OffsetAdvance:
    """A partition read from `expected` up to, not including, `next_offset`."""

    cluster_id: str
    topic_id: UUID
    topic: str
    partition: int
    expected: int | None
    """Where the database must stand for the batch to be ours; None: it knows no offset yet."""
    next_offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerRow:
    """A vehicle's own event, by its rFMS trigger name."""

    vehicle_id: int
    time: datetime
    trigger_type: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverChangeRow:
    """A tachograph card put in (`card_id`) or taken out (None)."""

    vehicle_id: int
    time: datetime
    slot: int
    card_id: str | None
    fills_gaps: bool = False
    """Of a replayed message: what is stored about the same moment stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubleCodeRow:
    """A J1939 trouble code that came up (`active`) or went."""

    vehicle_id: int
    time: datetime
    spn: int
    fmi: int
    source_address: int
    lamp: str
    count: int | None
    active: bool
    fills_gaps: bool = False
    """Of a replayed message: what is stored about the same moment stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """A report in the sense of rFMS: why, when, and the vehicle's values at that moment."""

    vehicle_id: int
    created_time: datetime
    trigger_type: str
    values: dict[str, float]
    """By name, of `storage.report_writer.REPORT_SIGNALS`, in the catalogue's units."""
    only_one_in: tuple[datetime, datetime] | None = None
    """From when to before when the vehicle has one report of this type; a second is not stored."""
    derived: bool = False
    """Whether the trigger was seen in the signals, and not told by the vehicle."""
    detail: str = ""
    """What the trigger leaves open, such as a tell-tale."""
    position_time: datetime | None = None
    """When the position was taken; None: at that moment, or there is none."""
    values_from: datetime | None = None
    """Time of the oldest other value; None: none is older than the report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedValue:
    """A value out of its signal's limits."""

    vehicle_id: int
    time: datetime
    signal_id: int
    value: float


@dataclass(frozen=True, slots=True)
class CountKey:
    """What is counted: `key` is the reason, signal or group within the measure."""

    topic: str
    partition: int
    measure: str
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """All that one transaction writes."""

    groups: tuple[GroupRows, ...] = ()
    """Each group once, and once more with rows that fill gaps, in any order."""
    triggers: tuple[TriggerRow, ...] = ()
    driver_changes: tuple[DriverChangeRow, ...] = ()
    trouble_codes: tuple[TroubleCodeRow, ...] = ()
    reports: tuple[ReportRow, ...] = ()
    refused_values: tuple[RefusedValue, ...] = ()
    counts: dict[CountKey, int] = field(default_factory=dict)
    offsets: tuple[OffsetAdvance, ...] = ()
