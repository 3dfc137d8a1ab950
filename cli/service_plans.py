"""`telemetry service-plans`: when vehicles are to be serviced, and when they were."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli import context, moments
from cli.options import vehicle_class
from schemas import catalogue
from schemas.errors import TelemetryError
from storage import service
from storage.connection import connect
from storage.migrate import require_compatible
from storage.service import ServicePlan

app = typer.Typer(
    help="When vehicles are to be serviced, for those that do not say so themselves.",
    no_args_is_help=True,
    epilog="Example: telemetry service-plans set --class heavy_truck --every-km 60000",
)


@app.command("set", epilog="Example: telemetry service-plans set --class bus --every-days 180")
def set_plan(
    class_: Annotated[
        str,
        typer.Option(
            "--class",
            callback=vehicle_class,
            help="heavy_truck, medium_truck, light_truck, bus or car.",
        ),
    ] = "heavy_truck",
    model: Annotated[
        str | None,
        typer.Option(help="Of this model alone; otherwise of those without a plan of their own."),
    ] = None,
    every_km: Annotated[
        float | None, typer.Option(min=1, max=1e6, help="After so much driven [km].")
    ] = None,
    every_hours: Annotated[
        float | None, typer.Option(min=1, max=1e5, help="After so long with the engine on [h].")
    ] = None,
    every_days: Annotated[
        int | None, typer.Option(min=1, max=36_525, help="After so many days.")
    ] = None,
) -> None:
    """Say after how much of what vehicles are to be serviced, in place of what was said before."""
    if every_km is None and every_hours is None and every_days is None:
        raise TelemetryError("A plan needs --every-km, --every-hours or --every-days.")
    plan = ServicePlan(
        vehicle_class=class_,
        model=model,
        every_km=every_km,
        every_h=every_hours,
        every_days=every_days,
    )
    with connect(context.database_dsn()) as connection:
        require_compatible(connection, catalogue.default())
        service.put_plan(connection, plan)
    _say(f"The plan of {class_} {model or 'without one of their own'} is written down.")


@app.command("list", epilog="Example: telemetry service-plans list")
def list_plans() -> None:
    """Show the plans."""
    with connect(context.database_dsn()) as connection:
        require_compatible(connection, catalogue.default())
        found = service.plans(connection)
    table = Table("class", "model", "every km", "every h", "every days")
    for plan in found:
        intervals = (plan.every_km, plan.every_h, plan.every_days)
        table.add_row(
            plan.vehicle_class,
            plan.model or "all others",
            *("" if interval is None else f"{interval:,g}" for interval in intervals),
        )
    Console().print(table)


@app.command("done", epilog="Example: telemetry service-plans done LVBV3ABB5PE000001 2026-10-01")
def done(
    vin: Annotated[str, typer.Argument(help="The vehicle.")],
    on: Annotated[
        datetime, typer.Argument(parser=moments.day, metavar=moments.DAY, help="The day (UTC).")
    ],
    odometer: Annotated[
        float | None, typer.Option(min=0, help="What its odometer read then [km].")
    ] = None,
    engine_hours: Annotated[
        float | None, typer.Option(min=0, help="What its engine's hours read then [h].")
    ] = None,
) -> None:
    """Write down that a vehicle was serviced; said again of the same day it is corrected."""
    if on > datetime.now(tz=UTC):
        raise TelemetryError(f"{on:%Y-%m-%d} lies ahead of us: write down what was done.")
    for name, reading in (("odometer", odometer), ("engine_hours", engine_hours)):
        signal = catalogue.default().by_name[name]
        if reading is not None and not signal.minimum <= reading <= signal.maximum:
            most = f"{signal.maximum:,.0f} {signal.unit}"
            raise TelemetryError(f"{reading:,.0f} is no reading of {name}: it goes up to {most}.")
    with connect(context.database_dsn()) as connection:
        require_compatible(connection, catalogue.default())
        service.put_done(connection, vin, on, odometer_km=odometer, engine_h=engine_hours)
    _say(f"The service of {vin} on {on:%Y-%m-%d} is written down.")


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, highlight=False, markup=False)
