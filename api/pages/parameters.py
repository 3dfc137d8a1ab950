"""Parameters that several pages take."""

from typing import Annotated

from fastapi import Depends, Query

from api.codes import Code
from api.parameters import number


def _fleet(fleet: Annotated[str | None, Query(max_length=18)] = None) -> int | None:
    return None if fleet is None else number(fleet, Code.UNKNOWN_FLEET)


FleetChoice = Annotated[int | None, Depends(_fleet)]
"""The fleet that is asked for; None: the first."""

WeekChoice = Annotated[str | None, Query(alias="week", max_length=10)]
"""The ISO week that is asked for; None: the newest with trips."""
