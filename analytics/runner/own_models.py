"""The code of a kept model: the product's, or of one's own by what this process allows.

With a model of one's own the module is kept that it was trained by. What the database says is never
imported for that: only what an entry point, the setting or who runs a command names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from analytics.training import known

if TYPE_CHECKING:
    from analytics.training.recipe import Recipe
    from storage.models import Model


class OwnModelSettings(BaseSettings):
    """Settings of models of one's own, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    model_modules: str = Field(
        default="",
        description="Modules with models of one's own, with commas: my_pkg.stops,my_pkg.cruise. "
        "They may be imported to train, predict and watch.",
    )


def allowed_modules() -> tuple[str, ...]:
    """The modules that the setting allows."""
    names = OwnModelSettings().model_modules.split(",")
    return tuple(name.strip() for name in names if name.strip())


def recipe_of(model: Model, module: str | None = None) -> Recipe:
    """The recipe of a model that is kept.

    Args:
        model: which.
        module: where its code is, named by who runs the command.

    Raises:
        TrainingError: its code is not here, or this process may not import it.
    """
    return known.recipe(model.kind, module, allowed=allowed_modules(), trained_by=model.module)
