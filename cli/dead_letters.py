"""`telemetry dead-letters`: what was refused: look at it, send it again, delete it."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import numpy as np
import typer

from cli import context, moments
from ingest import dead_letters
from ingest.clock import as_time
from ingest.dead_letters import Letter, Wanted, letter_of, letters
from ingest.kafka import Publisher, TopicLog
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.catalogue import Catalogue
from schemas.wire import Block, DecodeError, Message, decode

DUMPED_BYTES = 256
"""Bytes that are shown of what cannot be decoded."""

DUMP_WIDTH = 16
"""Bytes on a line."""

ROW = "{:<12} {:<23} {:<20} {:<17} {:>9}  {:<28} {}"
"""Wide enough for the usual; what is longer shifts the rest of its line."""

app = typer.Typer(
    help="What ingest could not store, with the reason: list, show, replay, drop.",
    no_args_is_help=True,
    epilog="Example: telemetry dead-letters list --reason unknown_vehicle",
)


class Format(StrEnum):
    """How letters are listed."""

    TABLE = "table"
    JSON = "json"


Reason = Annotated[
    str | None, typer.Option(help="Only this reason, such as unknown_vehicle or too_old.")
]
Vin = Annotated[str | None, typer.Option(help="Only of this vehicle.")]
From = Annotated[
    datetime | None,
    typer.Option(
        "--from",
        parser=moments.time,
        metavar=moments.TIME,
        help="Only those buried at that time or later (2026-11-01T08:00:00+08:00).",
    ),
]
To = Annotated[
    datetime | None,
    typer.Option(
        "--to",
        parser=moments.time,
        metavar=moments.TIME,
        help="Only those buried before that time.",
    ),
]


@app.command(
    "list",
    epilog="Example: telemetry dead-letters list --reason unknown_signal --format json",
)
def list_letters(
    reason: Reason = None,
    vin: Vin = None,
    buried_from: From = None,
    buried_to: To = None,
    output: Annotated[
        Format, typer.Option("--format", help="JSON's counts go to standard error.")
    ] = Format.TABLE,
) -> None:
    """List dead letters, each once, and how many there are of each reason.

    PLACE is the letter's own, for `show`. FROM is where the message was refused first:
    topic/partition/offset; a letter stays in the list when its message has been replayed.
    """
    wanted = Wanted(reason=reason, vin=vin, buried_from=buried_from, buried_to=buried_to)
    counts: Counter[str] = Counter()
    with _log() as log:
        found = _counted(letters(log.entries(), wanted), counts)
        if output is Format.TABLE:
            _print_table(found)
        else:
            _print_json(found)
    for name, count in counts.most_common():
        typer.echo(f"{count:>9,} {name}", err=output is Format.JSON)
    typer.echo(f"{counts.total():>9,} letters", err=output is Format.JSON)


@app.command(epilog="Example: telemetry dead-letters show 0/17")
def show(
    place: Annotated[str, typer.Argument(help="partition/offset, as `list` shows it.")],
) -> None:
    """Show one letter whole: why it was refused, its headers, and what the message says.

    A message that cannot be decoded is shown as a dump of its first bytes.
    """
    partition, _, offset = place.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise typer.BadParameter(f"{place!r} is no place: write partition/offset, such as 0/17")
    with _log() as log:
        letter = letter_of(log.entry(int(partition), int(offset)))
    for name, text in _fields(letter).items():
        typer.echo(f"{name:<14} {_printable(str(text))}")
    typer.echo(f"{'key':<14} {letter.key!r}")
    for header, value in letter.headers:
        typer.echo(f"{'header':<14} {header!r}: {value!r}")
    typer.echo()
    signals = catalogue.default()
    try:
        message = decode(letter.content_type, letter.value or b"", signals)
    except DecodeError as error:
        typer.echo(f"not decoded: {_printable(str(error))}")
        _print_dump(letter.value or b"")
    else:
        _print_message(message, signals)


@app.command(epilog="Example: telemetry dead-letters replay --reason unknown_vehicle --dry-run")
def replay(
    reason: Reason = None,
    vin: Vin = None,
    buried_from: From = None,
    buried_to: To = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many would be sent.")
    ] = False,
) -> None:
    """Send the messages of letters again, as they came, to the topic they came from.

    A replayed message only fills gaps: a value that is stored stays as it is, and replaying twice
    changes nothing. What is refused again becomes a letter again.
    """
    settings, bootstrap = context.load(IngestSettings), context.kafka_bootstrap()
    wanted = Wanted(reason=reason, vin=vin, buried_from=buried_from, buried_to=buried_to)
    with TopicLog(settings.dead_topic, settings, bootstrap) as log:
        found = letters(log.entries(), wanted)
        if dry_run:
            typer.echo(
                f"Messages that would be sent to {settings.topic}: {sum(1 for _ in found):,}"
            )
            return
        publisher = Publisher(settings, bootstrap)
        try:
            sent = dead_letters.replay(found, publisher)
        finally:
            publisher.close()
    typer.echo(f"Messages sent to {settings.topic}: {sent:,}")


@app.command(epilog="Example: telemetry dead-letters drop --before 2026-11-01T00:00:00Z")
def drop(
    before: Annotated[
        datetime,
        typer.Option(
            parser=moments.time,
            metavar=moments.TIME,
            help="Delete all that were buried before this.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete all letters buried before a time, whatever their reason and vehicle.

    Kafka deletes only from the beginning of a topic: single letters cannot be taken out. A letter
    buried by a worker whose clock was behind may stay until a later drop.
    """
    settings = context.load(IngestSettings)
    with _log() as log:
        spans = log.before(before)
        count = sum(span.end - span.first for span in spans.values())
        what = f"{count:,} records of {settings.dead_topic}, written before {before.isoformat()}"
        if not count:
            typer.echo(f"Nothing to delete: {what}.")
            return
        if not yes:
            typer.confirm(f"Delete {what}? They cannot be had back.", abort=True)
        log.delete(spans)
    typer.echo(f"Deleted: {what}.")


def _log() -> TopicLog:
    settings = context.load(IngestSettings)
    return TopicLog(settings.dead_topic, settings, context.kafka_bootstrap())


def _counted(found: Iterator[Letter], counts: Counter[str]) -> Iterator[Letter]:
    for letter in found:
        counts[letter.reason] += 1
        yield letter


def _fields(letter: Letter) -> dict[str, str | int | None]:
    """What a letter says, without its bytes."""
    return {
        "place": f"{letter.place.partition}/{letter.place.offset}",
        "buried": letter.buried.isoformat(timespec="milliseconds"),
        "reason": letter.reason,
        "detail": letter.detail,
        "vin": letter.vin,
        "source": str(letter.source),
        "origin": str(letter.origin),
        "frames": letter.frames,
        "content_type": letter.content_type,
        "size": letter.size,
    }


def _print_table(found: Iterator[Letter]) -> None:
    """A line a letter, as they are read: nothing is held, however many there are."""
    typer.echo(ROW.format("PLACE", "BURIED (UTC)", "REASON", "VIN", "BYTES", "FROM", "DETAIL"))
    for letter in found:
        line = ROW.format(
            f"{letter.place.partition}/{letter.place.offset}",
            f"{letter.buried:%Y-%m-%d %H:%M:%S}",
            letter.reason,
            letter.vin or "",
            letter.size,
            str(letter.origin),
            letter.detail,
        )
        typer.echo(_printable(line).rstrip())


def _print_json(found: Iterator[Letter]) -> None:
    """One array, written as the letters are read."""
    before = "[\n"
    for letter in found:
        typer.echo(before + json.dumps(_fields(letter), ensure_ascii=False), nl=False)
        before = ",\n"
    typer.echo("[]" if before == "[\n" else "\n]")


def _print_message(message: Message, signals: Catalogue) -> None:
    typer.echo(f"vehicle {message.vin}, catalogue version {message.catalogue_version}")
    if message.unknown_signals:
        typer.echo(f"not in this catalogue: {_printable(', '.join(message.unknown_signals))}")
    for block in message.blocks:
        for line in _rows(block, signals):
            typer.echo(line)
    for event in message.events:
        typer.echo(_printable(f"{_moment(event.time_us)} {event}"))


def _rows(block: Block, signals: Catalogue) -> Iterator[str]:
    """A line a row: its time and its present values; what the catalogue lacks goes by its id."""
    ids = [*block.signal_ids.tolist(), *block.wide_signal_ids.tolist()]
    known = signals.by_id
    names = [known[number].name if number in known else f"#{number}" for number in ids]
    for row, time_us in enumerate(block.times_us.tolist()):
        values = np.concatenate([block.values[row], block.wide_values[row]])
        present = (
            f"{name}={value:.10g}"
            for name, value in zip(names, values.tolist(), strict=True)
            if not np.isnan(value)
        )
        yield " ".join((_moment(time_us), *present))


def _moment(time_us: int) -> str:
    """A time as people read it, or its number where no calendar has it."""
    try:
        return as_time(time_us).isoformat()
    except OverflowError:
        return f"{time_us} µs"


def _print_dump(payload: bytes) -> None:
    """The first bytes in hexadecimal, and as ASCII where they are."""
    lines = range(0, min(len(payload), DUMPED_BYTES), DUMP_WIDTH)
    for start in lines:
        part = payload[start : start + DUMP_WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        typer.echo(f"{start:08x}  {part.hex(' '):<{3 * DUMP_WIDTH}} {text}")
    if len(payload) > DUMPED_BYTES:
        typer.echo(f"... and {len(payload) - DUMPED_BYTES:,} bytes more")


def _printable(text: str) -> str:
    """Text of a stranger without what would command the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
