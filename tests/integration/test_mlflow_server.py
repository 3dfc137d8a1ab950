"""A training is told to an MLflow server; where none can be told, the model is kept all the same.

The tests of a real server run where there is one to start: MLflow itself (we depend on
`mlflow-skinny`), in this environment or as the program that TELEMETRY_TEST_MLFLOW names. It takes
`pip install 'mlflow[auth]'`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import distributions
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from analytics.runner.tracking import TrackingError
from servers import ports
from storage import models
from tests.samples.fuel_segments import segments
from tests.samples.own_model import write_own_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.asking.command_line import RunHere
    from tests.servers.database_fixture import Migrated

pytest.importorskip("mlflow", reason="the extra `training` is not installed")

IS_HERE = any(one.name == "mlflow" for one in distributions())
MLFLOW = os.environ.get("TELEMETRY_TEST_MLFLOW") or (
    str(Path(sys.executable).with_name("mlflow")) if IS_HERE else None
)
NEEDS_MLFLOW = pytest.mark.skipif(
    MLFLOW is None, reason="there is no MLflow server; TELEMETRY_TEST_MLFLOW names its `mlflow`"
)

NAME, PASSWORD = "scientist", "a long pass word 1"
ACCESS = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{folder}/access.db
admin_username = {name}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
STARTS_WITHIN_S = 120
LOGGED = {
    "calibration.png",
    "errors.png",
    "errors_by_group.png",
    "card.md",
    "model.bin",
    "dataset.json",
    "evaluation.json",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server that asks who is there."""
    assert MLFLOW is not None
    folder = tmp_path_factory.mktemp("mlflow")
    access = folder / "access.ini"
    access.write_text(ACCESS.format(folder=folder, name=NAME, password=PASSWORD))
    (port,) = ports.free(1)
    arguments = [
        MLFLOW, "server", "--app-name", "basic-auth", "--host", ports.LOOPBACK,
        "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/runs.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = os.environ | {
        "MLFLOW_AUTH_CONFIG_PATH": str(access),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this test",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONPATH": "",
    }
    log = folder / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(arguments, env=environment, stdout=out, stderr=out) as process,
    ):
        try:
            until = time.monotonic() + STARTS_WITHIN_S
            while not ports.answers(ports.LOOPBACK, port, 1):
                assert process.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < until, log.read_text()[-2000:]
                time.sleep(0.1)
            yield f"http://{ports.LOOPBACK}:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("segments")
    segments(6, 20).to_parquet(place / "0.parquet")
    write_own_model(place)
    return place


@pytest.fixture
def train(run_here: RunHere, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Trains a small model and tells a server of it; what is said."""
    monkeypatch.syspath_prepend(folder)
    # A server that is away is asked once: how often else is not what is tested.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    def train(uri: str, fails: type[BaseException] | None = None) -> str:
        monkeypatch.setenv("TELEMETRY_MLFLOW_TRACKING_URI", uri)
        module = ("--model-module", "my_models.stops")
        return run_here("train", "stops", *module, "--dataset", str(folder), fails=fails)

    return train


@contextmanager
def refusing() -> Iterator[str]:
    """A server that lets nobody in, as MLflow's says it."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"You are not authenticated."
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="mlflow"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer((ports.LOOPBACK, 0), Refusal) as there:
        Thread(target=there.serve_forever, daemon=True).start()
        yield f"http://{ports.LOOPBACK}:{there.server_port}"
        there.shutdown()


def kept(database: Migrated) -> list[str | None]:
    """The runs of the models there are."""
    return [one.run_id for one in models.models(database.connection, "stops")]


def test_a_server_that_is_away_costs_no_model(
    migrated: Migrated, train: Callable[..., str]
) -> None:
    before = len(kept(migrated))
    (port,) = ports.free(1)
    said = train(f"http://{ports.LOOPBACK}:{port}", fails=TrackingError)
    assert "(stops) learnt from 120 rows" in said
    assert f"MLflow at http://{ports.LOOPBACK}:{port} does not answer" in said
    assert "The model is stored." in said
    assert kept(migrated)[: len(kept(migrated)) - before] == [None]


def test_who_is_not_let_in_is_told_which_variables_say_who_asks(
    migrated: Migrated, train: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of nobody")
    before = len(kept(migrated))
    with refusing() as address:
        said = train(address.replace("//", "//me:secret@"), fails=TrackingError)
    assert f"MLflow at {address} does not take us" in said
    assert "set MLFLOW_TRACKING_TOKEN" in said
    assert "secret" not in said
    assert len(kept(migrated)) == before + 1


@NEEDS_MLFLOW
def test_run_metrics_pictures_card_and_model_arrive(
    migrated: Migrated,
    server: str,
    train: Callable[..., str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mlflow.tracking import MlflowClient  # noqa: PLC0415  # seconds

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", NAME)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    said = train(server)
    newest = models.models(migrated.connection, "stops")[0]
    assert f"Run {newest.run_id} in {server}." in said
    client = MlflowClient(tracking_uri=server)
    run = client.get_run(str(newest.run_id))
    assert run.info.status == "FINISHED"
    assert run.data.tags["model_id"] == str(newest.model_id)
    assert run.data.params["fingerprint"] == newest.metrics["fingerprint"]
    assert run.data.params["dataset"] == folder.name
    of_all = newest.evaluation["all"]
    assert run.data.metrics["error_percent"] == pytest.approx(of_all["error_percent"])
    assert "by_vehicle_class/heavy_truck/error_percent" in run.data.metrics
    assert {one.path for one in client.list_artifacts(run.info.run_id)} == LOGGED
    body = Path(client.download_artifacts(run.info.run_id, "model.bin", str(folder)))
    assert body.read_bytes() == models.body_of(migrated.connection, newest.model_id)[0]


@NEEDS_MLFLOW
def test_a_wrong_password_costs_no_model(
    migrated: Migrated, server: str, train: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", NAME)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "another")
    before = len(kept(migrated))
    assert f"MLflow at {server} does not take us" in train(server, fails=TrackingError)
    assert len(kept(migrated)) == before + 1
