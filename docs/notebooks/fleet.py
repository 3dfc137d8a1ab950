"""Where the notebooks' data come from, and the command line beside them.

The database is the one that TELEMETRY_DATABASE_DSN names, else the one that `telemetry up` or
`make demo` has started in this repository, as for every command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt

from cli import context
from research import Database
from schemas.errors import TelemetryError
from servers.settings import ServersSettings
from storage.connection import connect
from storage.export_members import only_maker

HERE = Path(__file__).resolve().parent

INK, FAINT, BLUE, ORANGE, GREEN, RED = (
    "#1f2933", "#9aa5b1", "#1f6feb", "#d97706", "#2f855a", "#c53030",
)  # fmt: skip
"""The notebooks' colours."""


class NoFleetError(TelemetryError):
    """There is no database to look at."""


def open_fleet(party: str | None = None, *, purpose: str | None = None) -> Database:
    """The fleet's database, to read from.

    Args:
        party: whose vehicles; None: the only maker's, which are all.
        purpose: what for, under pseudonyms; None: VINs and values as they are.

    Raises:
        NoFleetError: there is no database; the message says what to do.
    """
    # The kernel runs in the notebook's folder, the servers' home is the repository's.
    os.environ.setdefault("TELEMETRY_HOME", str(HERE.parents[1] / ".telemetry"))
    try:
        dsn = context.database_dsn()
    except TelemetryError as error:
        raise NoFleetError(
            "No database is running here. `make demo` makes a fleet and lets it drive while you "
            "look; after it, `telemetry up` starts its database again. Or name a database of "
            "yours with TELEMETRY_DATABASE_DSN, before Jupyter starts."
        ) from error
    with connect(dsn) as connection:
        whose = party or only_maker(connection)
    return Database(dsn, party=whose, purpose=purpose)


def telemetry(*arguments: str) -> str:
    """Run the command line as in a shell, in the notebooks' folder.

    Raises:
        TelemetryError: the command failed; the message is what it said.
    """
    # A notebook's kernel asks for colours, and commands would draw their progress into the text.
    environment = {name: text for name, text in os.environ.items() if name != "FORCE_COLOR"}
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=HERE,
        env=environment | {"COLUMNS": "120", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TelemetryError(f"telemetry {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def truth_folders() -> list[Path]:
    """What the simulator has written down of the fleets it drove, the newest first."""
    there = context.load(ServersSettings).home / "truth"
    written = sorted(there.glob("*/events.parquet"), key=lambda file: file.stat().st_mtime)
    return [file.parent for file in reversed(written)]


def use_our_style() -> None:
    """Pictures as the notebooks draw them."""
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.edgecolor": FAINT,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "grid.color": FAINT,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "font.size": 9,
        }
    )
