"""`telemetry identity parties`: the companies and authorities that use the platform, of every kind.

Over HTTP the maker makes most of them known. Here are also those that nobody makes over HTTP:
makers, who see everything, and auditors, whom those they watch over must not choose.
"""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from api.registers.common import Text
from api.registers.parties import PartyKind
from cli import database
from schemas.errors import TelemetryError
from storage import parties

app = typer.Typer(
    help="The companies and authorities whom users, clients and keys belong to.",
    no_args_is_help=True,
)

_NAME: TypeAdapter[str] = TypeAdapter(Text)


@app.command(
    "create", epilog="Example: telemetry identity parties create 'Truck Maker' --kind maker"
)
def create_party(
    name: Annotated[str, typer.Argument(help="What it is called; no other has this name.")],
    kind: Annotated[PartyKind, typer.Option(help="What it is, for good.")],
) -> None:
    """Make a company or authority known; `telemetry identity users create` lets its people in."""
    try:
        name = _NAME.validate_python(name)
    except ValidationError as error:
        told = error.errors()[0]["msg"]
        raise TelemetryError(f"{name!r} is no name of a party: {told}.") from error
    with database.opened() as connection:
        parties.create(connection, name, kind)
    Console(soft_wrap=True).print(f"{name} is a party of kind {kind} now.", highlight=False)


@app.command("list", epilog="Example: telemetry identity parties list")
def list_parties() -> None:
    """Show the parties, and how many people of each may sign in."""
    table = Table("Party", "Kind", "Users", "Since (UTC)", box=None, pad_edge=False)
    with database.opened() as connection:
        for one in parties.every(connection):
            since = f"{one.created_at:%Y-%m-%d %H:%M}"
            table.add_row(one.name, one.kind, str(one.users), since)
    Console().print(table)
