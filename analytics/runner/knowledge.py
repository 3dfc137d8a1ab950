"""What is known beside a vehicle's own rows: what good peers need, and the model of segments.

Both come with the champion of `storage.models`. Where none is, published figures and physics stand
in for them; where one cannot be loaded, that is said, and its place is taken by physics.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.fuel.model import SegmentModel
from analytics.fuel.reference import Reference, default_reference
from schemas.errors import TelemetryError
from storage import models

if TYPE_CHECKING:
    from analytics.fuel.reference import Peers
    from storage.connection import Connection

logger = logging.getLogger(__name__)

MODEL_CHARACTERS = 8
"""So many characters of a VIN name maker and model [ISO 3779: WMI 3, VDS from there]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """What a run knows beside the vehicles' own rows.

    Attributes:
        model_id: of the model it comes with; None: published figures.
        reference: what good vehicles and drivers need.
        model: what a segment of road needs.
    """

    model_id: int | None
    reference: Reference
    model: SegmentModel

    def peers(self, vin: str, vehicle_class: str) -> Peers:
        """Whom a vehicle is compared with: its model's, its class's, or published figures."""
        return self.reference.of(group_of(vin), vehicle_class)


def group_of(vin: str) -> str:
    """By which vehicles of one model are told."""
    return vin[:MODEL_CHARACTERS]


def as_json(told: Any) -> Any:
    """A reference as a database keeps it: JSON has no NaN, null stands for it."""
    if isinstance(told, dict):
        return {name: as_json(value) for name, value in told.items()}
    if isinstance(told, list):
        return [as_json(value) for value in told]
    return None if isinstance(told, float) and math.isnan(told) else told


def known(connection: Connection) -> Knowledge:
    """What the champion knows."""
    physics = SegmentModel.published()
    kept = models.champion(connection)
    if kept is None:
        return Knowledge(model_id=None, reference=default_reference(), model=physics)
    try:
        reference = Reference.from_dict(kept.reference)
    except (KeyError, TypeError, ValueError) as error:
        logger.error(  # noqa: TRY400 - what to do is said, where in the code is no matter
            "the reference of fuel model %d cannot be read (%s: %s): the analysis goes on with"
            " published figures and physics; `telemetry train fuel` makes another",
            kept.model_id,
            type(error).__name__,
            error,
        )
        return Knowledge(model_id=None, reference=default_reference(), model=physics)
    try:
        body, checksum = models.body_of(connection, kept.model_id)
        model = SegmentModel.from_bytes(body, checksum=checksum)
    except TelemetryError as error:
        logger.error(  # noqa: TRY400
            "fuel model %d is not used, the analysis goes on with physics: %s",
            kept.model_id,
            error,
        )
        model = physics
    return Knowledge(model_id=kept.model_id, reference=reference, model=model)
