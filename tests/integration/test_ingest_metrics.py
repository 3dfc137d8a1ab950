"""A worker at work, scraped: its figures are those of what was sent, and its trouble is seen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import conninfo_to_dict

from ingest.errors import IngestError
from ingest.monitor import watching
from servers import launcher
from servers.ports import free
from storage.frame_writer import FrameWriter
from tests.asking.patience import wait_until
from tests.servers.ingest_fixture import SECOND_US, ago_us, new_vins, running
from tests.servers.servers_fixture import settings as servers_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.settings import IngestSettings
    from storage.prepared import Prepared
    from tests.asking.command_line import CommandLine
    from tests.servers.database_fixture import Migrated
    from tests.servers.ingest_fixture import Bench

ROOT = Path(__file__).parents[2]


class Scraped:
    """What a worker's /metrics says at a moment."""

    def __init__(self, port: int) -> None:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        self._values = {
            (sample.name.removeprefix("telemetry_ingest_"), tuple(sorted(sample.labels.items()))): (
                sample.value
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self._values[name, tuple(sorted(labels.items()))]

    def all(self, name: str) -> dict[str, float]:
        """By the value of its one label; what is 0 is left out."""
        return {
            labels[0][1]: value
            for (at, labels), value in self._values.items()
            if at == name and value
        }


def health(port: int) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def watched(bench: Bench) -> IngestSettings:
    """The bench's settings with a port for metrics, and little patience."""
    return bench.settings.model_copy(update={"metrics_port": free(1)[0], "stuck_after_s": 0.5})


def frames(bench: Bench, vin: str, first_us: int, count: int, **values: float) -> None:
    rows = {first_us + second * SECOND_US: values for second in range(count)}
    bench.send(bench.message(vin, rows))


def test_a_scrape_says_what_was_sent(
    bench: Bench, watched: IngestSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.monitor.LOOK_S", 0.1)
    one, two = new_vins(2)
    limits = bench.catalogue.resolve("wheel_speed"), bench.catalogue.resolve("engine_speed")
    newest_us = ago_us(60)
    frames(bench, one, newest_us - 19 * SECOND_US, 20, wheel_speed=50.0, engine_speed=1200.0)
    frames(bench, two, ago_us(900), 7, wheel_speed=limits[0].maximum + 1000, engine_speed=900.0)
    frames(bench, two, ago_us(800), 3, wheel_speed=1.0, engine_speed=limits[1].maximum + 1000)
    frames(bench, two, ago_us(-7200), 4, wheel_speed=1.0)  # two hours ahead of our clock
    bench.send_raw((b"k", b"\xff", []), (b"k", b"\xff", [("content-type", b"application/json")]))
    worker, port = bench.worker(), watched.metrics_port
    with watching(worker.metrics, watched, bench.bootstrap), running(worker) as run:
        wait_until(lambda: run.done.messages == 6, "all messages")
        wait_until(lambda: sum(Scraped(port).all("lag_messages").values()) == 0, "no lag")
        said = Scraped(port)
        assert said("messages_total") == 6
        assert said("frames_total") == 20 + 7 + 3 + 4
        assert said("values_total") == 2 * 20 + 7 + 3
        assert said.all("refused_total") == bench.counts("refused")
        assert said.all("refused_total") == {
            "too_far_ahead": 4, "unknown_content_type": 1, "unreadable": 1,
        }  # fmt: skip
        assert said("dead_letters_total") == 3
        assert said.all("out_of_limits_total") == {"wheel_speed": 7, "engine_speed": 3}
        assert said("batch_frames_count") == run.done.batches == said("write_seconds_count")
        assert said("batch_frames_sum") == said("frames_total")
        assert said("partitions") == 3
        assert said("rebalances_total") >= 1
        assert said("server_up", server="database") == said("server_up", server="kafka") == 1
        assert said("newest_frame_timestamp_seconds") == newest_us / 1e6
        assert said("last_commit_timestamp_seconds") == pytest.approx(time.time(), abs=60)
        for stage in ("fetch", "gather", "build", "prepare", "copy", "state", "commit", "publish"):
            assert said("stage_seconds_total", stage=stage) > 0, stage
        assert said("process_resident_memory_bytes") > 10 << 20
        assert health(port) == (200, "at work\n")
    with pytest.raises(URLError):
        Scraped(port)
    assert bench.counts("values") == {"": 50}


def test_lag_grows_while_the_database_is_away_and_goes_when_it_is_back(
    bench: Bench, watched: IngestSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.monitor.LOOK_S", 0.1)
    write, away = FrameWriter.write_prepared, threading.Event()

    def reluctant(self: FrameWriter, prepared: Prepared) -> None:
        if away.is_set():
            raise psycopg.OperationalError("the server closed the connection")
        write(self, prepared)

    monkeypatch.setattr(FrameWriter, "write_prepared", reluctant)
    (vin,) = new_vins(1)
    worker, port = bench.worker(), watched.metrics_port
    with watching(worker.metrics, watched, bench.bootstrap), running(worker) as run:
        frames(bench, vin, ago_us(900), 5, wheel_speed=1.0)
        wait_until(lambda: run.done.messages == 1, "the first message")
        away.set()
        for number in range(4):
            frames(bench, vin, ago_us(800 - 10 * number), 5, wheel_speed=1.0)
        wait_until(lambda: sum(Scraped(port).all("lag_messages").values()) == 4, "lag of four")
        wait_until(lambda: health(port)[0] == 503, "a worker that is reported")
        assert "4 messages wait" in health(port)[1]
        said = Scraped(port)
        assert said("server_up", server="database") == 0
        assert said("retries_total", cause="database") >= 1
        away.clear()
        wait_until(lambda: run.done.messages == 5, "the rest")
        wait_until(lambda: sum(Scraped(port).all("lag_messages").values()) == 0, "no lag")
        said = Scraped(port)
        assert said("server_up", server="database") == 1
        assert said("frames_total") == 25  # what was tried again is counted once
        assert said("stage_seconds_total", stage="hold") > 0
        assert health(port)[0] == 200


def test_a_port_that_is_taken_is_a_readable_error(bench: Bench, watched: IngestSettings) -> None:
    worker = bench.worker()
    with watching(worker.metrics, watched, bench.bootstrap):
        with (
            pytest.raises(IngestError, match=rf"{watched.metrics_port}: .*--metrics-port"),
            watching(worker.metrics, watched, bench.bootstrap),
        ):
            pass
        assert health(watched.metrics_port)[0] == 200
    worker._opened.close()


@contextmanager
def ingesting(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`telemetry ingest` as a process with its standard error in a file, killed at the end."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "cli", "ingest"], cwd=ROOT, env=environment, stderr=output
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def test_a_broker_that_goes_away_is_seen_and_does_not_fill_the_log(
    command_line: CommandLine, migrated: Migrated, servers_home: Path, tmp_path: Path
) -> None:
    (port,) = free(1)
    parts = conninfo_to_dict(migrated.dsn.get_secret_value())
    password = str(parts.get("password") or "none was given")
    wanted = servers_settings(servers_home / "broker", database_dsn=migrated.dsn)
    log = tmp_path / "ingest.log"
    try:
        environment = command_line.environment | {
            "TELEMETRY_KAFKA_BOOTSTRAP": launcher.up(wanted).kafka_bootstrap,
            "TELEMETRY_METRICS_PORT": str(port),
            "TELEMETRY_LOG_FORMAT": "json",
            "TELEMETRY_LOG_LEVEL": "debug",
        }
        with ingesting(environment, log):
            wait_until(lambda: _answers(port), "metrics")
            wait_until(lambda: Scraped(port)("partitions") == 6, "partitions")
            launcher.down(wanted)
            wait_until(lambda: Scraped(port)("server_up", server="kafka") == 0, "away")
            before = len(_of_kafka(log))
            time.sleep(4)  # without a filter the library says more than thirty lines meanwhile
            more = _of_kafka(log)[before:]
            assert health(port)[0] == 200  # it waits, and hangs not
            kinds = [(line["logger"], re.sub(r"\d+", "#", str(line["message"]))) for line in more]
            assert len(kinds) <= 10, kinds
    finally:
        launcher.down(wanted)
    text = log.read_text("utf-8")
    assert password not in text
    assert {"time", "level", "logger", "message"} <= json.loads(text.splitlines()[-1]).keys()


def _answers(port: int) -> bool:
    try:
        return health(port)[0] == 200
    except URLError:
        return False


def _of_kafka(log: Path) -> list[dict[str, str]]:
    """Lines of the library; each line of the log is an object."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return [line for line in lines if line["logger"].startswith("kafka")]
