"""The records that `storage.served_reports` answers with.

None is what was not measured, or not known, or not for the principal to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Horizon:
    """Up to when, not included, all that was received is there to be read."""

    horizon: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedVehicle:
    """A vehicle of the register."""

    vin: str
    model: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A vehicle's report in the sense of rFMS."""

    vin: str
    trigger_type: str
    detail: str
    """What the trigger leaves open: a tell-tale, a card; "" where that is nothing."""
    created_time: datetime
    received_time: datetime
    position_time: datetime
    driver1_card_id: str | None
    driver2_card_id: str | None
    reported: Mapping[str, float]
    """By signal, in the catalogue's units; switches are 0 and 1."""
    layout_version: int | None
    counters: Sequence[float] | None
    """Of all data up to the report, laid out as `analytics.accumulated` says."""
