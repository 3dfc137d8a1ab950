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
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analytics.training.trainer import Training

MISSING = "MLflow is not installed: pip install 'vehicle-telemetry[training]'"

NOT_A_KEY = re.compile(r"[^\w\-. /]")
"""What MLflow does not take in the name of a metric."""

SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql")
"""Where MLflow keeps runs: a server, or a database."""

AT_ONCE = 100
"""So many parameters, and so many metrics, in a request: as many parameters as MLflow takes."""

NOT_KNOWN = re.compile(r"\b(401|403) (!=|Client Error)|PERMISSION_DENIED|UNAUTHENTICATED")
"""What MLflow and its artifacts' HTTP say to who may not."""

ASKED_AGAIN = "2"
"""How often a server that does not answer is asked again: MLflow would for four minutes."""


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

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _is_an_address(cls, uri: str | None) -> str | None:
        if uri is None or ("://" in uri and urlsplit(uri).scheme in SCHEMES):
            return uri
        raise ValueError("write an address with its scheme, https://mlflow.example")


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
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", ASKED_AGAIN)
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
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
        # Artifacts go by requests, whose errors are OSErrors, or by what a store of theirs needs.
        except (MlflowException, OSError, ImportError) as error:
            said = f"{_why(place_of(uri, folder), str(error))} The model is stored."
            raise TrackingError(said) from error


def place_of(uri: str | None, folder: Path) -> str:
    """Where runs are told of, for people: without the password that an address may have."""
    if uri is None:
        return str(folder)
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _why(place: str, error: str) -> str:
    """Why a run could not be told, and what to do."""
    if NOT_KNOWN.search(error):
        return (
            f"MLflow at {place} does not take us for anybody it knows, or lets write: set "
            "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
        )
    if "Max retries exceeded" in error:
        return (
            f"MLflow at {place} does not answer: look whether it runs there, and at "
            "TELEMETRY_MLFLOW_TRACKING_URI."
        )
    said = re.sub(r"//[^/@\s]*@", "//", error)[:300]
    return f"MLflow at {place} cannot be told of the run ({said})."


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
    try:
        _tell(client, run_id, training, files)
    except BaseException:
        with suppress(Exception):  # of what went wrong first the caller is told
            client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def _tell(client: Any, run_id: str, training: Training, files: Mapping[str, bytes]) -> None:
    from mlflow.entities import Metric, Param  # noqa: PLC0415  # as above

    params = training.params | {
        "dataset_sha256": training.dataset["sha256"],
        "dataset": training.dataset.get("name", training.dataset["source"]),
        "fingerprint": training.fingerprint,
    }
    of_all = [Param(key, str(value)) for key, value in params.items()]
    now = int(time.time() * 1000)
    metrics = [Metric(key, one, now, 0) for key, one in metrics_of(training.evaluation).items()]
    # A request each would be one for every figure of every region.
    for start in range(0, max(len(of_all), len(metrics)), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        client.log_batch(run_id, metrics=metrics[some], params=of_all[some])
    with tempfile.TemporaryDirectory() as place_:
        for file, body in {**files, **_jsons(training)}.items():
            (Path(place_) / file).write_bytes(body)
        client.log_artifacts(run_id, place_)


def _jsons(training: Training) -> dict[str, bytes]:
    told = {"dataset.json": training.dataset, "evaluation.json": training.evaluation}
    return {name: json.dumps(content, indent=1).encode() for name, content in told.items()}
