"""`telemetry register`: make vehicles known before they send."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.registers import vehicle_list
from cli import context, moments
from cli.options import lines_of, vehicle_class
from schemas import catalogue
from schemas.errors import TelemetryError
from schemas.vin import check_vin
from storage import registers
from storage.connection import connect
from storage.migrate import require_compatible


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("register", epilog="Example: telemetry register LVBV3ABB5PE000001 --model GTL")(
        register_vehicles
    )


def register_vehicles(
    vins: Annotated[list[str] | None, typer.Argument(help="VINs to register.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A text file with a VIN a line, besides those named.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model of all of them.")] = None,
    class_: Annotated[
        str | None,
        typer.Option(
            "--class",
            callback=vehicle_class,
            help="What all of them are judged as: heavy_truck (where nothing is said), "
            "medium_truck, light_truck, bus or car.",
        ),
    ] = None,
    fleet: Annotated[
        str | None, typer.Option(help="The fleet they join; it is made if need be.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.day,
            metavar=moments.DAY,
            help="Since when they are in the fleet (UTC), for history that is loaded; otherwise "
            "from now on.",
        ),
    ] = None,
    party: Annotated[str, typer.Option(help="Whose fleet it is.")] = registers.DEMO_PARTY,
    time_zone: Annotated[
        str, typer.Option(help="By which a fleet that is made now cuts its days and weeks.")
    ] = "Asia/Shanghai",
    csv: Annotated[
        Path | None,
        typer.Option(
            help="A list as CSV with the columns vin, model, plate, region and class, in place of "
            "all that is above."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Of a --csv: only tell what would be done.")
    ] = False,
    partial: Annotated[
        bool, typer.Option(help="Of a --csv: write the good lines although others are bad.")
    ] = False,
) -> None:
    """Register vehicles by VIN; one that is registered already stays as it is.

    A vehicle's class says which thresholds its driving is judged by and who its peers are; its
    fleet ranks its drivers. Needed where TELEMETRY_UNKNOWN_VIN=refuse lets only registered vehicles
    in. All VINs are checked before the first is registered; a check digit that does not fit is only
    told. Of a list every bad line is told, and nothing is written unless all are good; known
    vehicles get what their lines say.
    """
    if csv is not None:
        if vins or file or model or class_ or fleet or since:
            raise TelemetryError("A --csv says all of each vehicle: leave the other options out.")
        import_list(csv, dry_run=dry_run, partial=partial)
        return
    if dry_run or partial:
        raise TelemetryError("--dry-run and --partial are for a list: name it by --csv.")
    wanted = list(vins or ())
    if file is not None:
        wanted += lines_of(file)
    wanted = list(dict.fromkeys(vin for vin in wanted if vin))
    if not wanted:
        raise TelemetryError("No VIN was given: name some, or a --file with a VIN a line.")
    for vin in wanted:
        check_vin(vin)
    if fleet is not None and not fleet.strip():
        raise TelemetryError("A fleet needs a name: --fleet North, say.")
    if since is not None and fleet is None:
        raise TelemetryError("--since says since when vehicles are in a fleet: name it by --fleet.")
    console = Console()
    with connect(context.database_dsn()) as connection:
        require_compatible(connection, catalogue.default())
        vehicles = [registers.register_vehicle(connection, vin, model=model) for vin in wanted]
        if class_ is not None:
            for vin in wanted:
                registers.set_vehicle_class(connection, vin, class_)
        if fleet is not None:
            party_id = registers.find_party(connection, party)
            number = registers.ensure_fleet(
                connection, party_id=party_id, name=fleet.strip(), time_zone=time_zone
            )
            for vin in wanted:
                registers.add_to_fleet(
                    connection,
                    fleet_id=number,
                    vin=vin,
                    member=(since, None),
                )
    for vehicle in vehicles:
        if not vehicle.check_digit_ok:
            console.print(f"{vehicle.vin}: its check digit does not fit (registered all the same)")
    console.print(f"{len(vehicles):,} vehicles are registered.", highlight=False)


def import_list(path: Path, *, dry_run: bool, partial: bool) -> None:
    """Take a list of vehicles, by the rules and in the words of the API.

    Raises:
        TelemetryError: the file cannot be read, or has bad lines.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise TelemetryError(f"{path} cannot be read: {error.strerror}.") from error
    console = Console(soft_wrap=True)
    good = bad = 0
    with file:
        for line in vehicle_list.read(file):
            if isinstance(line, vehicle_list.GoodLine):
                good += 1
                continue
            bad += 1
            for fault in line:
                cell = f"{fault.column or 'line'} {fault.value!r}" if fault.value else fault.column
                told = f"line {fault.line}, {cell or 'all of it'}: {fault.reason} {fault.way_out}"
                console.print(told, highlight=False, markup=False)
        is_refused = bad > 0 and not partial and not dry_run
        file.seek(0)
        done = {"new": 0, "changed": 0, "as they were": 0}
        with connect(context.database_dsn()) as connection:
            require_compatible(connection, catalogue.default())
            with connection.transaction():
                for piece in vehicle_list.pieces(file):
                    counts = registers.import_vehicles(
                        connection, piece, writes=not (dry_run or is_refused)
                    )
                    for name, count in zip(done, counts, strict=True):
                        done[name] += count
    told = ", ".join(f"{count:,} {name}" for name, count in done.items())
    if is_refused:
        raise TelemetryError(
            f"{bad:,} of {good + bad:,} lines cannot be taken: nothing was written. Correct them, "
            f"or add --partial. The others are: {told}."
        )
    would = " (a dry run: nothing was written)" if dry_run else ""
    console.print(f"{good:,} vehicles: {told}{would}; {bad:,} bad lines.", highlight=False)
