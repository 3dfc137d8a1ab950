"""Tables and letters against the ledger: every difference is a line, none is good."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.truth import LetterKey, serial_of
from tests.servers.ingest_fixture import header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.faults.grounds import Grounds
    from tests.faults.truth import Expected, Truth
    from tests.servers.ingest_fixture import Bench

EXAMPLES = 3
"""Differences of one kind that are written out; all are counted."""

DAY_US = 86_400_000_000

REPORT_INTERVAL_US = 60_000_000
"""What ingest's TIMER reports keep to by default."""


@dataclass
class Verdict:
    """What a run has come to."""

    differences: list[str]
    seen: dict[str, int]
    """What was compared, by name: a verdict on nothing is none."""


class Judge:
    """Compares; everything it reads comes directly from the servers.

    Args:
        grounds: both servers.
        truth: the ledger, after every topic was read back.
        benches: a bench a topic, to look into its tables and letters.
    """

    def __init__(self, grounds: Grounds, truth: Truth, benches: Iterable[Bench]) -> None:
        self._grounds, self._truth, self._benches = grounds, truth, list(benches)
        self._found: defaultdict[str, list[str]] = defaultdict(list)
        self._seen: Counter[str] = Counter()

    def judge(self) -> Verdict:
        """Compare all of it."""
        for serial in self._truth.lost_by_kafka():
            self._note("acknowledged by Kafka and not in its log", f"serial {serial}")
        self._seen["messages"] = sum(1 for _ in self._truth.placed())
        rows_sent: Counter[str] = Counter()
        rows_there: Counter[str] = Counter()
        values_sent: Counter[str] = Counter()
        out_of_limits: Counter[tuple[str, str]] = Counter()
        vins = []
        for vin, expected in self._truth.vehicles():
            vins.append(vin)
            rows_there += self._compare_rows(vin, expected)
            rows_sent += expected.rows_sent
            values_sent += expected.values_sent
            out_of_limits += expected.out_of_limits
            self._compare_state(vin, expected)
            self._compare_days(vin, expected)
            self._compare_events(vin, expected)
            self._compare_reports(vin, expected)
        self._compare_vehicles(vins)
        self._compare_counts(values_sent, out_of_limits)
        self._compare_repeats(rows_sent, rows_there)
        self._compare_letters()
        self._compare_offsets()
        return Verdict(differences=list(self._lines()), seen=dict(self._seen))

    def _lines(self) -> Iterator[str]:
        for kind, places in self._found.items():
            yield f"{kind}: {len(places)}, such as {'; '.join(places[:EXAMPLES])}"

    def _note(self, kind: str, place: str) -> None:
        self._found[kind].append(place)

    def _equal(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            self._note(what, f"expected {expected!r}, found {found!r}")

    def _compare_rows(self, vin: str, expected: Expected) -> Counter[str]:
        """Every value, once (its primary key sees to that), and no other; counts rows by group."""
        wanted = expected.ledger.values
        found = self._benches[0].rows(vin)
        group_of = {signal.name: signal.group for signal in self._truth.catalogue.signals}
        rows: Counter[str] = Counter()
        for key in wanted.keys() | found.keys():
            there, due = found.get(key, {}), wanted.get(key, {})
            self._seen["values"] += len(due)
            for name in due.keys() - there.keys():
                self._note("value lost", f"{key} {name}")
            for name in there.keys() - due.keys():
                self._note("value nobody sent", f"{key} {name}")
            for name in there.keys() & due.keys():
                if there[name] != due[name]:
                    self._note("wrong value", f"{key} {name} {there[name]} for {due[name]}")
            rows.update({group_of[name] for name in due})
        self._seen["rows"] += len(wanted)
        return rows

    def _compare_state(self, vin: str, expected: Expected) -> None:
        newest: dict[str, tuple[int, float]] = {}
        for (_, time_us), row in expected.ledger.values.items():
            for name, value in row.items():
                if name not in newest or newest[name][0] < time_us:
                    newest[name] = (time_us, value)
        found: dict[str, tuple[int, float]] = {}
        for group, times, values, latest in self._ask(
            "SELECT signal_group, array(SELECT CASE WHEN isfinite(t) THEN"
            " (extract(epoch FROM t) * 1000000)::bigint END FROM unnest(times) AS t), values,"
            " (extract(epoch FROM state.time) * 1000000)::bigint"
            " FROM telemetry.vehicle_state AS state JOIN telemetry.vehicle USING (vehicle_id)"
            " WHERE vin = %s",
            vin,
        ):
            signals = self._truth.catalogue.groups[group].signals
            for signal, time_us, value in zip(signals, times, values, strict=False):
                if time_us is not None:
                    found[signal.name] = (time_us, value)
            self._equal(f"time of state {group}", max(t for t in times if t is not None), latest)
        for name in newest.keys() | found.keys():
            if newest.get(name) != found.get(name):
                self._note(
                    "vehicle_state differs",
                    f"{vin} {name} is {found.get(name)} for {newest.get(name)}",
                )
        self._seen["latest values"] += len(newest)

    def _compare_days(self, vin: str, expected: Expected) -> None:
        wanted = {time_us // DAY_US for _, time_us in expected.ledger.values}
        found = {
            day
            for (day,) in self._ask(
                "SELECT day - date '1970-01-01' FROM telemetry.touched_day"
                " JOIN telemetry.vehicle USING (vehicle_id) WHERE vin = %s AND touched > 0",
                vin,
            )
        }
        self._seen["touched days"] += len(wanted)
        self._equal(f"touched days of {vin}", wanted, found)

    def _compare_events(self, vin: str, expected: Expected) -> None:
        for what, wanted, table, column in (
            ("triggers", expected.events, "vehicle_event", "trigger_type"),
            ("trouble codes", expected.codes, "trouble_code", "count"),
        ):
            rows = self._ask(
                f"SELECT (extract(epoch FROM time) * 1000000)::bigint, event.{column}"
                f" FROM telemetry.{table} AS event JOIN telemetry.vehicle USING (vehicle_id)"
                " WHERE vin = %s",
                vin,
            )
            self._equal(f"{what} of {vin}", dict(wanted), dict(rows))
            self._equal(f"how many {what} of {vin}", len(wanted), len(rows))
            self._seen[what] += len(wanted)

    def _compare_reports(self, vin: str, expected: Expected) -> None:
        """A report a trigger that was sent; in each interval with frames a TIMER report; published.

        A worker that begins anew may report an interval a second time: those are only counted.
        """
        rows = self._ask(
            "SELECT (extract(epoch FROM created_time) * 1000000)::bigint, trigger_type,"
            " received_time IS NULL FROM telemetry.vehicle_report"
            " JOIN telemetry.vehicle USING (vehicle_id) WHERE vin = %s AND NOT derived",
            vin,
        )
        times = {time_us for _, time_us in expected.ledger.values}
        timers = [time_us for time_us, kind, _ in rows if kind == "TIMER"]
        triggers = {time_us: kind for time_us, kind, _ in rows if kind != "TIMER"}
        self._equal(f"reports of triggers of {vin}", expected.events, triggers)
        for time_us in set(timers) - times:
            self._note("TIMER report of no frame", f"{vin} {time_us}")
        intervals = {time_us // REPORT_INTERVAL_US for time_us in times}
        reported = {time_us // REPORT_INTERVAL_US for time_us in timers}
        for interval in intervals - reported:
            self._note("interval without a report", f"{vin} {interval * REPORT_INTERVAL_US}")
        for time_us, kind, waits in rows:
            if waits:
                self._note("report not published", f"{vin} {time_us} {kind}")
        self._seen["reports"] += len(rows)
        self._seen["TIMER reports beyond one an interval"] += len(timers) - len(reported)

    def _compare_vehicles(self, vins: list[str]) -> None:
        found = {vin for (vin,) in self._ask("SELECT vin FROM telemetry.vehicle")}
        self._equal("registered vehicles", set(vins), found)

    def _compare_counts(
        self, values_sent: Counter[str], out_of_limits: Counter[tuple[str, str]]
    ) -> None:
        wanted = self._truth.counts() | {
            (topic, "values", ""): count for topic, count in values_sent.items()
        }
        wanted |= {
            (topic, "out_of_limits", name): count for (topic, name), count in out_of_limits.items()
        }
        found = {
            (topic, measure, key): int(count)
            for topic, measure, key, count in self._ask(
                "SELECT topic, measure, key, sum(count) FROM telemetry.ingest_count"
                " WHERE measure NOT IN ('repeated', 'merged', 'completed')"
                " GROUP BY topic, measure, key"
            )
        }
        for key in wanted.keys() | found.keys():
            self._equal(f"ingest_count {key}", wanted.get(key, 0), found.get(key, 0))
        kept = self._ask("SELECT count(*) FROM telemetry.refused_value")[0][0]
        self._equal("refused values kept", sum(out_of_limits.values()), kept)
        self._seen["counts"] = len(wanted)
        self._seen["values out of limits"] = sum(out_of_limits.values())

    def _compare_repeats(self, sent: Counter[str], there: Counter[str]) -> None:
        """What came and is no row of its own was counted once: repeated, merged or completed."""
        found = {
            group: int(count)
            for group, count in self._ask(
                "SELECT key, sum(count) FROM telemetry.ingest_count"
                " WHERE measure IN ('repeated', 'merged', 'completed') GROUP BY key"
            )
        }
        for group in sent.keys() | found.keys():
            again = sent[group] - there[group]
            self._equal(f"rows of {group} that came again", again, found.get(group, 0))
            self._seen["rows that came again"] += again

    def _compare_letters(self) -> None:
        letters = [letter for bench in self._benches for letter in bench.letters()]
        found: dict[LetterKey, Any] = {}
        for letter in letters:
            key = LetterKey(
                header(letter, "topic"),
                int(header(letter, "partition")),
                int(header(letter, "offset")),
                header(letter, "reason"),
                header(letter, "frames"),
                serial_of(letter),
            )
            found[key] = letter
        wanted = self._truth.letters()
        for key in wanted - found.keys():
            self._note("letter lost", str(key))
        for key in found.keys() - wanted:
            self._note("letter of nothing refused", str(key))
        for key in wanted & found.keys():
            if (found[key].value or b"") != self._truth.sent[key.serial].value:
                self._note("letter with other bytes", str(key))
        self._seen["letters"] = len(wanted)
        self._seen["letters written more than once"] = len(letters) - len(found)

    def _compare_offsets(self) -> None:
        """Each partition's moves form one chain from its beginning to its end, always forward."""
        moves: defaultdict[tuple[str, int], list[tuple[int | None, int]]] = defaultdict(list)
        for topic_id, partition, came_from, went_to in self._ask(
            "SELECT topic_id::text, partition, came_from, went_to FROM telemetry.offset_move"
            " ORDER BY move_id"
        ):
            moves[topic_id, partition].append((came_from, went_to))
        ends = {
            (str(log.topic_id), partition): len(serials)
            for log in self._truth.logs
            for partition, serials in log.partitions.items()
            if serials
        }
        self._equal("partitions with offsets", set(ends), set(moves))
        for place, chain in moves.items():
            stands: int | None = None
            for came_from, went_to in chain:
                if came_from != stands or went_to <= (stands or 0):
                    self._note("offset moved wrongly", f"{place} {stands} {came_from} {went_to}")
                stands = went_to
            self._equal(f"end of {place}", ends.get(place), stands)
        self._seen["moves of offsets"] = sum(map(len, moves.values()))

    @property
    def _ask(self) -> Callable[..., list[tuple[Any, ...]]]:
        return self._grounds.ask
