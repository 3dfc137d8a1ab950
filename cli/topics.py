"""`telemetry topics`: how the topics are in Kafka, and setting them up for production."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli import context
from ingest.kafka.topic_setup import SHOWN, Topic, apply, described, look, plan, shortfalls
from ingest.settings import IngestSettings

app = typer.Typer(
    help="The topics in Kafka: partitions, replicas, retention, size; create and adjust them.",
    epilog="Example: telemetry topics",
)


@app.callback(invoke_without_command=True)
def show(command: typer.Context) -> None:
    """The topics in Kafka: partitions, replicas, retention, size; create and adjust them.

    Exit code 1 where one is missing, or a partition is not held by all its brokers.
    """
    if command.invoked_subcommand is not None:
        return
    settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
    console = Console()
    found = look(settings, bootstrap)
    for topic in found:
        _print(console, topic)
    for line in shortfalls(settings, found):
        console.print(line, style="yellow", highlight=False)
    if not all(_sound(topic) for topic in found):
        raise typer.Exit(1)


@app.command(epilog="Example: TELEMETRY_REPLICATION=3 telemetry topics create --partitions 24")
def create(
    partitions: Annotated[
        int | None,
        typer.Option(min=1, help="Of the topic of frames. Default: TELEMETRY_PARTITIONS."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask about what cannot be undone.")
    ] = False,
) -> None:
    """Create the topics, or bring them to what settings say; twice changes nothing.

    TELEMETRY_PARTITIONS, TELEMETRY_REPLICATION, TELEMETRY_TOPIC_RETENTION_DAYS and
    TELEMETRY_DEAD_LETTER_RETENTION_DAYS say it. More partitions and a shorter retention cannot be
    undone: these are asked about.
    """
    settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
    if partitions is not None:
        settings = settings.model_copy(update={"partitions": partitions})
    console = Console(soft_wrap=True)
    found = look(settings, bootstrap)
    changes = plan(settings, found)
    for change in changes:
        if change.warning:
            console.print(f"{change.text}. {change.warning}", style="yellow", highlight=False)
            if not yes:
                typer.confirm("Do it?", abort=True)
    apply(settings, bootstrap, changes)
    for change in changes:
        console.print(f"+ {change.text}", highlight=False)
    short = shortfalls(settings, found)
    if not changes and not short:
        console.print("The topics are as settings want them.", highlight=False)
    for line in short:
        console.print(line, style="yellow", highlight=False)


def _sound(topic: Topic) -> bool:
    """Whether it is there, and every partition is held by all its brokers."""
    return bool(topic.partitions) and all(
        each.leader is not None and set(each.in_sync) == set(each.replicas)
        for each in topic.partitions
    )


def _print(console: Console, topic: Topic) -> None:
    if not topic.partitions:
        console.print(
            f"{topic.name} is not there: telemetry topics create makes it.",
            style="bold red",
            highlight=False,
        )
        return
    table = Table("Partition", "Leader", "Replicas", "In sync", title=topic.name)
    table.add_column("Size, one copy", justify="right")
    for each in topic.partitions:
        table.add_row(
            str(each.number),
            "none" if each.leader is None else str(each.leader),
            _numbers(each.replicas),
            _numbers(each.in_sync),
            "unknown" if each.size_bytes is None else f"{each.size_bytes / 1e6:,.1f} MB",
            style="" if set(each.in_sync) == set(each.replicas) else "bold red",
        )
    table.caption = "\n".join(
        f"{key}: {described(key, topic.configs[key])}" for key in SHOWN if key in topic.configs
    )
    table.caption_justify = "left"
    console.print(table)


def _numbers(brokers: tuple[int, ...]) -> str:
    return ", ".join(map(str, brokers))
