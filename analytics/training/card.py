"""The model card, written from the run: what a model is for, what it saw, how good it is.

After Mitchell et al. 2019, Model Cards for Model Reporting. Groups of few vehicles are not told:
their figures would be those vehicles' own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analytics.training.resampling import LEAST_VEHICLES

if TYPE_CHECKING:
    from analytics.training.recipe import Recipe
    from analytics.training.trainer import Training

NOT_TOLD = "—"
LEGEND = (
    "Error: all absolute errors over all that there was to predict, with its 95 % interval; bias:"
    " predicted less actual; covered: how often the interval of 90 % held the truth. Groups of"
    f" fewer than {LEAST_VEHICLES} vehicles are not told."
)


def written(recipe: Recipe, training: Training, *, note: str | None = None) -> str:
    """A model's card, Markdown."""
    data, of_all = training.dataset, training.evaluation["all"]
    days = f"{training.data[0]} to {training.data[1]}" if training.data else "no days"
    lines = [
        f"# Model card: {recipe.name}",
        "",
        recipe.purpose,
        "",
        *([f"Note: {note}", ""] if note else []),
        "## What it was trained on",
        "",
        "| | |",
        "|---|---|",
        f"| dataset | {_source(data)} |",
        f"| days | {days} |",
        f"| vehicles | {data['vehicles']:,} |",
        f"| rows | {data['rows']:,} |",
        f"| SHA-256 of the values | `{data['sha256']}` |",
        f"| looks at | {', '.join(recipe.features)} |",
        "",
        "## How good it is",
        "",
        _how(training),
        "",
        *_table(training.evaluation),
        "",
        LEGEND,
        "",
        _coverage(of_all),
        "",
        "## What it cannot do",
        "",
        *[f"- {limit}" for limit in recipe.limits],
        *_thin(training.evaluation),
        "",
        "## How to make it again",
        "",
        "The same command on the same values gives a model with the same predictions.",
        "",
        "| | |",
        "|---|---|",
        *[f"| {name} | {value} |" for name, value in training.params.items()],
        f"| fingerprint of its predictions | `{training.fingerprint}` |",
        "",
    ]
    return "\n".join(lines)


def _source(data: dict[str, Any]) -> str:
    if data["source"] == "database":
        return "the database"
    exported = f", its manifest's SHA-256 `{data['exported']}`" if "exported" in data else ""
    return f"Parquet folder `{data['name']}`{exported}"


def _how(training: Training) -> str:
    if not training.evaluation["all"]["rows"]:
        return "Nothing is known of its errors: there were too few vehicles to leave some out."
    vehicles = training.evaluation["all"]["vehicles"]
    return (
        f"On {vehicles:,} vehicles that were left out of a training of its own"
        f"{', in turn' if training.params['left_out_in_turn'] else ''}; the model itself has learnt"
        " from all."
    )


def _table(evaluation: dict[str, Any]) -> list[str]:
    if not evaluation["all"]["rows"]:
        return []
    rows = [("all", evaluation["all"])]
    rows += [(f"class {name}", told) for name, told in evaluation["by_vehicle_class"].items()]
    rows += [(f"region {name}", told) for name, told in evaluation["by_region"].items()]
    return [
        "| group | vehicles | rows | error | bias | covered |",
        "|---|---|---|---|---|---|",
        *[_row(name, told) for name, told in rows],
    ]


def _row(name: str, told: dict[str, Any]) -> str:
    if told["error_low"] is None:
        return f"| {name} | {told['vehicles']} | {told['rows']:,}{f' | {NOT_TOLD}' * 3} |"
    error = f"{told['error_percent']:.1f} % ({told['error_low']:.1f} to {told['error_high']:.1f})"
    return (
        f"| {name} | {told['vehicles']:,} | {told['rows']:,} | {error} |"
        f" {told['bias_percent']:+.1f} % | {told['coverage_percent']:.0f} % |"
    )


def _coverage(of_all: dict[str, Any]) -> str:
    covered = of_all.get("coverage_percent")
    if covered is None:
        return "Whether its intervals hold is not known."
    return f"Its intervals of 90 % held {covered:.1f} % of what vehicles left out showed."


def _thin(evaluation: dict[str, Any]) -> list[str]:
    thin = [
        f"{what} {name}"
        for key, what in (("by_vehicle_class", "class"), ("by_region", "region"))
        for name, told in evaluation.get(key, {}).items()
        if told["vehicles"] < LEAST_VEHICLES
    ]
    return [f"- Too few vehicles tell of {', '.join(thin)}."] if thin else []
