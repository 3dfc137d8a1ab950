"""The process that loads a file for `benchmarks.history`: told what to do by JSON on stdin."""

import json
import sys
from pathlib import Path

from pydantic import SecretStr

from benchmarks.memory import peak_mb
from ingest.history import HistoryLoader
from ingest.settings import IngestSettings
from schemas import catalogue
from storage.settings import StorageSettings


def main() -> None:
    """Load, and print seconds, values, bytes and peak memory."""
    task = json.loads(sys.stdin.read())
    loader = HistoryLoader(
        IngestSettings(),
        StorageSettings(),
        dsn=SecretStr(task["dsn"]),
        catalogue=catalogue.default(),
        jobs=task["jobs"],
        direct=task["direct"],
    )
    done = loader.load(loader.inspect([Path(task["path"])]))
    if done.refused or done.out_of_limits or done.repeated or not done.new:
        sys.exit(f"not what was to be loaded: {done}")
    print(
        json.dumps(
            {
                "seconds": done.seconds,
                "values": done.values,
                "grown_bytes": done.grown_bytes,
                "columnstore": done.columnstore,
                "peak_mb": peak_mb(),
            }
        )
    )


if __name__ == "__main__":
    main()
