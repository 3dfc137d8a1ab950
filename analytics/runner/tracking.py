"""What MLflow is told of a training: parameters, metrics, pictures, the model, card and manifest.

By default runs are kept in SQLite below the data folder; TELEMETRY_MLFLOW_TRACKING_URI names a
server. MLflow is an optional dependency (the extra `training`): where it is missing nothing is
tracked, and whoever trains is told so.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analytics.training.trainer import Training

MISSING = "MLflow is not installed: pip install 'vehicle-telemetry[training]'"

NOT_A_KEY = re.compile(r"[^\w\-. /]")
"""What MLflow does not take in the name of a metric."""


class TrackingError(TelemetryError):
    """A tracking server that cannot be told of a run."""


class TrainingSettings(BaseSettings):
    """Settings of training, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    mlflow_tracking_uri: str | None = Field(
        default=None,
        description="The MLflow server that is told of trainings, https://mlflow.example; unset: a "
        "database of this machine's own, below the data folder.",
    )


def tracked(
    training: Training,
    files: Mapping[str, bytes],
    *,
    uri: str | None,
    folder: Path,
    tags: Mapping[str, str],
) -> str | None:
    """Tell MLflow of a training.

    Args:
        training: what it came to.
        files: what is kept with the run, by name.
        uri: of the server; None: below `folder`.
        folder: where runs are kept that no server is told of.
        tags: what the run is found by.

    Returns:
        The run's id; None: MLflow is not installed.

    Raises:
        TrackingError: the server cannot be told.
    """
    # What we do is not told to third parties.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own dependencies' deprecations
            from mlflow.exceptions import MlflowException  # noqa: PLC0415  # optional; seconds
            from mlflow.tracking import MlflowClient  # noqa: PLC0415
    except ImportError:
        return None
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if uri is None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            client = MlflowClient(tracking_uri=uri or f"sqlite:///{folder / 'mlflow.db'}")
            return _logged(client, training, files, None if uri else folder, tags)
        except MlflowException as error:
            raise TrackingError(
                f"MLflow at {uri or folder} cannot be told of the run ({str(error)[:300]}): look at"
                " TELEMETRY_MLFLOW_TRACKING_URI. The model is stored."
            ) from error


def metrics_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """An evaluation as flat numbers: error_percent, by_region/CN-31/error_percent and so on."""
    groups = {"": evaluation["all"]}
    for key in ("by_vehicle_class", "by_region"):
        for name, figures in evaluation.get(key, {}).items():
            groups[f"{key}/{NOT_A_KEY.sub('_', name)}/"] = figures
    return {
        f"{group}{name}": float(value)
        for group, figures in groups.items()
        for name, value in figures.items()
        if value is not None
    }


def _logged(
    client: Any,  # MLflow's types are its own affair
    training: Training,
    files: Mapping[str, bytes],
    folder: Path | None,
    tags: Mapping[str, str],
) -> str:
    name = str(training.params["model"])
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        place = None if folder is None else (folder / "artifacts").resolve().as_uri()
        number = client.create_experiment(name, artifact_location=place)
    else:
        number = experiment.experiment_id
    run_id = str(client.create_run(number, tags=dict(tags)).info.run_id)
    params = training.params | {
        "dataset_sha256": training.dataset["sha256"],
        "dataset": training.dataset.get("name", training.dataset["source"]),
        "fingerprint": training.fingerprint,
    }
    for key, value in params.items():
        client.log_param(run_id, key, value)
    for key, number_ in metrics_of(training.evaluation).items():
        client.log_metric(run_id, key, number_)
    with tempfile.TemporaryDirectory() as place_:
        for file, body in {**files, **_jsons(training)}.items():
            path = Path(place_) / file
            path.write_bytes(body)
            client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
    return run_id


def _jsons(training: Training) -> dict[str, bytes]:
    told = {"dataset.json": training.dataset, "evaluation.json": training.evaluation}
    return {name: json.dumps(content, indent=1).encode() for name, content in told.items()}
