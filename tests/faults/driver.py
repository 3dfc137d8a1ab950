"""A worker as operators start it, with handles on each of its processes that writes.

It is `telemetry ingest`: a reader whose lanes are processes of their own, or a worker of one lane.
It ends where its standard input does, so that none is left behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import UTC, datetime

from pydantic import SecretStr

from ingest.lanes.reader import open_worker
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.settings import StorageSettings
from tests.faults import handles

DSN = "TELEMETRY_FAULTS_DSN"
"""Environment variable with the database, which is no argument because it has a password."""


def say(line: str) -> None:
    """Tell the parent; a line is written whole, whichever thread speaks."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main() -> None:
    """Work until SIGTERM."""
    settings = IngestSettings.model_validate_json(sys.argv[1])
    handles.log()
    if settings.lanes == 1:
        handles.take_up()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def listen() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    worker = open_worker(
        settings,
        StorageSettings(),
        bootstrap=sys.argv[2],
        dsn=SecretStr(os.environ[DSN]),
        catalogue=catalogue.default(),
        prepare=handles.prepare,
    )
    say(f"ready {datetime.now(tz=UTC):%H:%M:%S}")
    worker.run(stop, progress=lambda done: say(f"done {done.batches}"))


if __name__ == "__main__":
    main()
