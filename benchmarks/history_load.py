"""The process that loads a file for `benchmarks.history`: told what to do by JSON on stdin."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from time import process_time, sleep

import psutil
from pydantic import SecretStr

from benchmarks.memory import peak_mb
from ingest.history import HistoryLoader
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.connection import connect
from storage.settings import StorageSettings

ENDING_S = 0.5
"""A backend's processor time is its server's once it has ended; so long is waited for that [s]."""


def main() -> None:
    """Load, and print seconds, processor time, values, bytes and peak memory."""
    task = json.loads(sys.stdin.read())
    dsn = SecretStr(task["dsn"])
    loader = HistoryLoader(
        IngestSettings(),
        StorageSettings(),
        dsn=dsn,
        catalogue=catalogue.default(),
        jobs=task["jobs"],
        direct=task["direct"],
    )
    files = loader.inspect([Path(task["path"])])
    with connect(dsn) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
        before_s = process_time() + _used_s(server)
        done = loader.load(files)
        own_s = process_time()
        sleep(ENDING_S)
        cpu_s = own_s + _used_s(server) - before_s
    if done.refused or done.out_of_limits or done.repeated or not done.new:
        sys.exit(f"not what was to be loaded: {done}")
    print(
        json.dumps(
            {
                "seconds": done.seconds,
                "cpu_s": cpu_s,
                "values": done.values,
                "grown_bytes": done.grown_bytes,
                "columnstore": done.columnstore,
                "peak_mb": peak_mb(),
            }
        )
    )


def _used_s(server: psutil.Process | None) -> float:
    """Processor time of a server's processes, also of those that have ended [s]."""
    if server is None:
        return 0.0
    ended = server.cpu_times()
    running_s = 0.0
    for process in server.children():
        with suppress(psutil.NoSuchProcess):  # such as a worker of autovacuum
            times = process.cpu_times()
            running_s += times.user + times.system
    ended_s = ended.children_user + ended.children_system
    return running_s + ended.user + ended.system + ended_s


if __name__ == "__main__":
    main()
