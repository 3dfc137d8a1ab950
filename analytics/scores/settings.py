"""What a fleet may set about its scores; the packaged values and their sources: scores.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

from analytics.scores.metric import METRICS
from analytics.thresholds import CLASSES
from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAVIEST = 10
"""Weights run from 1 to 10, as Samsara's do; 0 leaves a metric out."""

PARTS_OF_DIFFICULTY = ("load", "ascent", "stops", "night")


class ScoreError(TelemetryError):
    """Scores cannot be computed as asked; the message names the setting or column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSettings:
    """One metric's settings, as described at the top of scores.toml."""

    weight: float
    worst: float
    best: float
    observation: float
    trip: float
    least_exposure: float
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreSettings:
    """How scores are computed.

    Attributes:
        metrics: by name, all of METRICS.
        grades: (letter, least score), best first; below the last it is E.
        difficulty: by part: its weight, and by vehicle class the figures that count as easiest
            and hardest (t; m/km; stops/km; share of driving at night).
        least_distance_km: no score for less.
        least_trip_km: no score of one trip for less.
        least_peers: fewer are no reference.
        least_weight_share: no score where metrics of less weight than this share are there.
        percentiles: of the peers, that score 0 and 100 (the other way round where less is better).
        least_width: peers' percentiles nearer than this share of the published width are chance.
        learn_from: trips, beyond each peer's first, from which chance variation is learnt.
        correlation: between two metrics' errors where it is not learnt.
    """

    metrics: Mapping[str, MetricSettings]
    grades: tuple[tuple[str, float], ...]
    difficulty: Mapping[str, tuple[float, Mapping[str, tuple[float, float]]]]
    least_distance_km: float
    least_trip_km: float
    least_peers: float
    least_weight_share: float
    percentiles: tuple[float, float]
    least_width: float
    learn_from: float
    correlation: float

    def with_weights(self, weights: Mapping[str, float]) -> Self:
        """The same with other weights for the named metrics.

        Raises:
            ScoreError: no such metric, a weight outside 0 to 10, or none above 0.
        """
        changed = dict(self.metrics)
        for name, weight in weights.items():
            if name not in changed:
                raise ScoreError(f"No metric {name!r} to weigh: there are {', '.join(METRICS)}.")
            changed[name] = replace(changed[name], weight=weight)
        _check_weights(changed)
        return replace(self, metrics=changed)

    def grade(self, score: float) -> str:
        """The letter of a score."""
        return next((letter for letter, least in self.grades if score >= least), "E")


@cache
def packaged() -> ScoreSettings:
    """The settings that come with the platform."""
    return read(files("analytics").joinpath("scores.toml").read_text(encoding="utf-8"))


def read(text: str) -> ScoreSettings:
    """Settings from a text laid out as scores.toml.

    Raises:
        ScoreError: it is no TOML, or a key is missing, unknown, or not of its kind.
    """
    try:
        parsed: dict[str, Any] = tomllib.loads(text)
        score = {key: value for key, value in parsed["score"].items() if key != "source"}
        low, high = score.pop("percentiles")
        grades = parsed["grades"]
        settings = ScoreSettings(
            metrics={name: _metric(name, parsed["metric"][name]) for name in METRICS},
            grades=tuple((letter, float(grades[letter])) for letter in "ABCD"),
            difficulty={
                part: _difficulty(parsed["difficulty"][part]) for part in PARTS_OF_DIFFICULTY
            },
            percentiles=(float(low), float(high)),
            **{key: float(value) for key, value in score.items()},
        )
    except tomllib.TOMLDecodeError as error:
        raise ScoreError(f"The score settings are no TOML: {error}") from error
    except KeyError as error:
        raise ScoreError(f"The score settings lack {error}.") from error
    except (TypeError, ValueError) as error:
        raise ScoreError(f"The score settings cannot be read: {error}") from error
    _check_weights(settings.metrics)
    return settings


def _metric(name: str, values: dict[str, Any]) -> MetricSettings:
    if differing := sorted(set(values) ^ {field.name for field in fields(MetricSettings)}):
        raise ScoreError(f"[metric.{name}] lacks, or should not have, {', '.join(differing)}.")
    source = str(values["source"])
    numbers = {key: float(value) for key, value in values.items() if key != "source"}
    settings = MetricSettings(source=source, **numbers)
    if (settings.best > settings.worst) != METRICS[name].more_is_better:
        raise ScoreError(f"[metric.{name}] worst and best are the wrong way round.")
    return settings


def _difficulty(values: dict[str, Any]) -> tuple[float, dict[str, tuple[float, float]]]:
    limits = {}
    for name in CLASSES:
        easiest, hardest = values["all"] if "all" in values else values[name]
        limits[name] = (float(easiest), float(hardest))
    return float(values["weight"]), limits


def _check_weights(metrics: Mapping[str, MetricSettings]) -> None:
    for name, metric in metrics.items():
        if not 0 <= metric.weight <= HEAVIEST:
            raise ScoreError(f"Weight {metric.weight:g} of {name}: give 0 to {HEAVIEST}.")
    if not any(metric.weight for metric in metrics.values()):
        raise ScoreError("Every metric has weight 0: give at least one of them more.")
