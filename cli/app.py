"""`telemetry`: one command line whose help tells the way of a frame."""

import logging
import sys

import typer
from rich.console import Console

from cli import (
    analyse,
    catalogue,
    cell,
    context,
    datasets,
    dead_letters,
    demo,
    identity,
    ingest,
    load,
    logs,
    migrate,
    privacy,
    register,
    replay,
    serve,
    servers,
    service_plans,
    service_points,
    simulate,
    status,
    topics,
    train,
    webhooks,
)
from schemas.errors import TelemetryError

HELP = """From a truck's signals to an answer.

The way of a frame: a truck (telemetry simulate, telemetry replay) sends messages to Kafka;
telemetry ingest decodes, checks and writes them to the database (telemetry load does so with
history in Parquet files); telemetry analyse finds out how they were driven and what would save fuel
(telemetry train lets it learn from the fleet); telemetry serve answers fleet owners, dealers and
data scientists, telemetry webhooks tells them of it unasked. telemetry up starts a Kafka and a
PostgreSQL for it on this machine; telemetry demo does all of it at once.

Each command works alone against any Kafka and any PostgreSQL: TELEMETRY_KAFKA_BOOTSTRAP and
TELEMETRY_DATABASE_DSN name them. Without these it uses what telemetry up has started.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Example: telemetry demo",
)

servers.register(app)
migrate.register(app)
app.add_typer(topics.app, name="topics")
register.register(app)
app.add_typer(catalogue.app, name="catalogue")
simulate.register(app)
replay.register(app)
ingest.register(app)
load.register(app)
app.add_typer(dead_letters.app, name="dead-letters")
analyse.register(app)
app.add_typer(train.app, name="train")
app.add_typer(identity.app, name="identity")
app.add_typer(datasets.app, name="datasets")
app.add_typer(service_points.app, name="service-points")
app.add_typer(service_plans.app, name="service-plans")
app.add_typer(privacy.app, name="privacy")
app.add_typer(cell.app, name="cell")
serve.register(app)
webhooks.register(app)
status.register(app)
demo.register(app)


def main() -> None:
    """Run a command; what goes wrong on purpose is one line on stderr and exit code 1."""
    machines_read = False
    try:
        context.refuse_unknown_names()
        settings = context.load(logs.LogSettings)
        logs.set_up(settings)
        machines_read = settings.log_format is logs.LogFormat.JSON
        app()
    except (TelemetryError, OSError) as error:
        if machines_read:
            logging.getLogger("telemetry").error("%s", error)  # noqa: TRY400 - it happened on purpose: its text says all
            sys.exit(1)
        Console(stderr=True, soft_wrap=True).print(
            f"telemetry: {error}", style="red", markup=False, highlight=False
        )
        sys.exit(1)
