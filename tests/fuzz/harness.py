"""Coverage-guided fuzzing of a message's way from bytes to rows: `make fuzz`.

    python -m tests.fuzz.harness CORPUS [libFuzzer's options]

The first byte of an input says how the rest is spoken: Protobuf or JSON, new or replayed. The seeds
are valid messages, written into CORPUS at the start; libFuzzer adds what reaches new lines.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["schemas.wire", "ingest", "storage"]):
    from tests.fuzz.way import go, seeds


def _one(data: bytes) -> None:
    go(data)


def main(arguments: list[str]) -> None:
    """Write the seeds and fuzz until libFuzzer's options say that it is enough."""
    corpus = Path(arguments[0])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), *arguments[1:]], _one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
