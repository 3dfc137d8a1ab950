"""History from Parquet files into the signal tables, past Kafka: read, judged, laid out, written.

One thread reads and judges, others write. Rows only fill gaps, as a dead letter that is replayed:
what is stored holds, so that the same files may be loaded again, whole or after a load was killed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

import psycopg

from ingest.clock import as_microseconds, as_time
from ingest.errors import HistoryError
from ingest.history_rows import Layout, judge
from ingest.history_threads import WritingThreads
from ingest.parquet import find_files, inspect, pieces
from ingest.vehicles import VehicleNumbers
from ingest.writing import one_line
from storage.batch import CountKey
from storage.connection import connect
from storage.frame_writer import raise_counts
from storage.history_writer import TOPIC, HistoryRows, commit_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pydantic import SecretStr

    from ingest.history_rows import DayRows, Judged
    from ingest.parquet import HistoryFile, Piece
    from ingest.settings import IngestSettings
    from schemas.catalogue import Catalogue
    from storage.connection import Connection
    from storage.settings import StorageSettings

JOBS = 2
"""Connections, unless told otherwise; docs/performance.md has what more of them bring."""

READER = -1
"""The partition under which rows read and refused are counted; a thread has its number."""


@dataclass(slots=True)
class Loaded:
    """What a load has done."""

    rows: int = 0
    """Rows of the files that were read."""
    values: int = 0
    """Values of them that were taken, also those that were stored already."""
    out_of_limits: int = 0
    """Values."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rows, by reason."""
    examples: dict[str, str] = field(default_factory=dict)
    """By reason, the first such row, for people."""
    new: int = 0
    """Rows of the tables; a row of a file is one in each group of which it has a value."""
    filled: int = 0
    """Rows that were there and got values."""
    repeated: int = 0
    """Rows that were there and said nothing new."""
    grown_bytes: int = 0
    """By how much the chunks grew, with indexes; 0 on plain PostgreSQL."""
    columnstore: bool = False
    """Whether all that was written lies in TimescaleDB's columnstore now."""
    seconds: float = 0.0


class HistoryLoader:
    """Loads files into a database.

    Args:
        settings: what becomes of unknown VINs, and how far ahead of our clock a row may lie.
        storage: retention and compression.
        dsn: the database.
        catalogue: the catalogue it was migrated to.
        jobs: connections that write.
        direct: whether rows may go straight into TimescaleDB's columnstore.
    """

    def __init__(
        self,
        settings: IngestSettings,
        storage: StorageSettings,
        *,
        dsn: SecretStr,
        catalogue: Catalogue,
        jobs: int = JOBS,
        direct: bool = True,
    ) -> None:
        self._settings, self._storage = settings, storage
        self._dsn, self._catalogue = dsn, catalogue
        self._jobs, self._direct = jobs, direct
        self._layout = Layout(catalogue)

    def inspect(self, paths: Sequence[Path], *, ignore_unknown: bool = False) -> list[HistoryFile]:
        """Judge all files by their columns, before anything is written.

        Raises:
            HistoryError: one cannot be loaded.
        """
        return [
            inspect(path, self._catalogue, ignore_unknown=ignore_unknown)
            for path in find_files(paths)
        ]

    def load(
        self, files: Sequence[HistoryFile], progress: Callable[[Loaded], None] = lambda _: None
    ) -> Loaded:
        """Load files one after the other.

        Args:
            files: as `inspect` gives them.
            progress: told what was read so far.

        Raises:
            HistoryError: a file is damaged, or the database went away. What was committed stays,
                and the same files loaded again go on from there.
            StorageError: the database refuses rows.
        """
        began, done = perf_counter(), Loaded()
        threads = WritingThreads(
            self._dsn, self._catalogue, self._storage, jobs=self._jobs, direct=self._direct
        )
        try:
            with connect(self._dsn) as connection, threads:
                commit_behind(connection)
                numbers = VehicleNumbers(lambda: connection, self._settings.unknown_vin)
                for file in files:
                    for piece in pieces(file):
                        self._hand_over(file, piece, numbers, threads, connection, done)
                        progress(done)
                tallies = threads.finish()
                for tally in tallies:
                    done.new += tally.new
                    done.filled += tally.filled
                    done.repeated += tally.repeated
                    done.grown_bytes += tally.grown_bytes
                done.columnstore = all(tally.columnstore for tally in tallies)
        except psycopg.OperationalError as error:
            raise HistoryError(
                f"The database went away: {one_line(error)}. What was committed stays: load the "
                "same files again, and only what is missing will be written."
            ) from error
        done.seconds = perf_counter() - began
        return done

    def _hand_over(
        self,
        file: HistoryFile,
        piece: Piece,
        numbers: VehicleNumbers,
        threads: WritingThreads,
        connection: Connection,
        done: Loaded,
    ) -> None:
        now = datetime.now(tz=UTC)
        numbers.look_up(vin.encode() for vin in piece.vins)
        judged = judge(
            piece,
            numbers.number,
            earliest_us=as_microseconds(now - timedelta(days=self._storage.retention_days)),
            latest_us=as_microseconds(now + timedelta(seconds=self._settings.future_tolerance_s)),
        )
        for part in self._layout.rows(piece, judged):
            done.values += part.values
            done.out_of_limits += sum(part.out_of_limits.values())
            threads.write(_as_history(part))
        _note_refusals(file, piece, judged, done)
        done.rows += len(piece)
        counts = Counter({_count("refused", reason): n for reason, n in judged.refused.items()})
        counts[_count("frames")] = len(judged.order)
        raise_counts(connection, +counts)


def _as_history(part: DayRows) -> HistoryRows:
    return HistoryRows(
        rows=part.rows,
        refused_values=part.refused_values,
        out_of_limits=part.out_of_limits,
        repeated=part.repeated,
        merged=part.merged,
    )


def _count(measure: str, key: str = "") -> CountKey:
    return CountKey(TOPIC, READER, measure, key)


def _note_refusals(file: HistoryFile, piece: Piece, judged: Judged, done: Loaded) -> None:
    done.refused += judged.refused
    for reason, place in judged.first_refused.items():
        vin_place = int(piece.vin_places[place])
        vin = piece.vins[vin_place] if vin_place >= 0 else "no VIN"
        when = f"{as_time(int(piece.times_us[place])):%Y-%m-%d %H:%M:%S} UTC"
        done.examples.setdefault(
            reason,
            f"{file.path}, row {piece.first_row + place:,}: {vin}, "
            f"{when if piece.timed[place] else 'no time'}",
        )
