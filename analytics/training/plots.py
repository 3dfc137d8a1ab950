"""Pictures of how good a model is: whether it is as much as it says, and where it errs.

matplotlib is an optional dependency (the extra `training`): where it is missing there are none.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.training.resampling import LEAST_VEHICLES

if TYPE_CHECKING:
    import pandas as pd

DPI = 110
INK, FAINT, MARK = "#1f2933", "#9aa5b1", "#1f6feb"
CLIPPED = 100.0  # percent; errors beyond are drawn at the edge
LABEL = 34  # characters of a group's name that are shown


def plots(evaluation: dict[str, Any], held: pd.DataFrame, *, unit: str) -> dict[str, bytes]:
    """PNG by file name; none where nothing was left out, or matplotlib is missing.

    Args:
        evaluation: see `analytics.training.evaluation`.
        held: the rows it is of.
        unit: of what is predicted.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # optional, and takes a second
    except ImportError:
        return {}
    if not len(held):
        return {}
    drawn = {
        "calibration.png": _calibration(Figure, evaluation, unit),
        "errors.png": _errors(Figure, held),
    }
    groups = _groups(evaluation)
    return drawn | ({"errors_by_group.png": _by_group(Figure, groups)} if groups else {})


def _calibration(figure_of: Any, evaluation: dict[str, Any], unit: str) -> bytes:
    told = evaluation["calibration"]
    expected = [part["expected"] for part in told]
    actual = [part["actual"] for part in told]
    figure, axes = _figure(figure_of, (5.2, 5.0))
    ends = [min(expected + actual), max(expected + actual)]
    axes.plot(ends, ends, color=FAINT, linewidth=1, label="as expected")
    axes.plot(expected, actual, "o-", color=MARK, label="tenths of the rows")
    axes.set(xlabel=f"expected [{unit}]", ylabel=f"actual [{unit}]", title="Calibration")
    axes.legend(frameon=False)
    return _png(figure)


def _errors(figure_of: Any, held: pd.DataFrame) -> bytes:
    size = np.maximum(np.abs(held["actual"].to_numpy(np.float64)), 1e-9)
    off = 100 * (held["expected"] - held["actual"]).to_numpy(np.float64) / size
    figure, axes = _figure(figure_of, (6.4, 4.0))
    axes.hist(np.clip(off, -CLIPPED, CLIPPED), bins=60, color=MARK)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set(
        xlabel="expected less actual [% of actual]",
        ylabel="rows",
        title="Vehicles left out",
    )
    return _png(figure)


def _by_group(figure_of: Any, groups: list[tuple[str, dict[str, Any]]]) -> bytes:
    figure, axes = _figure(figure_of, (6.4, 1.2 + 0.38 * len(groups)))
    places = np.arange(len(groups))
    values = np.array([told["error_percent"] for _, told in groups])
    ends = np.array([[told["error_low"], told["error_high"]] for _, told in groups]).T
    spread = np.abs(ends - values)
    axes.barh(places, values, xerr=spread, color=MARK, ecolor=INK, height=0.6)
    axes.set_yticks(places, [name[:LABEL] for name, _ in groups])
    axes.invert_yaxis()
    axes.set(xlabel="error [%], with its 95 % interval", title="Errors by group")
    return _png(figure)


def _groups(evaluation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    told = [("all", evaluation["all"])]
    told += list(evaluation["by_vehicle_class"].items())
    told += [(f"region {name}", figures) for name, figures in evaluation["by_region"].items()]
    return [
        (name, figures)
        for name, figures in told
        if figures["vehicles"] >= LEAST_VEHICLES and figures["error_low"] is not None
    ]


def _figure(figure_of: Any, size: tuple[float, float]) -> tuple[Any, Any]:
    figure = figure_of(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=FAINT, alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _png(figure: Any) -> bytes:
    kept = io.BytesIO()
    figure.savefig(kept, format="png", dpi=DPI, metadata={"Software": None})
    return kept.getvalue()
