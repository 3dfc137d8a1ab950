"""Checks that several commands make of their options."""

import math

import typer

LEAST_S = 0.1
"""A wait shorter than this is a busy loop [s]."""


def seconds(value: float | None) -> float | None:
    """Refuse what is no time to wait.

    Raises:
        typer.BadParameter: it is not finite, or shorter than LEAST_S.
    """
    if value is not None and not (math.isfinite(value) and value >= LEAST_S):
        raise typer.BadParameter(f"{value} is no time to wait: give at least {LEAST_S} seconds")
    return value
