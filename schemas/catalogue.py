"""The signal catalogue: one CSV row a signal, from which everything about signals is derived.

Arrow and SQL types, the wire's column ids, validation limits and `docs/signals.md` all follow from
what `load` returns. A row stays for ever: its id is in stored messages and its name is a column of
a database somewhere.
"""

import csv
import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from schemas.errors import TelemetryError
from schemas.signal import COLUMNS, GROUP_NAMES, Kind, Origin, Signal, ValueType, parse

__all__ = [
    "COLUMNS",
    "GROUP_NAMES",
    "MAX_GROUP_WIDTH",
    "Catalogue",
    "CatalogueError",
    "Group",
    "Kind",
    "Origin",
    "Problem",
    "Signal",
    "ValueType",
    "default",
    "load",
]

MAX_GROUP_WIDTH = 100  # signals; a columnstore table's rows are refused past about 445 columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One fault of a catalogue file; `line` is where its row begins, the header's being 1."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class CatalogueError(TelemetryError):
    """A catalogue breaks its rules, or a signal is not in it.

    Attributes:
        problems: every fault found, in the order of the file; empty where a look-up failed.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Signals that lie in one table, ordered by id; `period_s` is the fastest one's."""

    name: str
    signals: tuple[Signal, ...]
    period_s: float


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Every signal, ordered by id; `version` is the newest `since`."""

    version: int
    signals: tuple[Signal, ...]

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """The groups that hold signals, by name, in the order of `GROUP_NAMES`."""
        groups = {}
        for name in GROUP_NAMES:
            signals = tuple(signal for signal in self.signals if signal.group == name)
            if signals:
                period_s = min(signal.period_s for signal in signals)
                groups[name] = Group(name=name, signals=signals, period_s=period_s)
        return MappingProxyType(groups)

    @cached_property
    def by_id(self) -> Mapping[int, Signal]:
        """Signals by id."""
        return MappingProxyType({signal.id: signal for signal in self.signals})

    @cached_property
    def by_name(self) -> Mapping[str, Signal]:
        """Signals by column name."""
        return MappingProxyType({signal.name: signal for signal in self.signals})

    @cached_property
    def by_path(self) -> Mapping[str, Signal]:
        """Signals by VSS path."""
        return MappingProxyType({signal.path: signal for signal in self.signals})

    def resolve(self, name_or_path: str) -> Signal:
        """Find a signal by its column name or its VSS path.

        Raises:
            CatalogueError: there is none; the message names the closest ones.
        """
        signal = self.by_name.get(name_or_path) or self.by_path.get(name_or_path)
        if signal is not None:
            return signal
        close = difflib.get_close_matches(name_or_path, [*self.by_name, *self.by_path], n=3)
        hint = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "`telemetry catalogue --search WORD` finds signals"
        )
        raise CatalogueError(
            f"no signal is called {name_or_path!r} in catalogue version {self.version}: {hint}"
        )


def load(path: Path) -> Catalogue:
    """Read a catalogue file: UTF-8 CSV with the header `COLUMNS`.

    Raises:
        CatalogueError: the file cannot be read, or breaks rules; every fault is listed with its
            line and reason.
    """

    def refusal(faults: Sequence[tuple[int, str]]) -> CatalogueError:
        problems = [Problem(file=str(path), line=line, reason=why) for line, why in sorted(faults)]
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(str(problem) for problem in problems)
        return CatalogueError(f"the catalogue has {count}; correct the file:\n{listed}", problems)

    try:
        # utf-8-sig: spreadsheets put a byte order mark before UTF-8.
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(_numbered(file))
    except OSError as error:
        raise CatalogueError(
            f"cannot read the catalogue {path}: {error.strerror}; name a CSV file that exists"
        ) from error
    except UnicodeDecodeError as error:
        raise refusal([(1, f"not UTF-8 text ({error.reason}): save the file as UTF-8")]) from error
    except _MalformedError as error:
        raise refusal([(error.line, f"malformed row: {error}")]) from error
    if not lines or tuple(lines[0][1]) != COLUMNS:
        raise refusal([(1, f"the header must be {','.join(COLUMNS)}")])

    faults: list[tuple[int, str]] = []
    signals: list[Signal] = []
    rows: list[tuple[int, Mapping[str, str]]] = []
    for line, cells in lines[1:]:
        if len(cells) != len(COLUMNS):
            faults.append((line, f"malformed row: {len(cells)} columns, not {len(COLUMNS)}"))
            continue
        row = dict(zip(COLUMNS, cells, strict=True))
        rows.append((line, row))
        signal, reasons = parse(row)
        faults += [(line, reason) for reason in reasons]
        if signal is not None:
            signals.append(signal)
    faults += _repeats(rows)
    faults += _too_wide(rows)
    if faults:
        raise refusal(faults)
    if not signals:
        raise refusal([(1, "no signals: add one row a signal below the header")])
    return Catalogue(
        version=max(signal.since for signal in signals),
        signals=tuple(sorted(signals, key=lambda signal: signal.id)),
    )


@cache
def default() -> Catalogue:
    """The catalogue that ships with the platform."""
    with resources.as_file(resources.files("schemas") / "catalogue.csv") as path:
        return load(path)


class _MalformedError(Exception):
    """The CSV reader gave up on the row that begins on `line`."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def _numbered(file: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line each row begins on and its cells, leaving blank lines out."""
    reader = csv.reader(file, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _MalformedError(line, str(error)) from error
        if cells:
            yield line, cells
        line = reader.line_num + 1


def _repeats(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, str]]:
    for column in ("id", "name", "path"):
        first: dict[str, int] = {}
        for line, row in rows:
            value = row[column]
            if value in first:
                yield line, f"{column} {value} is reused: line {first[value]} has it"
            else:
                first[value] = line


def _too_wide(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, str]]:
    width: Counter[str] = Counter()
    for line, row in rows:
        group = row["group"]
        width[group] += 1
        if width[group] == MAX_GROUP_WIDTH + 1:
            yield line, f"group {group} is too wide: at most {MAX_GROUP_WIDTH} signals a group"
