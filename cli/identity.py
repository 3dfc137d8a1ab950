"""`telemetry identity`: who may ask: people, machines, keys, and what tokens are signed with.

Secrets are made here, printed once on standard output, and known to nobody afterwards; passwords
are asked for without showing them, or read from standard input, never from the command line, which
other users of the machine can see.
"""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.scopes import ROLE_SCOPES, Role, Scope
from api.settings import ApiSettings
from api.signing_in import credentials, tokens
from cli import context, database, moments, parties
from cli.options import MAX_NUMBER
from schemas.errors import TelemetryError
from storage import identity, registers
from storage.connection import Connection

app = typer.Typer(
    help="Who may ask: parties, people and machines; make and end them. Secrets are shown once.",
    no_args_is_help=True,
    epilog="Example: telemetry identity first-administrator --party 'Truck Maker' --name li.wei",
)
users = typer.Typer(help="People who sign in.", no_args_is_help=True)
clients = typer.Typer(
    help="Machines that get tokens by OAuth 2 client credentials.", no_args_is_help=True
)
keys = typer.Typer(help="API keys of machines.", no_args_is_help=True)
signing_keys = typer.Typer(help="What access tokens are signed with.", no_args_is_help=True)
app.add_typer(parties.app, name="parties")
app.add_typer(users, name="users")
app.add_typer(clients, name="clients")
app.add_typer(keys, name="keys")
app.add_typer(signing_keys, name="signing-keys")

Party = Annotated[str, typer.Option(help="Name of their party.")]
Name = Annotated[str, typer.Option(help="What they sign in by: lower case, without spaces.")]
Scopes = Annotated[
    str | None,
    typer.Option(help="What for, comma separated; all that its role may have, if left out."),
]
Days = Annotated[int, typer.Option(min=1, max=1096, help="How long it holds [days].")]
Overlap = Annotated[
    float, typer.Option(min=0, max=8760, help="How long the old one goes on [hours].")
]


def _say(text: str) -> None:
    """What is about a secret goes to standard error, so that the secret can be piped on alone."""
    Console(stderr=True, soft_wrap=True).print(text, highlight=False, markup=False)


def _give(secret: str) -> None:
    typer.echo(secret)


def _password() -> str:
    """A password, typed twice or a line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise TelemetryError(
            "No password was given: run this in a terminal, or send it on standard input."
        )
    return password


def _role(connection: Connection, role: Role | None, party_id: int) -> Role:
    """The role that is given, else what the party is."""
    if role is not None:
        return role
    kind = registers.party_kind(connection, party_id)
    return Role.DATA_SCIENTIST if kind == "data_science" else Role(kind)


def _scopes(text: str | None, role: Role) -> list[str]:
    most = ROLE_SCOPES[role]
    if text is None:
        return sorted(most)
    wanted = [scope.strip() for scope in text.split(",") if scope.strip()]
    for scope in wanted or [""]:
        if scope not in set(map(str, most)):
            known = "is no scope" if scope not in set(map(str, Scope)) else f"is not a {role}'s"
            raise TelemetryError(f"{scope!r} {known}: use {', '.join(sorted(most))}.")
    return sorted(set(wanted))


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def _when(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"


@app.command(
    "first-administrator",
    epilog="Example: telemetry identity first-administrator --party 'Truck Maker' --name li.wei",
)
def first_administrator(party: Party, name: Name) -> None:
    """Make the first administrator; there is none until then, and no default password.

    The password is asked for, or read from standard input. Refused where there is one already:
    `telemetry identity users create --role administrator` makes further ones.
    """
    with database.opened() as connection:
        if identity.has_administrator(connection):
            raise TelemetryError(
                "There is an administrator already: `telemetry identity users create --role "
                "administrator` makes another."
            )
        _create_user(connection, party, name, Role.ADMINISTRATOR, None)


@users.command("create", epilog="Example: telemetry identity users create --party North --name wu")
def create_user(
    party: Party,
    name: Name,
    role: Annotated[
        Role | None, typer.Option(help="What they are there; what the party is, if left out.")
    ] = None,
    driver_id: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_NUMBER, help="Who they are as a driver; for that role."),
    ] = None,
) -> None:
    """Let a person sign in; the password is asked for, or read from standard input."""
    with database.opened() as connection:
        _create_user(connection, party, name, role, driver_id)


def _create_user(
    connection: Connection, party: str, name: str, role: Role | None, driver_id: int | None
) -> None:
    party_id = registers.find_party(connection, party)
    role = _role(connection, role, party_id)
    if (role is Role.DRIVER) != (driver_id is not None):
        raise TelemetryError("--driver-id says who a driver is: give it with --role driver alone.")
    identity.create_account(
        connection,
        party_id=party_id,
        role=role,
        name=name.strip().lower(),
        password_hash=credentials.hash_password(_password()),
        driver_id=driver_id,
    )
    _say(f"{name} may sign in as {role} of {party}.")


@users.command("password", epilog="Example: telemetry identity users password wu")
def set_password(name: Annotated[str, typer.Argument(help="Whose.")]) -> None:
    """Change a password and sign its owner out everywhere."""
    with database.opened() as connection:
        identity.set_password(connection, name.lower(), credentials.hash_password(_password()))
    _say(f"{name} has a new password and is signed out everywhere.")


@users.command("revoke", epilog="Example: telemetry identity users revoke wu")
def revoke_user(name: Annotated[str, typer.Argument(help="Whose account.")]) -> None:
    """Let a person sign in no more, and sign them out everywhere."""
    with database.opened() as connection:
        identity.disable_account(connection, name.lower())
    _say(f"{name} is signed out, within 10 s also of what is running, and may not sign in.")


@users.command("list", epilog="Example: telemetry identity users list")
def list_users() -> None:
    """Show who may sign in."""
    table = _table("Name", "Party", "Role", "Driver", "Since (UTC)", "Revoked (UTC)")
    with database.opened() as connection:
        for one in identity.accounts(connection):
            driver = "" if one.driver_id is None else str(one.driver_id)
            table.add_row(
                one.name, one.party, one.role, driver, _when(one.created_at), _when(one.disabled_at)
            )
    Console().print(table)


@clients.command(
    "create", epilog="Example: telemetry identity clients create --party North --name planner"
)
def create_client(
    party: Party,
    name: Annotated[str, typer.Option(help="What it is, for people.")],
    scopes: Scopes = None,
) -> None:
    """Let a machine get tokens; prints its id and its secret, this once."""
    client_id, secret = credentials.new_client_id(), credentials.new_client_secret()
    with database.opened() as connection:
        party_id = registers.find_party(connection, party)
        role = _role(connection, None, party_id)
        identity.create_client(
            connection,
            client_id=client_id,
            secret_hash=credentials.hash_of(secret),
            party_id=party_id,
            role=role,
            name=name,
            scopes=_scopes(scopes, role),
        )
    _say(f"Client {client_id} of {party}. Its secret is shown this once:")
    _give(f"{client_id} {secret}")


@clients.command("rotate", epilog="Example: telemetry identity clients rotate vtc_... --overlap 24")
def rotate_client(
    client_id: Annotated[str, typer.Argument(help="Which.")], overlap: Overlap = 24.0
) -> None:
    """Give a client another secret; prints it, this once. The old one goes on for a while."""
    secret = credentials.new_client_secret()
    with database.opened() as connection:
        identity.rotate_client_secret(
            connection, client_id, credentials.hash_of(secret), timedelta(hours=overlap)
        )
    _say(f"Another secret of {client_id}, shown this once; those before go on for {overlap:g} h:")
    _give(f"{client_id} {secret}")


@clients.command("revoke", epilog="Example: telemetry identity clients revoke vtc_...")
def revoke_client(client_id: Annotated[str, typer.Argument(help="Which.")]) -> None:
    """Let a client get no tokens; those it has are refused within 10 s."""
    with database.opened() as connection:
        identity.disable_client(connection, client_id)
    _say(f"{client_id} is revoked.")


@clients.command("list", epilog="Example: telemetry identity clients list")
def list_clients() -> None:
    """Show the clients."""
    table = _table("Client", "Party", "Name", "Scopes", "Secrets", "Since (UTC)", "Revoked (UTC)")
    with database.opened() as connection:
        for one in identity.clients(connection):
            table.add_row(
                one.client_id,
                one.party,
                one.name,
                " ".join(one.scopes),
                str(one.secrets),
                _when(one.created_at),
                _when(one.disabled_at),
            )
    Console().print(table)


@keys.command("create", epilog="Example: telemetry identity keys create --party North --name depot")
def create_key(
    party: Party,
    name: Annotated[str, typer.Option(help="What uses it, for people.")],
    scopes: Scopes = None,
    days: Days = 90,
) -> None:
    """Make an API key; prints it, this once."""
    made = credentials.new_api_key()
    with database.opened() as connection:
        party_id = registers.find_party(connection, party)
        role = _role(connection, None, party_id)
        expires_at = identity.create_api_key(
            connection,
            key_hash=credentials.hash_of(made.key),
            prefix=made.prefix,
            party_id=party_id,
            role=role,
            name=name,
            scopes=_scopes(scopes, role),
            lifetime=timedelta(days=days),
        )
    _say(f"Key {made.prefix} of {party} until {_when(expires_at)} UTC, shown this once:")
    _give(made.key)


@keys.command("rotate", epilog="Example: telemetry identity keys rotate vtk_... --overlap 24")
def rotate_key(
    prefix: Annotated[str, typer.Argument(help="How the old one begins, as `list` shows it.")],
    overlap: Overlap = 24.0,
    days: Days = 90,
) -> None:
    """Make a key that opens what an old one does; prints it, this once. Both go on for a while."""
    made = credentials.new_api_key()
    with database.opened() as connection:
        expires_at = identity.rotate_api_key(
            connection,
            prefix,
            key_hash=credentials.hash_of(made.key),
            prefix=made.prefix,
            lifetime=timedelta(days=days),
            overlap=timedelta(hours=overlap),
        )
    _say(
        f"Key {made.prefix} until {_when(expires_at)} UTC in the place of {prefix}, which goes on "
        f"for {overlap:g} h at most; shown this once:"
    )
    _give(made.key)


@keys.command("revoke", epilog="Example: telemetry identity keys revoke vtk_...")
def revoke_key(prefix: Annotated[str, typer.Argument(help="How it begins.")]) -> None:
    """Let a key open nothing; felt within 10 s."""
    with database.opened() as connection:
        identity.revoke_api_key(connection, prefix)
    _say(f"{prefix} is revoked.")


@keys.command("list", epilog="Example: telemetry identity keys list")
def list_keys() -> None:
    """Show the keys by how they begin."""
    table = _table("Key", "Party", "Name", "Scopes", "Until (UTC)", "Revoked (UTC)")
    with database.opened() as connection:
        for one in identity.api_keys(connection):
            table.add_row(
                one.prefix,
                one.party,
                one.name,
                " ".join(one.scopes),
                _when(one.expires_at),
                _when(one.revoked_at),
            )
    Console().print(table)


@signing_keys.command("rotate", epilog="Example: telemetry identity signing-keys rotate")
def rotate_signing_key() -> None:
    """Let a new key sign access tokens from now on; what the one before has signed holds on.

    Whoever answers takes it at once. Wait longer than tokens hold before rotating again.
    """
    settings = context.load(ApiSettings)
    if settings.api_token_keys is not None:
        raise TelemetryError(
            "The keys are in TELEMETRY_API_TOKEN_KEYS: put a new one first in that set, and leave "
            "the one before in it."
        )
    file = settings.api_token_keys_file or context.signing_keys_file()
    _say(f"Key {tokens.rotate(file)} signs from now on ({file}).")


@app.command("forget", epilog="Example: telemetry identity forget --before 2025-11-01 --yes")
def forget(
    before: Annotated[
        datetime,
        typer.Option(parser=moments.day, metavar=moments.DAY, help="Older than this day (UTC)."),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, it is only counted what there is.")
    ] = False,
) -> None:
    """Take old entries out of the log of reads, and sign-ins that ended; run it daily with --yes.

    How long a log of who has read what must be kept, and may be, the law of the place says.
    """
    if before > datetime.now(tz=UTC):
        raise TelemetryError(f"{before:%Y-%m-%d} lies ahead of us: nothing was taken out.")
    with database.opened() as connection:
        reads, sign_ins = identity.forget_before(connection, before, only_count=not yes)
    found = f"{reads:,} entries of the log of reads and {sign_ins:,} sign-ins"
    if yes:
        _say(f"{found} are gone.")
    else:
        _say(f"{found} would go. Nothing was changed: add --yes to do it.")
