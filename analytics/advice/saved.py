"""What a fleet's advice has spared so far: every result counts, those that came out worse too.

A week counts once for each cause of a subject: what was said again while an earlier piece was still
followed up is not counted, for it is compared with weeks that are better already. Errors of one
vehicle's results may be the same, so their ends add up; vehicles are independent of each other
(MOVER: Zou and Donner, Statist. Med. 27 (2008) 1693).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.advice.follow_up import WEEKS_AFTER
from analytics.advice.numbers import Numbers
from analytics.advice.texts import texts
from analytics.advice.week import drivers, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RESULT_COLUMNS = (
    "vehicle_id",
    "driver_id",
    "cause",
    "week",
    "saved_l",
    "low_l",
    "high_l",
    "verdict",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LitresSaved:
    """What advice has spared.

    Attributes:
        litres, low_l, high_l: L so far, 90 % interval; below 0: more was needed.
        results: pieces of advice that were followed up and count.
        helped, unclear, worse: of them, by verdict.
    """

    litres: float
    low_l: float
    high_l: float
    results: int
    helped: int
    unclear: int
    worse: int


def litres_saved(results: pd.DataFrame) -> LitresSaved:
    """Add up what advice has spared.

    Args:
        results: rows of table `advice_result` with their advice: RESULT_COLUMNS (driver_id null:
            for the vehicle; week: the Monday of the advice; litres in L).

    Raises:
        AdviceError: a column is missing.
    """
    require(results, "results", RESULT_COLUMNS)
    counted = results[_counted(results)]
    verdicts = counted["verdict"].value_counts()
    middle, low, high = (
        counted[name].to_numpy(dtype=np.float64) for name in ("saved_l", "low_l", "high_l")
    )
    reaches = pd.DataFrame({"down": middle - low, "up": high - middle})
    by_vehicle = reaches.groupby(counted["vehicle_id"].to_numpy()).sum()
    down, up = np.sqrt((by_vehicle**2).sum())
    total = float(middle.sum())
    return LitresSaved(
        litres=total,
        low_l=total - float(down),
        high_l=total + float(up),
        results=len(counted),
        helped=int(verdicts.get("helped", 0)),
        unclear=int(verdicts.get("no clear change", 0)),
        worse=int(verdicts.get("worse", 0)),
    )


def _counted(results: pd.DataFrame) -> NDArray[np.bool_]:
    """Which results count: of one subject and cause, none that begins while another one runs."""
    keys = zip(results["vehicle_id"], drivers(results), results["cause"], strict=True)
    mondays = pd.to_datetime(results["week"]).to_numpy(dtype="datetime64[D]").astype(np.int64)
    counts, runs_until = np.zeros(len(results), dtype=np.bool_), dict[tuple[object, ...], int]()
    keyed = list(keys)
    for row in np.argsort(mondays, kind="stable").tolist():
        if mondays[row] >= runs_until.get(keyed[row], mondays[row]):
            counts[row] = True
            runs_until[keyed[row]] = int(mondays[row]) + 7 * WEEKS_AFTER
    return counts


def tell_saved(
    saved: LitresSaved, language: str, *, price: float, currency: str, co2_kg_l: float
) -> str:
    """A sentence on what advice has spared; its arguments are those of `render`."""
    words, numbers = texts(language).words["fleet"], Numbers(language)
    if not saved.results:
        return words["none"]
    return words["saved" if saved.low_l > 0 else "unclear"].format(
        litres=numbers.amount(saved.litres, "l"),
        range=numbers.span(saved.low_l, saved.high_l, "l"),
        money=numbers.money(saved.litres * price, currency),
        co2=numbers.amount(saved.litres * co2_kg_l, "kg"),
        results=numbers.count(saved.results, "results"),
    )


def tell_result(result: Mapping[str, Any], language: str) -> str:
    """A sentence on what came of a piece of advice.

    Args:
        result: a row of table `advice_result`, or `FollowUp.to_dict()`.
        language: one of LANGUAGES.
    """
    numbers = Numbers(language)
    rate, low, high = (float(result[name]) for name in ("saved_l_per_100km", "low", "high"))
    verdict = str(result["verdict"])
    if verdict == "worse":
        rate, low, high = -rate, -high, -low
    return (
        texts(language)
        .words["verdict"][verdict]
        .format(
            rate=numbers.amount(rate, "l_per_100km"),
            # What was needed more is above zero where nothing is clear.
            rate_signed=numbers.amount(-rate, "l_per_100km", signed=True),
            rate_range=(
                numbers.span(-high, -low, "l_per_100km")
                if verdict == "no clear change"
                else numbers.span(low, high, "l_per_100km")
            ),
            litres=numbers.amount(float(result["saved_l"]), "l"),
            range=numbers.span(float(result["low_l"]), float(result["high_l"]), "l"),
            weeks=numbers.count(float(result["weeks_after"]), "weeks"),
        )
    )
