"""`telemetry up` and `telemetry down`, and the servers' part of `telemetry status`."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli import context
from servers import launcher
from servers.server import TITLES, Progress, ServerStatus, State
from servers.settings import ServersSettings

_STYLES = {
    State.RUNNING: "green",
    State.STOPPED: "dim",
    State.DEAD: "bold red",
    State.UNREACHABLE: "bold red",
}


def register(app: typer.Typer) -> None:
    """Add the two commands to the command line."""
    app.command(epilog="Example: TELEMETRY_KAFKA_PORT=9092 telemetry up")(up)
    app.command(epilog="Example: TELEMETRY_HOME=/var/lib/telemetry telemetry down")(down)


def up() -> None:
    """Start Kafka and PostgreSQL on this machine, those that settings do not name.

    They keep running after this command, until `telemetry down`; everything they own lies in
    TELEMETRY_HOME (default: .telemetry here). The first time gets Kafka from Maven Central (45 MB).
    TELEMETRY_KAFKA_BOOTSTRAP and TELEMETRY_DATABASE_DSN name servers that run already: nothing is
    started for these. TELEMETRY_PG_BIN names PostgreSQL binaries, such as ones with TimescaleDB.
    """
    console = Console()
    if not start(console):
        console.print("Nothing to start: all of it runs already.")
    else:
        home = context.load(ServersSettings).home
        console.print(
            f"Data, logs and passwords are in {home}. Stop: telemetry down", highlight=False
        )


def start(console: Console) -> tuple[str, ...]:
    """Start the servers, show how and what they are; returns the names of those started."""
    with _shown(console) as progress:
        running = launcher.up(context.load(ServersSettings), progress)
    console.print(table(running.kafka, running.postgres))
    return running.started


def down() -> None:
    """Stop exactly the servers that `telemetry up` started in TELEMETRY_HOME; data stays."""
    console = Console()
    wanted = context.load(ServersSettings)
    with _shown(console) as progress:
        stopped = launcher.down(wanted, progress)
    if stopped:
        console.print(f"Stopped {' and '.join(TITLES[name] for name in stopped)}.")
    else:
        console.print(
            f"Nothing runs that `telemetry up` started in {wanted.home}.", highlight=False
        )


def table(*servers: ServerStatus) -> Table:
    """Servers as people read them."""
    rows = Table("Server", "State", "Address", "Version", "Process", title="Servers")
    rows.add_column("Log", overflow="fold")
    for server in servers:
        state = "external, " + server.state if server.external else server.state.value
        rows.add_row(
            TITLES[server.name],
            Text(state, style=_STYLES[server.state]),
            server.address or "",
            server.version or "",
            str(server.pid or ""),
            str(server.log or ""),
        )
    details = [f"{TITLES[each.name]}: {each.detail}" for each in servers if each.detail]
    if details:
        rows.caption = Text("\n".join(details), style="yellow", justify="left")
    return rows


@contextmanager
def _shown(console: Console) -> Iterator[Progress]:
    """A line a server that changes in place; in a file or a pipe, a line for each change."""
    if not console.is_terminal:

        def line(server: str, doing: str, /) -> None:
            console.print(
                f"{TITLES[server]}: {doing}", markup=False, highlight=False, soft_wrap=True
            )

        yield line
        return
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.fields[title]}"),
        TextColumn("{task.description}", style="dim", markup=False),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def change(server: str, doing: str, /) -> None:
            if server not in tasks:
                tasks[server] = bars.add_task(doing, title=TITLES[server], total=None)
            bars.update(tasks[server], description=doing)

        yield change
