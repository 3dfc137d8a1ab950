"""A worker process that benchmarks measure: its task and `go` come as lines on stdin.

It says `ready` when it is about to join the group, then a line of JSON after each batch, and at its
end, on SIGTERM, one with the seconds that its threads were at each stage. Starting Python is not
ingest, so it is not timed.
"""

import json
import signal
import sys
from threading import Event
from time import monotonic

import psutil
from pydantic import SecretStr

from ingest.lanes.reader import open_worker
from ingest.progress import Progress
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.settings import StorageSettings


def main() -> None:
    """Drain the topic until told to stop."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    task = json.loads(sys.stdin.readline())
    worker = open_worker(
        IngestSettings(topic=task["topic"], group=task["group"], lanes=task["lanes"]),
        StorageSettings(),
        bootstrap=task["bootstrap"],
        dsn=SecretStr(task["dsn"]),
        catalogue=catalogue.default(),
    )
    print("ready", flush=True)
    sys.stdin.readline()
    processes = [psutil.Process(), *psutil.Process().children()]  # the worker's and its lanes'

    def say(done: Progress) -> None:
        # What several of them share (libraries, above all) is there once: that is what PSS counts.
        line = {
            "at": monotonic(),
            "frames": done.frames,
            "resident_mb": sum(process.memory_full_info().pss for process in processes) / 1e6,
        }
        print(json.dumps(line), flush=True)

    done = worker.run(stop, progress=say)
    print(json.dumps({"stage_s": worker.metrics.stage_seconds()}), flush=True)
    if done.refused:
        sys.exit(f"{done.refused} messages were refused")


if __name__ == "__main__":
    main()
