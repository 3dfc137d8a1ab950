"""The cluster that does a command's work, told to whoever watches: who, and where it is seen."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from analytics.runner.spread import Workers, workers
from cli import context, logs
from cli.logs import LogSettings

logger = logging.getLogger(__name__)


@contextmanager
def cluster(scheduler: str | None, told: int = logging.INFO) -> Iterator[Workers | None]:
    """The workers of a scheduler; None: this process works.

    Args:
        scheduler: as `context.scheduler` gives it.
        told: at which level it is logged who they are, and where a browser sees them at work.

    Raises:
        SchedulerError: the scheduler does not answer, or has no workers.
    """
    if scheduler is None:
        yield None
        return
    logs.tell(__name__, context.load(LogSettings))
    with workers(scheduler) as who:
        # That a scheduler went away is said once, by our own error, and not by traces of Dask's.
        for library in ("distributed", "distributed.client"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        dashboard = f", seen at work at {who.dashboard}" if who.dashboard else ""
        logger.log(told, "the work goes to %s%s", who.where, dashboard)
        yield who
