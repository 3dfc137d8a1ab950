"""`telemetry`: one command line whose help tells the way of a frame."""

import importlib
import logging
import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from cli import context, logs
from schemas.errors import TelemetryError
from storage.errors import NotKnownError

HELP = """From a truck's signals to an answer.

The way of a frame: a truck (telemetry simulate, telemetry replay) sends messages to Kafka;
telemetry ingest decodes, checks and writes them to the database (telemetry load does so with
history in Parquet files); telemetry analyse finds out how they were driven and what would save fuel
(telemetry train lets it learn from the fleet, telemetry models says which model is used); telemetry
serve answers fleet owners, dealers and data scientists, telemetry export writes files for the
latter, telemetry webhooks tells whoever wishes unasked. telemetry up starts a Kafka and a
PostgreSQL for it on this machine; telemetry demo does all of it at once.

Each command works alone against any Kafka and any PostgreSQL: TELEMETRY_KAFKA_BOOTSTRAP and
TELEMETRY_DATABASE_DSN name them. Without these it uses what telemetry up has started.
"""

MODULES = {
    "up": "servers",
    "down": "servers",
    "migrate": "migrate",
    "topics": "topics",
    "register": "register",
    "catalogue": "catalogue",
    "simulate": "simulate",
    "replay": "replay",
    "ingest": "ingest",
    "load": "load",
    "dead-letters": "dead_letters",
    "analyse": "analyse",
    "train": "train",
    "models": "models",
    "export": "export",
    "identity": "identity",
    "datasets": "datasets",
    "service-points": "service_points",
    "service-plans": "service_plans",
    "privacy": "privacy",
    "cell": "cell",
    "serve": "serve",
    "webhooks": "webhooks",
    "status": "status",
    "demo": "demo",
}
"""Which module of this folder has a command; in the order in which help tells them."""


class Commands(TyperGroup):
    """The commands, each imported when it is asked for.

    What one command needs (a web framework, the trees of the fuel model) takes seconds to import
    that the others would wait for.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as the group is asked
        """Their names."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - likewise
        """One of them; None: there is no such command."""
        if cmd_name not in MODULES:
            return None
        module = importlib.import_module(f"cli.{MODULES[cmd_name]}")
        holder = typer.Typer(rich_markup_mode=None)
        holder.callback()(lambda: None)
        if hasattr(module, "register"):
            module.register(holder)
        else:
            holder.add_typer(module.app, name=cmd_name)
        found = typer.main.get_group(holder)
        return found.commands[cmd_name]


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(help=HELP, epilog="Example: telemetry demo")
def telemetry() -> None:
    """Be the group that the commands are of."""


def main() -> None:
    """Run a command; what goes wrong on purpose is one line on stderr and exit code 1.

    Exit code 2, as for a mistyped option: nobody and nothing is known by a name that was given.
    """
    machines_read = False
    try:
        context.refuse_unknown_names()
        settings = context.load(logs.LogSettings)
        logs.set_up(settings)
        machines_read = settings.log_format is logs.LogFormat.JSON
        app()
    except (TelemetryError, OSError) as error:
        status = 2 if isinstance(error, NotKnownError) else 1
        if machines_read:
            logging.getLogger("telemetry").error("%s", error)  # noqa: TRY400 - it happened on purpose: its text says all
            sys.exit(status)
        Console(stderr=True, soft_wrap=True).print(
            f"telemetry: {error}", style="red", markup=False, highlight=False
        )
        sys.exit(status)
