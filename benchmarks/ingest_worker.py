"""A worker process that benchmarks measure: its task and `go` come as lines on stdin.

It says `ready` when it is about to join the group, then a line of JSON after each batch, and ends
on SIGTERM. Starting Python is not ingest, so it is not timed.
"""

import json
import resource
import signal
import sys
from threading import Event
from time import monotonic

import psutil
from pydantic import SecretStr

from ingest.settings import IngestSettings
from ingest.worker import Progress, Worker
from schemas import catalogue
from storage.settings import StorageSettings


def main() -> None:
    """Drain the topic until told to stop."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    task = json.loads(sys.stdin.readline())
    worker = Worker(
        IngestSettings(topic=task["topic"], group=task["group"]),
        StorageSettings(),
        bootstrap=task["bootstrap"],
        dsn=SecretStr(task["dsn"]),
        catalogue=catalogue.default(),
    )
    print("ready", flush=True)
    sys.stdin.readline()
    process = psutil.Process()

    def say(done: Progress) -> None:
        line = {
            "at": monotonic(),
            "frames": done.frames,
            "resident_mb": process.memory_info().rss / 1e6,
            "stage_s": worker.metrics.stage_seconds(),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        }
        print(json.dumps(line), flush=True)

    done = worker.run(stop, progress=say)
    if done.refused:
        sys.exit(f"{done.refused} messages were refused")


if __name__ == "__main__":
    main()
