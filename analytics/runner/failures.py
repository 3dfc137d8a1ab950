"""What could not be worked up: said once, left as it was, and tried again when it changes."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.errors import TelemetryError
from storage.errors import lies_in_content

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

logger = logging.getLogger(__name__)


class Failures:
    """Work that failed, each with the change that was seen.

    It waits in the database as what changed does. Who keeps this object over several runs does not
    try the same change twice; a new process does, for it may be a newer version.
    """

    def __init__(self) -> None:
        self.count = 0
        """How much failed, over all runs."""
        self._left: set[Hashable] = set()

    def __contains__(self, work: Hashable) -> bool:
        """Whether this failed, and has not changed since."""
        return work in self._left

    @contextmanager
    def left_out(
        self, work: Iterable[Hashable], what: Callable[[], dict[str, str]]
    ) -> Iterator[None]:
        """Let what is done within the block fail for itself, if it is the data's fault.

        Args:
            work: what is being done.
            what: says for the log whose data it is, and of when.

        Raises:
            psycopg.Error, StorageError: the database is not there, or not as it must be: all that
                comes after would fail, too.
        """
        try:
            yield
        except Exception as error:
            if not lies_in_content(error):
                raise
            some = set(work)
            self.count += len(some)
            self._left |= some
            concerns = what()
            logger.error(  # noqa: TRY400 - what happened on purpose says all by its text
                "%s cannot be worked up and stays as it was until it changes, or this is started"
                " anew: %s: %s",
                ", ".join(f"{name} {text}" for name, text in concerns.items()),
                type(error).__name__,
                error,
                exc_info=not isinstance(error, TelemetryError),
                extra=concerns,
            )
