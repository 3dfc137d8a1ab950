"""`telemetry privacy`: what is held of a driver or a place: told, erased, looked for."""

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli import context, database, moments
from cli.privacy_readme import readme
from ingest.kafka.retention import Held, held
from ingest.settings import IngestSettings
from schemas import catalogue
from schemas.errors import TelemetryError
from storage import erasure, personal_export, personal_files, personal_search, registers
from storage.connection import Connection
from storage.errors import NotKnownError
from storage.settings import StorageSettings

app = typer.Typer(
    help="What is held of a driver, or of where a vehicle was: export, erase, search for it.",
    no_args_is_help=True,
    epilog="Example: telemetry privacy erase --driver CHN0000000000017",
)

LONGEST_NUMBER = 19
"""Digits; a longer one that is not said to be a number is a card."""

Driver = Annotated[
    str | None,
    typer.Option(help="Tachograph card, or the driver's number (card:… or number:… to be plain)."),
]
Before = Annotated[
    datetime | None,
    typer.Option(
        parser=moments.day_or_time,
        metavar=moments.TIME,
        help="Only what is older: a day, or a time (UTC, unless it has a zone). Default: now.",
    ),
]


def _say(text: str, style: str | None = None) -> None:
    Console(soft_wrap=True).print(text, style=style, highlight=False, markup=False)


def _vehicle(connection: Connection, vin: str) -> int:
    number = registers.find_vehicle(connection, vin)
    if number is None:
        raise NotKnownError(f"Vehicle {vin} is not registered.")
    return number


@app.command(epilog="Example: telemetry privacy export --driver CHN0000000000017 wang-wei/")
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.")],
    driver: Driver = None,
    vehicle_positions: Annotated[
        list[str] | None, typer.Option(help="VIN; give it again for further vehicles.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            parser=moments.day,
            metavar=moments.DAY,
            help="Positions from this day on (UTC).",
        ),
    ] = None,
    before: Before = None,
) -> None:
    """Write everything that is held of a driver, or where vehicles were, into readable files.

    CSV by table, a manifest with checksums, and a README in English and Chinese.
    """
    if (driver is None) == (not vehicle_positions):
        raise TelemetryError("Say of whom: either --driver, or --vehicle-positions.")
    signals, made = catalogue.default(), datetime.now(tz=UTC)
    with database.opened() as connection:
        if driver is not None:
            if since or before:
                raise TelemetryError("--from and --before go with --vehicle-positions.")
            person = _person(connection, driver)
            personal_export.prepare_folder(folder)
            files = personal_export.export_person(connection, signals, person, folder)
            whom = f"driver {driver}"
        else:
            vins = vehicle_positions or []
            for vin in vins:
                _vehicle(connection, vin)
            personal_export.prepare_folder(folder)
            files = personal_export.export_positions(
                connection, signals, vins, (since, before), folder
            )
            whom = f"positions of {', '.join(vins)}"
    about: dict[str, object] = {"of": whom, "made_at": made.isoformat(), "coordinates": "wgs-84"}
    personal_export.write_manifest(folder, about, files)
    text = readme(whom, f"{made:%Y-%m-%d %H:%M}", [(file.name, file.rows) for file in files])
    personal_export.write_text(folder / "README.md", text)
    _say(f"{sum(file.rows for file in files):,} rows in {len(files)} files in {folder}.")


@app.command(epilog="Example: telemetry privacy erase --driver CHN0000000000017 --yes")
def erase(
    driver: Driver = None,
    vehicle: Annotated[str | None, typer.Option(help="VIN: erase where it was.")] = None,
    before: Before = None,
    positions: Annotated[
        bool, typer.Option("--positions", help="Where the driver drove, too, or the vehicle was.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, it is only counted what there is.")
    ] = False,
    by: Annotated[
        str | None, typer.Option(help="Who does it, for the record. Default: this user.")
    ] = None,
) -> None:
    """Erase a driver, or where a vehicle was; without --yes, count what would go.

    One that is broken off is run again and goes on. Afterwards the whole database is searched for
    what should be gone; exit code 1 where anything is left, 2 where nobody is known by the name.
    """
    if (driver is None) == (vehicle is None):
        raise TelemetryError("Say of whom: either --driver, or --vehicle with --positions.")
    if vehicle is not None and not positions:
        raise TelemetryError(
            "Of a vehicle only where it was is personal: add --positions to erase that."
        )
    if driver is not None and before is not None:
        raise TelemetryError("A driver is erased as a whole: --before goes with --vehicle.")
    asked_by = by or getpass.getuser()
    with database.opened() as connection:
        if driver is not None:
            _erase_driver(connection, driver, asked_by, positions=positions, yes=yes)
        elif vehicle is not None:
            _erase_positions(connection, vehicle, before, asked_by, yes=yes)


def _person(connection: Connection, driver: str) -> erasure.Person:
    """Who is asked about.

    Raises:
        NotKnownError: nobody has or had the card and nothing names it: no proof is given of that.
    """
    person = erasure.find_person(connection, driver)
    if person.driver_id is not None:
        return person
    erased = erasure.was_erased(connection, person.card or "")
    if erased is not None:
        _say(f"The driver of this card was erased on {erased:%Y-%m-%d %H:%M} (UTC).")
    elif not erasure.count_person(connection, person):
        raise NotKnownError(
            f"Nobody is known by the card {person.card!r}, and nothing that is held names it: "
            "is it mistyped? Nothing was done."
        )
    return person


def _erase_driver(
    connection: Connection, driver: str, asked_by: str, *, positions: bool, yes: bool
) -> None:
    person = _person(connection, driver)
    if not yes:
        _dry_run(erasure.count_person(connection, person))
        return
    name = None if person.driver_id is None else registers.driver_name(connection, person.driver_id)
    counts = erasure.erase_person(
        connection, catalogue.default(), person, asked_by=asked_by, with_positions=positions
    )
    _print_counts("Erased", counts)
    texts = [text for text in (person.card, *person.subjects) if text]
    numbers = [] if person.driver_id is None else [person.driver_id]
    _tell(personal_search.search_person(connection, texts=texts, numbers=numbers), "table")
    if name:
        _say(
            "Other people may have the same name, and it is not looked for here: telemetry privacy "
            "search --text NAME does."
        )


def _erase_positions(
    connection: Connection, vin: str, before: datetime | None, asked_by: str, *, yes: bool
) -> None:
    number, signals = _vehicle(connection, vin), catalogue.default()
    if not yes:
        _dry_run(erasure.count_positions(connection, signals, number, before))
        return
    until = before or datetime.now(tz=UTC)
    counts = erasure.erase_positions(connection, signals, number, before=before, asked_by=asked_by)
    _print_counts("Erased", counts)
    _tell(personal_search.search_positions(connection, number, until), "table")


def _dry_run(counts: erasure.Counts) -> None:
    _print_counts("Would be erased", counts)
    _say("Nothing was changed: add --yes to do it.", style="yellow")


def _print_counts(title: str, counts: erasure.Counts) -> None:
    table = Table(title, "Rows", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, rows in sorted(counts.items()):
        table.add_row(name, f"{rows:,}")
    Console().print(table if counts else f"{title}: nothing is held.")


def _tell(searched: personal_search.Searched, what: str) -> None:
    """Say what a search found.

    Raises:
        typer.Exit: 1, it found something.
    """
    for each in searched.found:
        _say(f"{each.where}: {each.rows:,} rows", style="bold red")
    read = f"{searched.columns:,} columns of {searched.tables:,} {what}s were searched"
    _say(f"{read}: {f'found in {len(searched.found)}' if searched.found else 'nothing found'}.")
    if searched.found:
        raise typer.Exit(1)


@app.command(epilog="Example: telemetry privacy search --driver CHN0000000000017 --text 'Wang Wei'")
def search(
    driver: Annotated[
        list[str] | None, typer.Option(help="Card or number; give it again for both.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="Any text, such as a name.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="VIN: look for where it was.")] = None,
    before: Before = None,
    folder: Annotated[
        list[Path] | None, typer.Option(help="Look in these files instead: datasets, history.")
    ] = None,
) -> None:
    """Look for a driver, or a vehicle's positions, in every table and column there is.

    What there is, the database itself says. Exit code 1 where something is found.
    """
    if not (driver or text or vehicle):
        raise TelemetryError("Say what to look for: --driver, --text or --vehicle.")
    cards = [one.removeprefix("card:") for one in driver or () if not one.startswith("number:")]
    texts = [*cards, *(text or ())]
    if not all(one.strip() for one in texts):
        raise TelemetryError("An empty text is everywhere: say what to look for.")
    if folder:
        for each in folder:
            _tell(personal_files.search_folder(each, [*texts, *filter(None, [vehicle])]), "file")
        return
    numbers = [number for one in driver or () if (number := _number(one)) is not None]
    # A number is not looked for as a text: every 17 would be found.
    texts = [one for one in texts if not (one in cards and one.isdecimal() and len(one) < 10)]
    with database.opened() as connection:
        for card in cards:
            if card in texts and not _is_known(connection, card):
                _say(f"Nobody is or was known by the card {card!r}.", style="yellow")
        if vehicle is not None:
            until = before or datetime.now(tz=UTC)
            number = _vehicle(connection, vehicle)
            _tell(personal_search.search_positions(connection, number, until), "table")
        if texts or numbers:
            _tell(personal_search.search_person(connection, texts=texts, numbers=numbers), "table")


def _number(driver: str) -> int | None:
    """The number that a driver is named by; None: it is a card.

    Raises:
        TelemetryError: it is said to be a number and is none: nothing could be proved by it.
    """
    name = driver.removeprefix("number:")
    if name.isdecimal() and int(name) < 2**63:
        return int(name) if name != driver or len(name) < LONGEST_NUMBER else None
    if name != driver:
        raise TelemetryError(f"{name!r} is no driver's number.")
    return None


def _is_known(connection: Connection, card: str) -> bool:
    is_erased = erasure.was_erased(connection, card) is not None
    return is_erased or erasure.find_person(connection, f"card:{card}").driver_id is not None


@app.command(epilog="Example: telemetry privacy readmit CHN0000000000017")
def readmit(card: Annotated[str, typer.Argument(help="The card that was erased.")]) -> None:
    """Let an erased driver's card be registered again, for somebody who comes back.

    What was erased does not come back; what vehicles send from now on is held again.
    """
    with database.opened() as connection:
        if not erasure.readmit(connection, card):
            raise NotKnownError("That card was not erased.")
    _say("The card may be registered again.")


@app.command(epilog="Example: telemetry privacy status")
def status() -> None:
    """What Kafka, backups and the tables still hold and until when; and what was erased."""
    storage, now = context.load(StorageSettings), datetime.now(tz=UTC)
    table = Table("What", "Kept", "What is erased now is gone there by (UTC)", box=None)
    for topic in held(context.load(IngestSettings), context.kafka_bootstrap()):
        table.add_row(f"Kafka, {topic.topic}", *_held(topic, now))
    days = storage.backup_retention_days
    table.add_row(
        "backups of the database",
        "unknown: TELEMETRY_BACKUP_RETENTION_DAYS says it" if days is None else f"{days} days",
        "unknown" if days is None else f"{now + timedelta(days=days):%Y-%m-%d %H:%M}",
    )
    table.add_row("Parquet files, exports", "by whoever has them", "look: search --folder")
    table.add_row("raw rows", f"{storage.retention_days} days", "at once, by erase")
    table.add_row("rollups", f"{storage.rollup_retention_days} days", "at once, by erase")
    table.add_row("reports", f"{storage.report_retention_days} days", "at once, by erase")
    console = Console()
    console.print(table)
    with database.opened() as connection:
        done = erasure.erasures(connection)
    records = Table("Erasure", "Of", "By", "Began (UTC)", "Ended (UTC)", "Rows", box=None)
    for one in done:
        ended = "broken off" if one.ended_at is None else f"{one.ended_at:%Y-%m-%d %H:%M}"
        records.add_row(
            str(one.erasure_id),
            one.kind,
            one.asked_by,
            f"{one.began_at:%Y-%m-%d %H:%M}",
            ended,
            f"{sum(one.counts.values()):,}",
        )
    console.print(records if done else "Nothing was erased yet.")


def _held(topic: Held, now: datetime) -> tuple[str, str]:
    if not topic.exists:
        return "it is not there", "holds nothing"
    if not topic.is_deleted:
        return "for ever (cleanup.policy has no delete)", "never"
    if topic.retention is None:
        return "for ever (retention.ms)", "never"
    kept = f"{topic.retention / timedelta(days=1):.4g} days"
    if topic.at_most is None:
        return kept, "unknown: the broker does not tell segment.ms"
    longest = f"{kept}, by segment {topic.at_most / timedelta(days=1):.4g} days at most"
    return longest, f"{now + topic.at_most:%Y-%m-%d %H:%M}"
