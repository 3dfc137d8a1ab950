"""Champions and challengers: who is used, and who may take their place.

A model that cannot be loaded as it was stored is never used. One that is farther from the truth
than the champion, beyond chance and on days that neither was trained on, is not promoted, nor is
one of which nothing is known yet, unless somebody insists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analytics.runner.own_models import recipe_of
from analytics.training.comparison import Comparison, Verdict, compared
from schemas.errors import TelemetryError
from storage import model_errors, models

if TYPE_CHECKING:
    from analytics.training.recipe import Recipe
    from storage.connection import Connection
    from storage.models import Model


class PromotionError(TelemetryError):
    """A model that had better not take the champion's place."""


def loaded(connection: Connection, model: Model, module: str | None = None) -> tuple[Recipe, Any]:
    """A model's recipe, and the model, ready to predict by it.

    Raises:
        ModelFileError: it is not as it was stored, or of another version.
        TrainingError: its kind is not known here.
    """
    body, checksum = models.body_of(connection, model.model_id)
    recipe = recipe_of(model, module)
    return recipe, recipe.from_bytes(body, checksum)


def compare(connection: Connection, model_id: int) -> Comparison | None:
    """A model against the champion of its kind; None: it is the champion, or there is none."""
    model = models.one(connection, model_id)
    champion = models.champion(connection, model.kind)
    if champion is None or champion.model_id == model_id:
        return None
    return compared(model_errors.side_by_side(connection, model_id, champion.model_id))


def promote(
    connection: Connection, model_id: int, *, force: bool = False, module: str | None = None
) -> Comparison | None:
    """Let a model take the champion's place.

    Args:
        connection: an autocommit connection.
        model_id: which model.
        force: though it is worse, or nothing is known of it.
        module: where the code of a model of one's own is.

    Returns:
        How it did beside the champion; None: there was none.

    Raises:
        StorageError: there is no such model.
        ModelFileError: it cannot be loaded, or was changed; not even by force.
        PromotionError: it is worse, or too little is known of it.
    """
    model = models.one(connection, model_id)
    loaded(connection, model, module)
    found = compare(connection, model_id)
    if found is not None and not force:
        if found.verdict is Verdict.WORSE:
            raise PromotionError(
                f"Model {model_id} is worse than the champion: {line(found)}. Keep the champion, "
                "or promote it all the same with --force."
            )
        if found.verdict is Verdict.TOO_LITTLE:
            raise PromotionError(
                f"Too little is known of model {model_id} beside the champion: {line(found)}. "
                "Candidates predict the days that `telemetry analyse` works up after both were "
                "trained; wait for these, or promote it all the same with --force."
            )
    models.promote(connection, model_id, "by force" if force else "promoted")
    return found


def roll_back(
    connection: Connection, model_id: int | None, kind: str, module: str | None = None
) -> int:
    """Go back to a model that was used before.

    Args:
        connection: an autocommit connection.
        model_id: which; None: the champion before the one that is.
        kind: of the model, where none is named.
        module: where the code of a model of one's own is.

    Returns:
        The model that is used now.

    Raises:
        StorageError: there is no such model.
        ModelFileError: it cannot be loaded, or was changed. The champion stays.
    """
    if model_id is None:
        model_id = models.champion_before(connection, kind)
        if model_id is None:
            raise PromotionError(f"No model of {kind} was champion before the one that is.")
    model = models.one(connection, model_id)
    loaded(connection, model, module)
    models.promote(connection, model_id, "rolled back")
    return model_id


def line(found: Comparison) -> str:
    """A comparison, for people."""
    on = f"{found.days:,} vehicle-days of {found.vehicles:,} vehicles"
    if found.challenger_percent is None or found.champion_percent is None:
        return f"nothing was predicted by both yet ({on})"
    told = f"{found.challenger_percent:.2f} % off, the champion {found.champion_percent:.2f} %"
    if found.low is None or found.high is None:
        return f"{told} on {on}: too few vehicles to tell"
    return (
        f"{told} on {on}: {found.difference:+.2f} points (95 %: {found.low:+.2f} to "
        f"{found.high:+.2f}), {found.verdict}"
    )
