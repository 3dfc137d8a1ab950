"""Scores of drivers and vehicles: from sums of driving to 0-100, with what moved them.

    parts of trips ──totals──▶ sums a subject and period ──score_table──▶ scores, contributions
          ├──learn──▶ Variability: how far chance moves a value           ▲
          └──totals──▶ four weeks of all ──peer_reference──▶ Reference ───┘

Settings, weights and published references, each with its source: scores.toml.
"""

from analytics.scores.metric import METRICS, Metric
from analytics.scores.reference import Reference, peer_reference, published
from analytics.scores.safety import safety_score
from analytics.scores.settings import ScoreError, ScoreSettings, packaged
from analytics.scores.table import Scores, score_table
from analytics.scores.totals import totals
from analytics.scores.uncertainty import Variability, assumed, learn

__all__ = [
    "METRICS",
    "Metric",
    "Reference",
    "ScoreError",
    "ScoreSettings",
    "Scores",
    "Variability",
    "assumed",
    "learn",
    "packaged",
    "peer_reference",
    "published",
    "safety_score",
    "score_table",
    "totals",
]
