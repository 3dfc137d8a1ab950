"""The worker process that `benchmarks.ingest` measures: told what to do by JSON on stdin.

Time runs from the first poll to the commit of the last frame; starting Python is not ingest.
"""

import json
import resource
import sys
from threading import Event
from time import perf_counter

from pydantic import SecretStr

from ingest.settings import IngestSettings
from ingest.worker import Progress, Worker
from schemas import catalogue
from storage.settings import StorageSettings


def main() -> None:
    """Drain the topic and print seconds and peak memory."""
    task = json.loads(sys.stdin.read())
    worker = Worker(
        IngestSettings(topic=task["topic"], group=task["group"]),
        StorageSettings(),
        bootstrap=task["bootstrap"],
        dsn=SecretStr(task["dsn"]),
        catalogue=catalogue.default(),
    )
    stop = Event()

    def progress(done: Progress) -> None:
        if done.frames >= task["frames"]:
            stop.set()

    began = perf_counter()
    done = worker.run(stop, until_idle_s=30.0, progress=progress)
    seconds = perf_counter() - began
    if done.frames != task["frames"] or done.refused:
        sys.exit(f"{done} instead of {task['frames']} frames")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
