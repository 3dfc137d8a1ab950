"""Parameters that several pages take."""

from typing import Annotated

from fastapi import Depends, Query

from api.codes import Code
from api.parameters import NUMBER
from api.problems import unknown


def _fleet(fleet: Annotated[str | None, Query(max_length=18)] = None) -> int | None:
    if fleet is None:
        return None
    if NUMBER.fullmatch(fleet) is None:
        raise unknown(Code.UNKNOWN_FLEET)
    return int(fleet)


FleetChoice = Annotated[int | None, Depends(_fleet)]
"""The fleet that is asked for; None: the first."""

WeekChoice = Annotated[str | None, Query(alias="week", max_length=10)]
"""The ISO week that is asked for; None: the newest with trips."""
