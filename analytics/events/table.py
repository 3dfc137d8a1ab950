"""The table of driving events: its columns, its kinds, and how spans of rows become its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.spans import end_us, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analytics.samples import Samples
    from analytics.spans import Spans

    Floats = NDArray[np.float64]
    Numbers = float | Floats

PLACE_S = 5.0
"""An event's place is the known position nearest to its start, at most so far from it [s]."""

WINDOW_S = 10.0
"""What to look at begins so long before an event and ends so long after it [s]."""

LEAST_COVERAGE = 0.95
"""Distance and fuel are summed where speed and rate are known for this share of the event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventKind:
    """A kind of driving event.

    Attributes:
        unit: of its peak and limit.
        title_en, title_zh: its name in English and Chinese.
        description_en, description_zh: what it is, a sentence.
    """

    unit: str
    title_en: str
    title_zh: str
    description_en: str
    description_zh: str


EVENT_KINDS: dict[str, EventKind] = {
    "harsh_braking": EventKind(
        unit="m/s²",
        title_en="Harsh braking",
        title_zh="急刹车",
        description_en="The vehicle slowed down harder than driving ahead needs.",
        description_zh="减速度超过预见性驾驶所需。",
    ),
    "harsh_acceleration": EventKind(
        unit="m/s²",
        title_en="Harsh acceleration",
        title_zh="急加速",
        description_en="The vehicle gained speed harder than its class should.",
        description_zh="加速度超过该车型应有的水平。",
    ),
    "harsh_cornering": EventKind(
        unit="m/s²",
        title_en="Harsh cornering",
        title_zh="急转弯",
        description_en="A bend was taken so fast that load or passengers were pushed sideways.",
        description_zh="转弯过快，货物或乘客受到较大侧向力。",
    ),
    "overspeed_road": EventKind(
        unit="km/h",
        title_en="Above the road's limit",
        title_zh="超过道路限速",
        description_en="The vehicle was faster than the road allows there.",
        description_zh="车速超过所在道路的限速。",
    ),
    "overspeed_vehicle": EventKind(
        unit="km/h",
        title_en="Above the vehicle's limit",
        title_zh="超过车型限速",
        description_en="The vehicle was faster than its class may be anywhere.",
        description_zh="车速超过该车型的最高允许速度。",
    ),
    "over_revving": EventKind(
        unit="rpm",
        title_en="Over-revving",
        title_zh="发动机超转",
        description_en="The engine turned faster than it gives more power for.",
        description_zh="发动机转速高于有效功率区间。",
    ),
    "idling": EventKind(
        unit="s",
        title_en="Long idling",
        title_zh="长时间怠速",
        description_en="The engine ran at a standstill without driving a power take-off.",
        description_zh="停车时发动机空转，且未使用取力器。",
    ),
    "coasting": EventKind(
        unit="s",
        title_en="Coasting",
        title_zh="带挡滑行",
        description_en="The vehicle rolled in gear without fuel, brake or cruise control.",
        description_zh="车辆带挡滑行，不喷油、不制动、未用巡航。",
    ),
    "neutral_coasting": EventKind(
        unit="s",
        title_en="Coasting in neutral",
        title_zh="空挡滑行",
        description_en="The vehicle rolled with the engine cut off from the wheels.",
        description_zh="车辆在发动机与车轮断开的状态下滑行。",
    ),
    "kick_down": EventKind(
        unit="s",
        title_en="Kick-down",
        title_zh="强制降挡",
        description_en="The accelerator was pressed past the kick-down point.",
        description_zh="加速踏板踩过强制降挡点。",
    ),
    "late_braking": EventKind(
        unit="s",
        title_en="Braking late after accelerating",
        title_zh="加速后立即制动",
        description_en="Braking followed accelerating at once: what lay ahead was not foreseen.",
        description_zh="松开加速踏板后立即制动，未能预见前方情况。",
    ),
    "service_braking": EventKind(
        unit="s",
        title_en="Service brake in place of the retarder",
        title_zh="以行车制动代替缓速器",
        description_en="The service brake was used where the retarder would have done.",
        description_zh="可用缓速器减速时使用了行车制动。",
    ),
    "high_torque": EventKind(
        unit="s",
        title_en="High torque",
        title_zh="高扭矩行驶",
        description_en="The engine was driven near its full torque.",
        description_zh="发动机在接近最大扭矩下运转。",
    ),
    "cold_load": EventKind(
        unit="%",
        title_en="Load on a cold engine",
        title_zh="冷机大负荷",
        description_en="Much torque was asked of an engine that was not yet warm.",
        description_zh="发动机尚未暖机即承受较大扭矩。",
    ),
    "seat_belt": EventKind(
        unit="s",
        title_en="Driving unbelted",
        title_zh="未系安全带行驶",
        description_en="The vehicle was driven with the driver's seat belt open.",
        description_zh="驾驶员未系安全带行驶。",
    ),
    "red_tell_tale": EventKind(
        unit="s",
        title_en="Driving with a red tell-tale",
        title_zh="红色报警灯亮时行驶",
        description_en="The vehicle was driven on although a red lamp said to stop.",
        description_zh="红色停车报警灯亮起时仍继续行驶。",
    ),
}
"""The kinds of driving event found in signals."""

EVENT_COLUMNS = (
    "kind",
    "start_time",
    "end_time",
    "peak",
    "peak_time",
    "limit",
    "severity",
    "speed_km_h",
    "distance_km",
    "fuel_l",
    "latitude",
    "longitude",
    "window_start",
    "window_end",
)
"""The columns of a table of events.

kind; start_time and end_time (UTC); peak and the limit that was crossed, in the kind's unit;
peak_time; severity (1 low, 2 medium, 3 high); speed_km_h at the start; distance_km and fuel_l
meanwhile; latitude and longitude at the start; window_start and window_end, the signals to look
at. What is not known is NaN.
"""


def build(
    samples: Samples,
    kind: str,
    spans: Spans,
    *,
    peak: Floats,
    limit: Numbers,
    severity: tuple[Numbers, Numbers],
    peak_row: NDArray[np.intp] | None = None,
    speed_km_h: Floats | None = None,
) -> pd.DataFrame:
    """Make spans of rows the rows of a table of events.

    Args:
        samples: the vehicle's rows.
        kind: one of EVENT_KINDS.
        spans: k events.
        peak: (k,) each event's peak, in the kind's unit.
        limit: the threshold or limit that was crossed, one or (k,), in the kind's unit.
        severity: the peaks from which on it is medium and high, each one or (k,); where the second
            is the smaller, smaller peaks are the worse ones.
        peak_row: (k,) the row of each peak; None: it is reached at the end, as a duration is.
        speed_km_h: (k,) speed at the start; None: that of the first row.

    Returns:
        A row a span with EVENT_COLUMNS, in the spans' order.
    """
    if not len(spans):
        return empty()
    starts_us, ends_us = samples.time_us[spans.first], end_us(samples, spans)
    around_us = round(WINDOW_S * 1e6)
    latitude, longitude = _places(samples, starts_us)
    distance_km, fuel_l = _meanwhile(samples, spans)
    columns: dict[str, Any] = {
        "kind": _NAMES[kind].repeat(len(spans)),
        "start_time": _utc(starts_us),
        "end_time": _utc(ends_us),
        "peak": peak,
        "peak_time": _utc(ends_us if peak_row is None else samples.time_us[peak_row]),
        "limit": np.full(len(spans), limit),
        "severity": _severity(peak, *severity),
        "speed_km_h": samples.speed_km_h[spans.first] if speed_km_h is None else speed_km_h,
        "distance_km": distance_km,
        "fuel_l": fuel_l,
        "latitude": latitude,
        "longitude": longitude,
        "window_start": _utc(starts_us - around_us),
        "window_end": _utc(ends_us + around_us),
    }
    return pd.DataFrame(columns, copy=False)  # the arrays are new ones: copying doubles the time


def empty() -> pd.DataFrame:
    """A table of events without rows."""
    return _EMPTY.copy(deep=False)


def _utc(microseconds: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.view("datetime64[us]"), tz="UTC")


def _severity(peak: Floats, medium: Numbers, high: Numbers) -> NDArray[np.int64]:
    falling = np.where(np.less(high, medium), -1.0, 1.0)
    return np.asarray(
        1 + (falling * peak >= falling * medium) + (falling * peak >= falling * high),
        dtype=np.int64,
    )


def _meanwhile(samples: Samples, spans: Spans) -> tuple[Floats, Floats]:
    """(k,) kilometres by the speed, and litres by the rate or else by the counter."""
    rows, span = rows_of(spans)
    step_s = samples.step_s[rows]
    all_s = np.bincount(span, step_s)

    def integrated(per_hour: Floats) -> Floats:
        of_rows = per_hour[rows]
        known = ~np.isnan(of_rows)
        known_s = np.bincount(span, step_s * known)
        summed = np.bincount(span, np.where(known, of_rows, 0.0) * step_s) / 3600
        # Where a little is not known, it is taken to be as the rest.
        share = known_s / np.where(all_s > 0, all_s, np.nan)
        return np.asarray(summed / np.where(share >= LEAST_COVERAGE, share, np.nan))

    distance_km, fuel_l = integrated(samples.speed_km_h), integrated(samples["fuel_rate"])
    if np.isnan(fuel_l).any():
        fuel_l = np.where(np.isnan(fuel_l), _counted_l(samples, spans), fuel_l)
    return distance_km, fuel_l


def _counted_l(samples: Samples, spans: Spans) -> Floats:
    """(k,) litres the counter rose from each span's first row to the row after its last."""
    after = np.minimum(spans.stop, len(samples) - 1)
    after = np.where(samples.gap[after], spans.stop - 1, after)
    counter = samples["fuel_used_total"]
    rise = counter[after] - counter[spans.first]
    return np.where(rise >= 0, rise, np.nan)


def _places(samples: Samples, start_us: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Latitude and longitude of the known positions nearest to these times."""
    latitude, longitude = samples["latitude"], samples["longitude"]
    known = np.flatnonzero(~(np.isnan(latitude) | np.isnan(longitude)))
    if not len(known):
        nowhere = np.full(len(start_us), np.nan)
        return nowhere, nowhere
    times = samples.time_us[known]
    after = np.minimum(np.searchsorted(times, start_us), len(known) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(start_us - times[before] < np.abs(times[after] - start_us), before, after)
    near = np.abs(times[nearest] - start_us) <= PLACE_S * 1e6
    row = known[nearest]
    return np.where(near, latitude[row], np.nan), np.where(near, longitude[row], np.nan)


_NAMES = {kind: pd.array([kind], dtype="str") for kind in EVENT_KINDS}

_EMPTY = pd.DataFrame(
    {
        name: pd.Series(
            dtype="str"
            if name == "kind"
            else "int64"
            if name == "severity"
            else "datetime64[us, UTC]"
            if name.endswith(("_time", "_start", "_end"))
            else "float64"
        )
        for name in EVENT_COLUMNS
    }
)
