"""J1939 trouble codes in words: what is wrong by the catalogue, how it is wrong by J1939-73.

The catalogue knows the parameters (SPN) that are signals of ours; `parameters.csv` has others that
codes often name: actuators, supplies, control units. Of the rest the number is all there is.
Several signals may share one (a tyre pressure for each wheel): those have words of their own.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.catalogue import Catalogue, Signal


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str

    def in_language(self, code: str) -> str:
        """The text in the language of that code, en or zh."""
        return self.zh if code == "zh" else self.en


@cache
def failure_modes() -> Mapping[int, Words]:
    """How something is wrong, by FMI [SAE J1939-73, appendix A]; 22 to 30 are reserved."""
    text = files("schemas").joinpath("failure_modes.csv").read_text(encoding="utf-8")
    return {
        int(row["fmi"]): Words(en=row["en"], zh=row["zh"])
        for row in csv.DictReader(text.splitlines())
    }


@dataclass(frozen=True, slots=True)
class Parameter:
    """What codes often name though no signal of ours measures it."""

    words: Words
    system: str | None
    """Of the vehicle, as `api.vehicles.systems` calls it; None: of all of it."""


@cache
def common_parameters() -> Mapping[int, Parameter]:
    """Parameters that are no signals of ours, by SPN [SAE J1939 digital annex]."""
    text = files("schemas").joinpath("parameters.csv").read_text(encoding="utf-8")
    return {
        int(row["spn"]): Parameter(Words(en=row["en"], zh=row["zh"]), row["system"] or None)
        for row in csv.DictReader(text.splitlines())
    }


def signals_of(catalogue: Catalogue, spn: int) -> list[Signal]:
    """The signals that a parameter stands behind, by their ids; empty where there is none."""
    return [signal for signal in catalogue.by_name.values() if signal.spn == spn]


SHARED_PARAMETERS: Mapping[int, Words] = MappingProxyType(
    {
        241: Words("Tyre pressure", "轮胎气压"),
        242: Words("Tyre temperature", "轮胎温度"),
        520: Words("Actual retarder torque", "缓速器实际扭矩"),
        578: Words("Drive axle oil temperature", "驱动桥油温"),
        582: Words("Axle load", "轴荷"),
    }
)
"""What several signals share, by SPN [SAE J1939-71]."""


def parameter_of(spn: int, signals: Sequence[Signal]) -> Words | None:
    """What a parameter is, behind which these signals stand; None where there are none."""
    if not signals:
        return None
    first = signals[0]
    return SHARED_PARAMETERS.get(spn) or Words(first.description_en, first.description_zh)
