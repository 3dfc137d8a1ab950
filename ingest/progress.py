"""How far a worker is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What a worker has done since it started."""

    frames: int
    messages: int
    refused: int
    batches: int
