"""A progress bar for long work, on stderr so that output can be piped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def bar(title: str, *, total: float | None, unit: str) -> Iterator[Callable[..., None]]:
    """Show how far the work is; yields a function that is told how much is done, and of how much.

    Args:
        title: what is being done.
        total: how much there is; None where nobody knows.
        unit: what is counted.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.6g} " + unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    # In a log every change would be a line of its own.
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done, of=total: progress.update(task, completed=done, total=of)
