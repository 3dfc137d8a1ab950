"""The figures of `fuel.toml`, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def figures() -> dict[str, Any]:
    """All tables of the file."""
    text = files("analytics.fuel").joinpath("fuel.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
