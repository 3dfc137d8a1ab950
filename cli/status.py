"""`telemetry status`: the servers, how far ingest is, and what the database holds."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from cli import context, servers
from cli.situation import Situation, as_json, gather
from storage.policies import COMPRESSION, Policy
from storage.settings import StorageSettings

KEYS_SHOWN = 10
"""Of one measure, the keys that are counted most; JSON has all."""


class Format(StrEnum):
    """How it is shown."""

    TABLE = "table"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: telemetry status --format json")(status)


def status(
    sample: Annotated[
        float,
        typer.Option(min=0, max=600, help="Seconds over which rates are taken; 0: no rates."),
    ] = 2.0,
    output: Annotated[Format, typer.Option("--format", help="For people or machines.")] = (
        Format.TABLE
    ),
) -> None:
    """Show the servers, how far ingest is behind and how fast, what there is, and how large.

    Rates are what ingest's own exact counts rose by between two looks, over the time between the
    last batches of each. Rows are estimates of the database's statistics. Exit code 1 where a
    server does not answer or the database is not up to this code: a health check can ask for it.
    """
    made = gather(sample)
    if output is Format.JSON:
        typer.echo(orjson.dumps(as_json(made), option=orjson.OPT_INDENT_2))
    else:
        show(made, Console())
    if made.faults:
        raise typer.Exit(1)


def show(made: Situation, console: Console) -> None:
    """Everything that is known, for people."""
    console.print(servers.table(made.servers.kafka, made.servers.postgres))
    if made.database is not None:
        console.print(made.database, highlight=False)
    for line in (*made.faults, *made.notes):
        console.print(line, style="yellow", markup=False, highlight=False)
    if made.overview is not None or made.ends is not None:
        console.print(_ingest(made))
    if made.lags:
        console.print(_partitions(made))
    if made.sizes is not None:
        console.print(_storage(made))
        console.print(_spans(made))


def _ingest(made: Situation) -> Table:
    table = Table("What", "How much", title="Ingest")
    facts, rates, ends = made.overview, made.rates, made.ends
    if facts is not None:
        table.add_row("last batch written", _moment(facts.written_at))
        table.add_row("newest frame", _moment(max(made.newest.values(), default=None)))
    if rates is not None:
        table.add_row(
            "written",
            f"{rates.frames:,.0f} frames/s, {rates.values:,.0f} values/s, "
            f"{rates.messages:,.1f} messages/s, over {rates.seconds:.1f} s",
        )
    if made.arriving is not None:
        table.add_row("arriving", f"{made.arriving:,.1f} messages/s")
    if made.lags:
        table.add_row("waiting in Kafka", f"{made.lag:,} messages{_drain(made)}")
    if ends is not None:
        hosts = ", ".join(sorted({member.host for member in ends.members}))
        count = f"{len(ends.members)} in group {made.group}"
        table.add_row("workers", f"{count} ({hosts})" if hosts else count)
        table.add_row("dead letters", f"{ends.letters:,} in {made.dead_topic}")
    if facts is not None:
        table.add_row("vehicles", f"{facts.vehicles:,}")
        table.add_row("trips", f"{facts.trips:,}")
        table.add_row("vehicle-days waiting for analysis", f"{facts.days_to_analyse:,}")
        table.add_row("vehicle-days waiting for rollups", f"{facts.days_to_roll_up:,}")
        for measure, key, number in counted(facts.counts.items()):
            table.add_row(f"{measure.replace('_', ' ')} {key}".strip(), f"{number:,}")
    return table


def counted(
    counts: Iterable[tuple[tuple[str, str], int]], shown: int = KEYS_SHOWN
) -> list[tuple[str, str, int]]:
    """Counts by measure and key; of a measure's many keys the first ones, then the sum of all."""
    by_measure: dict[str, list[tuple[str, int]]] = {}
    for (measure, key), count in counts:
        by_measure.setdefault(measure, []).append((key, count))
    found = []
    for measure, keys in by_measure.items():
        found += [(measure, key, count) for key, count in keys[:shown]]
        if len(keys) > shown:
            total = sum(count for _, count in keys)
            found.append((measure, f"in all, of {len(keys)} kinds", total))
    return found


def _drain(made: Situation) -> str:
    if not made.lag or made.rates is None:
        return ""
    if made.drain_s is None:
        return "; no fewer at these rates"
    return f"; none in {duration(made.drain_s)} at these rates"


def _partitions(made: Situation) -> Table:
    table = Table(title=f"Partitions of {made.topic}")
    for name in ("Partition", "Written up to", "Ends at", "Waiting"):
        table.add_column(name, justify="right")
    for each in made.lags:
        written = f"{each.written:,}" if each.written is not None else "nothing"
        table.add_row(str(each.partition), written, f"{each.end:,}", f"{each.lag:,}")
    return table


def _storage(made: Situation) -> Table:
    table = Table(title="Storage")
    table.add_column("Group")
    for name in ("Rows ≈", "Size", "Days", "Oldest day", "Columnstore", "Newest frame"):
        table.add_column(name, justify="right")
    if made.sizes is None:
        return table
    for each in made.sizes.tables:
        group = each.table.removeprefix("signal_")
        ratio = f", {each.bytes_before / each.bytes_after:.1f}:1" if each.bytes_after else ""
        newest = made.newest.get(group)
        table.add_row(
            group,
            f"{each.rows:,}",
            decimal(each.bytes),
            f"{each.parts:,}",
            str(each.oldest_day or ""),
            f"{each.compressed_parts} of {each.parts}{ratio}" if each.compressed_parts else "",
            f"{newest:%Y-%m-%d %H:%M:%S}" if newest else "",
        )
    rollups = made.sizes.rollup_bytes
    table.add_section()
    table.add_row(f"{len(rollups)} rollups", "", decimal(sum(rollups.values())))
    table.add_row("whole database", "", decimal(made.sizes.database_bytes))
    if made.disk_free_bytes is not None:
        table.add_row("free on its disk", "", decimal(made.disk_free_bytes))
    return table


def _spans(made: Situation) -> Table:
    """Settings beside what the database does."""
    settings = context.load(StorageSettings)
    table = Table("Kept", "Settings say", "The database does")
    is_rollup = (made.sizes.rollup_bytes if made.sizes else {}).__contains__
    compressing = [policy for policy in made.policies if policy.kind == COMPRESSION]
    dropping = [policy for policy in made.policies if policy.kind != COMPRESSION]
    of_rows = [policy for policy in dropping if not is_rollup(policy.relation)]
    of_rollups = [policy for policy in dropping if is_rollup(policy.relation)]
    plain = not made.policies
    for what, days, policies in (
        ("columnstore after", settings.compress_after_days, compressing),
        ("rows for", settings.retention_days, of_rows),
        ("rollups for", settings.rollup_retention_days, of_rollups),
    ):
        if not plain:
            does = done(policies)
        elif what == "columnstore after":
            does = "never: it has no TimescaleDB"
        else:
            does = "`telemetry analyse` drops what is older"
        table.add_row(what, f"{days} days", does)
    oldest = (datetime.now(tz=UTC) - timedelta(days=settings.retention_days)).date()
    late = [
        each.table
        for each in (made.sizes.tables if made.sizes else ())
        if each.oldest_day and each.oldest_day < oldest
    ]
    if late:
        table.caption = f"Older days wait to be dropped in {', '.join(late)}."
    return table


def done(policies: list[Policy]) -> str:
    """What the database does, and whether migrate has yet to bring it to the settings."""
    spans = sorted(
        {
            "no policy" if policy.found_days is None else f"{policy.found_days:g} days"
            for policy in policies
        }
    )
    waits = "" if all(policy.applied for policy in policies) else ": run `telemetry migrate`"
    return f"{' or '.join(spans)}{waits}"


def _moment(time: datetime | None) -> str:
    if time is None:
        return "none"
    past_s = (datetime.now(tz=UTC) - time).total_seconds()
    return f"{time:%Y-%m-%d %H:%M:%S} UTC, {duration(max(0.0, past_s))} ago"


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it: 45 s, 12 min, 5.0 h, 3.2 days."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} days"
