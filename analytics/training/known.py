"""Which models there are to train: the product's, and one's own by entry point or module.

A package of one's own names its model in its pyproject.toml:

    [project.entry-points."telemetry.models"]
    cruise = "my_pkg.my_model:MODEL"

A module that is no package's is named on the command line (`--model-module my_pkg.my_model`), or
allowed by a setting, and has its model as MODEL.
"""

from __future__ import annotations

import importlib
import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from analytics.training.fuel import FuelRecipe
from analytics.training.own import OwnRecipe
from analytics.training.recipe import OwnModel, TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analytics.training.recipe import Recipe

GROUP = "telemetry.models"
"""The entry points that are models."""

VARIABLE = "MODEL"
"""What a module calls its model."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)


def recipe(
    name: str,
    module: str | None = None,
    *,
    allowed: Sequence[str] = (),
    trained_by: str | None = None,
) -> Recipe:
    """The recipe of a model.

    Args:
        name: fuel, or the name of a model of one's own.
        module: where that is, unless an entry point says so.
        allowed: modules that may be imported to look for it.
        trained_by: the module that is kept with the model: looked at first where it is among
            `allowed`, and not at all where it is not.

    Raises:
        TrainingError: there is none of that name, or it lacks something.
    """
    if name == FuelRecipe().name:
        return FuelRecipe()
    if module is not None:
        return _own(name, _of_module(module), module)
    for point in entry_points(group=GROUP, name=name):
        return _own(name, point.load(), point.module)
    for one in sorted(allowed, key=lambda module: module != trained_by):
        found = _of_module(one)
        if getattr(found, "name", None) == name:
            return _own(name, found, one)
    there = ", ".join(sorted({FuelRecipe().name, *entry_points(group=GROUP).names}))
    by = "" if trained_by is None or trained_by in allowed else f"; it was trained by {trained_by}"
    raise TrainingError(
        f"There is no model {name!r}: there are {there}{by}. One of your own is named by "
        f"--model-module {trained_by or 'my_pkg.my_model'}, which has it as MODEL, or for every "
        "command by TELEMETRY_MODEL_MODULES."
    )


def _of_module(module: str) -> object:
    try:
        return getattr(importlib.import_module(module), VARIABLE)
    except ImportError as error:
        raise TrainingError(
            f"The module {module} cannot be imported ({error}): is it on PYTHONPATH?"
        ) from error
    except AttributeError as error:
        raise TrainingError(
            f"The module {module} has no {VARIABLE}: give it `{VARIABLE} = MyModel()`."
        ) from error


def _own(name: str, found: object, where: str) -> Recipe:
    """One's own model of a module, once it has all it needs."""
    if not isinstance(found, OwnModel):
        needed = [field for field in OwnModel.__annotations__ if not hasattr(found, field)]
        needed += [call for call in ("fit", "predict") if not callable(getattr(found, call, None))]
        raise TrainingError(
            f"{where} is no model: it lacks {', '.join(needed)}; docs/training.md has a template."
        )
    if found.name != name:
        raise TrainingError(f"{where} is the model {found.name!r}, not {name!r}: name it so.")
    if _NAME.fullmatch(name) is None:
        raise TrainingError(
            f"{name!r} is no name of a model: use up to 40 lower-case letters, digits, _ and -."
        )
    return OwnRecipe(found, where)
