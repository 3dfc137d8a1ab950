"""Snapshots, and an export to an object store."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pandas as pd
import polars as pl
import pytest
from pyarrow import fs

from research import Files, load_signals, load_trips
from research.errors import ExportError
from research.places import Place
from servers import ports
from tests.servers.cluster_fixture import one_here
from tests.worlds.export_world import FIRST, VINS, checksums, exported_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.database_fixture import Migrated
    from tests.worlds.export_world import Exported

STOP = FIRST + timedelta(days=2)


@pytest.fixture(scope="module")
def world(migrated: Migrated) -> Exported:
    return exported_world(migrated, days=2, seconds=1000)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of a local S3 server, which the environment leads to.

    In a process of its own: delta-rs waits for it without letting other threads go on.
    """
    (port,) = ports.free(1)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        try:
            patch.setenv("AWS_ACCESS_KEY_ID", "made")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "up")
            patch.setenv("AWS_REGION", "us-east-1")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            while not ports.answers("127.0.0.1", port, timeout_s=1):
                assert server.poll() is None, "the S3 server has ended"
                time.sleep(0.1)
            boto3.client("s3").create_bucket(Bucket="lake")
            yield "s3://lake"
        finally:
            server.kill()


def later(world: Exported, vin: str) -> None:
    """A row that comes late."""
    time_ = pd.DatetimeIndex([FIRST + timedelta(hours=20)])
    world.write(vin, pd.DataFrame({"odometer": [300_000.0]}, index=time_))


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_an_export_can_be_named_as_of_a_date(
    world: Exported, bucket: str, tmp_path: Path, where: str
) -> None:
    place = f"{bucket}/snapshots" if where == "bucket" else str(tmp_path / "export")
    asked = {"purpose": None, "snapshots": True, "events": False, "buckets": 2}
    before = datetime.now(tz=UTC)
    world.export(place, **asked)
    first = load_signals(Files(place), ["odometer"], FIRST, STOP)
    time.sleep(0.01)
    between = datetime.now(tz=UTC)
    time.sleep(0.01)
    later(world, VINS[{"folder": 0, "bucket": 1}[where]])
    world.export(place, **asked)
    now = load_signals(Files(place), ["odometer"], FIRST, STOP)
    assert len(now) == len(first) + 1
    then = load_signals(Files(place, as_of=between), ["odometer"], FIRST, STOP)
    pd.testing.assert_frame_equal(then, first)
    assert len(load_trips(Files(place, as_of=between), FIRST, STOP)) == 12
    with pytest.raises(ExportError, match="no snapshot by"):
        load_signals(Files(place, as_of=before), ["odometer"], FIRST, STOP)
    if where == "folder":
        table = pl.read_delta(f"{place}/signals")
        assert table.height == len(now), "other tools read the table without us"
        assert pl.read_delta(f"{place}/signals", version=0).height == len(first)


@pytest.mark.parametrize(
    "address",
    ["s3://made:up@lake/x", "abfs://made:up@account/x", "abfs://lake@account/x?client_secret=up"],
)
def test_an_address_with_credentials_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ExportError, match="leave them to the store's own environment") as refused:
        Place(address)
    assert "up" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "without a name"),
        ("ftp://lake/x", "ftp is no store that is known"),
        ("file:///lake/x", "file is no store that is known"),
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
    ],
)
def test_what_is_no_place_is_refused_before_anything_is_written(name: str, why: str) -> None:
    with pytest.raises(ExportError, match=why):
        Place(name)


def test_without_snapshots_there_are_none(world: Exported, tmp_path: Path) -> None:
    world.export(tmp_path, purpose=None)
    with pytest.raises(ExportError, match="has no snapshots"):
        load_signals(Files(tmp_path, as_of=datetime.now(tz=UTC)), ["odometer"], FIRST, STOP)


def test_an_object_store_holds_the_same_files_as_a_folder(
    world: Exported, bucket: str, tmp_path: Path
) -> None:
    world.export(f"{bucket}/some/prefix", buckets=2, last=FIRST.date())
    world.export(tmp_path / "here", buckets=2, last=FIRST.date())
    store, root = fs.FileSystem.from_uri(f"{bucket}/some/prefix")
    fs.copy_files(root, str(tmp_path / "copied"), source_filesystem=store)
    assert checksums(tmp_path / "copied") == checksums(tmp_path / "here")
    _, again = world.export(f"{bucket}/some/prefix", last=FIRST.date())
    assert again.written == 0
    with one_here(world.database.dsn) as who:
        exporter = world.exporter(f"{bucket}/by/worker", workers=who)
        exporter.run(world.request(buckets=2, last=FIRST.date()))
    store, root = fs.FileSystem.from_uri(f"{bucket}/by/worker")
    fs.copy_files(root, str(tmp_path / "worker"), source_filesystem=store)
    assert checksums(tmp_path / "worker") == checksums(tmp_path / "here")
    world.export(f"{bucket}/some/prefix")
    found = load_signals(Files(f"{bucket}/some/prefix"), ["wheel_speed"], FIRST, STOP)
    assert set(found["time"].dt.day) == {1, 2}
    key = "some/prefix/" + next(n for n in checksums(tmp_path / "here") if n.startswith("signals/"))
    body = boto3.client("s3").get_object(Bucket="lake", Key=key)["Body"].read()
    assert len(pd.read_parquet(io.BytesIO(body))) > 0
