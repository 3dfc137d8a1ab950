"""`python -m benchmarks [NAME ...]`: run the benchmarks, print and keep what they measured.

Each benchmark is a module with `run() -> dict[str, float]`; names carry their unit.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

NAMES = (
    "simulator", "ingest", "ladder", "latency", "backlog", "history", "behaviour", "fuel",
    "fuel_model", "datasets", "api_secrecy", "export", "pages", "scale", "drift",
)  # fmt: skip
OUT = Path(__file__).parent / "out" / "latest.json"


def main() -> None:
    """Run the named benchmarks, or all; figures of others in latest.json stay as they were."""
    names = sys.argv[1:] or NAMES
    if unknown := set(names) - set(NAMES):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    kept: dict[str, float] = json.loads(OUT.read_text()) if OUT.exists() else {}
    for name in names:
        print(f"== {name}", flush=True)
        figures = import_module(f"benchmarks.{name}").run()
        for figure, value in figures.items():
            print(f"{figure:48} {value:>16,.6g}")
        kept |= {f"{name}.{figure}": value for figure, value in figures.items()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    print(f"written to {OUT}")


if __name__ == "__main__":  # workers that are spawned import this again
    main()
