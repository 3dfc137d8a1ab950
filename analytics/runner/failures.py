"""What could not be worked up: said once, left as it was, and tried again when it changes."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import TelemetryError
from storage.errors import lies_in_content

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Something that failed, as one worker tells it to whoever gave the work out."""

    work: frozenset[Hashable]
    concerns: dict[str, str]
    """Whose data it is, and of when."""
    reason: str


class Failures:
    """Work that failed, each with the change that was seen.

    It waits in the database as what changed does. Who keeps this object over several runs does not
    try the same change twice; a new process does, for it may be a newer version.
    """

    def __init__(self, left: Iterable[Hashable] = ()) -> None:
        self.count = 0
        """How much failed, over all runs."""
        self.noted: list[Failed] = []
        """What failed, in the order in which it did."""
        self._left: set[Hashable] = set(left)

    def __contains__(self, work: Hashable) -> bool:
        """Whether this failed, and has not changed since."""
        return work in self._left

    def __iter__(self) -> Iterator[Hashable]:
        """All that failed."""
        return iter(self._left)

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
            failed = Failed(
                work=frozenset(work), concerns=what(), reason=f"{type(error).__name__}: {error}"
            )
            # What happened on purpose says all by its text.
            self.note(failed, trace=not isinstance(error, TelemetryError))

    def note(self, failed: Failed, *, trace: bool = False) -> None:
        """Log what failed and leave it out from now on; where it was raised, with its trace."""
        self.count += len(failed.work)
        self.noted.append(failed)
        self._left |= failed.work
        logger.error(
            "%s cannot be worked up and stays as it was until it changes, or this is started"
            " anew: %s",
            ", ".join(f"{name} {text}" for name, text in failed.concerns.items()),
            failed.reason,
            exc_info=trace,
            extra=failed.concerns,
        )
