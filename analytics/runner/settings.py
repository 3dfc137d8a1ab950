"""What a fleet may decide of how driving is judged: settings by environment."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from analytics.advice_rules import AdviceSettings
from analytics.scores.settings import ScoreError, packaged

if TYPE_CHECKING:
    from analytics.scores.settings import ScoreSettings


class FatigueRules(StrEnum):
    """Which rules on hours at the wheel hold."""

    CHINA = "china"
    EU = "eu"
    NONE = "none"


class AnalysisSettings(BaseSettings):
    """Settings of the analysis, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    fatigue_rules: FatigueRules = Field(
        default=FatigueRules.CHINA,
        description="Rules on hours at the wheel: china, eu (regulation 561/2006) or none.",
    )
    score_weights: dict[str, float] = Field(
        default_factory=dict,
        description="Weights of score metrics that differ from scores.toml, 0 to 10, as JSON: "
        '{"cruise": 0, "idling": 8}.',
    )
    score_least_km: float | None = Field(
        default=None,
        gt=0,
        description="No weekly score for less distance [km]; unset: that of scores.toml.",
    )
    score_every_s: float = Field(
        default=900.0,
        ge=0,
        description="With --watch, scores of weeks are made anew so often at the most [s]: all of "
        "a week's depend on each other.",
    )

    fuel_every_s: float = Field(
        default=3600.0,
        ge=0,
        description="With --watch, fuel and advice are worked up anew so often at the most [s]: "
        "all rows of a vehicle's week are read.",
    )
    advice_least_l: float = Field(
        default=AdviceSettings().least_l,
        gt=0,
        le=1000,
        description="No advice that would save less in a week [L].",
    )

    @field_validator("score_weights")
    @classmethod
    def _known_metrics(cls, weights: dict[str, float]) -> dict[str, float]:
        try:
            packaged().with_weights(weights)
        except ScoreError as error:
            raise ValueError(str(error)) from error
        return weights

    def advice(self) -> AdviceSettings:
        """What is worth an advice."""
        return replace(AdviceSettings(), least_l=self.advice_least_l)

    def scores(self) -> ScoreSettings:
        """How scores are computed."""
        chosen = packaged().with_weights(self.score_weights)
        if self.score_least_km is None:
            return chosen
        return replace(chosen, least_distance_km=self.score_least_km)
