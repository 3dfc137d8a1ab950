"""What is measured in a round, and what its figures are called."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.api_load import people
from benchmarks.api_load.processes import process
from benchmarks.api_load.questions import DAY_SIGNALS
from storage.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.api_load.fill import Fleet
    from benchmarks.api_load.processes import Process
    from storage.connection import Connection

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"

BARE_DAY = f"""
SELECT time, {DAY_SIGNALS} FROM signal_motion
WHERE vehicle_id = %s AND time >= %s::date AND time < %s::date + 1 ORDER BY time
"""

DAYS_A_ROUND = 40
"""Days of signals that are read in each way."""

BUSY_SECONDS = 1.5
TURNS = 7
"""How long states and fixed bytes are asked for at a time, and how often in each round."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is asked."""

    clients: int
    pause_s: float
    busy: int
    seconds: float
    uploads_per_s: int
    rounds: int


@dataclass(kw_only=True)
class Measured:
    """Figures by name, one a round; of the mix by kind of question, latencies in ms."""

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    kinds: dict[str, list[tuple[float, float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Requests a second, median and 99th percentile."""
    peak_mb: float = 0.0
    uploads_per_s: float = 0.0


def measure(fleet: Fleet, plan: Plan, told: Callable[[str], None]) -> Measured:
    """Start the processes and run the rounds."""
    measured = Measured()
    with ExitStack() as stack, connect(fleet.dsn) as connection:
        asking = people.clients(connection, fleet, plan.clients)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context((folder / "server.log").open("w+", encoding="utf-8"))
        dsn = fleet.dsn.get_secret_value()
        server = stack.enter_context(process("server", log))
        started = server.ask(
            {
                "dsn": dsn,
                "settings": {
                    "api_sign_in": "required",
                    "api_token_keys_file": str(folder / "keys.json"),
                },
            }
        )
        clients = stack.enter_context(process("clients"))
        clients.tell({"port": started["port"], "clients": [asdict(one) for one in asking]})
        writer = stack.enter_context(process("writer"))
        writer.tell({"dsn": dsn, "uploads_per_s": plan.uploads_per_s})
        writer.hear()
        maker = next(n for n, one in enumerate(asking) if len(one.vins) == fleet.vehicles)
        began = time.monotonic()
        for number in range(1, plan.rounds + 1):
            _Round(connection, fleet, clients, plan, measured, maker).run()
            shown = ", ".join(
                f"{name} {found[-1]:,.2f}" for name, found in measured.figures.items()
            )
            told(f"round {number}: {shown}")
        measured.peak_mb = server.peak_mb
        assert writer.running.stdin is not None
        writer.running.stdin.close()
        uploads = json.loads(writer.hear())["uploads"]
        measured.uploads_per_s = uploads / (time.monotonic() - began)
    return measured


class _Round:
    def __init__(
        self,
        connection: Connection,
        fleet: Fleet,
        clients: Process,
        plan: Plan,
        measured: Measured,
        maker: int,
    ) -> None:
        self._connection = connection
        self._fleet = fleet
        self._clients = clients
        self._plan = plan
        self._measured = measured
        self._maker = maker

    def run(self) -> None:
        self._states()
        self._days("day_by_minute", "NOT is_dense", JSON)
        self._days("day_at_1_hz", "is_dense", JSON)
        self._days("day_at_1_hz_arrow", "is_dense", ARROW)
        self._mix()

    def _ask(self, **task: Any) -> dict[str, Any]:
        return self._clients.ask(
            {
                "kind": None,
                "from": 0,
                "address": None,
                "headers": {},
                "vins": None,
                "follow": False,
                "pause_s": 0,
                "requests": None,
                **task,
            }
        )

    def _states(self) -> None:
        """States and fixed bytes in turn, for a moment each: what else goes on meets both alike."""
        length, _ = self._busy("/v1/vehicles/VIN/state")
        asked = {
            "state": "/v1/vehicles/VIN/state",
            "fixed": "/v1/vehicles/VIN/fixed",
            "as_long": f"/v1/vehicles/VIN/fixed-{length}",
        }
        rates: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(TURNS):
            for name, address in asked.items():
                rates[name].append(self._busy(address)[1])
        figures = self._measured.figures
        for name, found in rates.items():
            figures[f"{name}_per_s"].append(statistics.median(found))
        for name in ("fixed", "as_long"):
            ratios = [
                state / fixed for state, fixed in zip(rates["state"], rates[name], strict=True)
            ]
            figures[f"state_of_{name}"].append(statistics.median(ratios))

    def _busy(self, address: str) -> tuple[int, float]:
        """Some clients ask without pause: the length of a usual answer, and answers a second."""
        done = self._ask(
            kind="busy", address=address, clients=self._plan.busy, seconds=BUSY_SECONDS
        )
        good = [answer for answer in done["answers"] if answer[2] == 200]
        assert len(good) == len(done["answers"]), (
            f"{address}: { ({answer[2] for answer in done['answers']}) }"
        )
        return int(statistics.median(answer[3] for answer in good)), len(good) / done["seconds"]

    def _days(self, figure: str, which: str, accept: str) -> None:
        """Days of signals over HTTP and the same rows by bare SQL, in turn."""
        vehicles = self._connection.execute(
            f"SELECT vin, vehicle_id FROM load.vehicle WHERE {which} ORDER BY random() LIMIT %s",
            (DAYS_A_ROUND,),
        ).fetchall()
        day = self._fleet.last.isoformat()
        limit = "&limit=20000" if accept == JSON else ""
        over_http, by_sql = [], []
        for vin, number in vehicles:
            began = time.perf_counter()
            rows = self._connection.execute(BARE_DAY, (number, day, day)).fetchall()
            by_sql.append(time.perf_counter() - began)
            assert len(rows) > 100
            done = self._ask(
                kind=figure,
                address=f"/v1/vehicles/VIN/signals?names={DAY_SIGNALS}&start={day}T00:00:00Z"
                f"&end={day}T23:59:59Z{limit}",
                headers={"Accept": accept},
                vins=[vin],
                follow=True,
                clients=1,
                requests=1,
                **{"from": self._maker},
                seconds=60,
            )
            ((_, seconds, status, _),) = done["answers"]
            assert status == 200
            over_http.append(seconds)
        figures = self._measured.figures
        figures[f"{figure}_ms"].append(1000 * statistics.median(over_http))
        figures[f"{figure}_bare_ms"].append(1000 * statistics.median(by_sql))
        figures[f"{figure}_of_bare"].append(
            statistics.median(over_http) / statistics.median(by_sql)
        )

    def _mix(self) -> None:
        plan, figures = self._plan, self._measured.figures
        done = self._ask(clients=plan.clients, seconds=plan.seconds, pause_s=plan.pause_s)
        answers = done["answers"]
        by_kind: dict[str, list[float]] = defaultdict(list)
        for name, seconds, status, _ in answers:
            if status == 200:
                by_kind[name].append(seconds)
        good = sum(map(len, by_kind.values()))
        figures["mix_per_s"].append(good / done["seconds"])
        figures["mix_busy_percent"].append(
            100 * sum(answer[2] == 503 for answer in answers) / len(answers)
        )
        wrong = {(name, status) for name, _, status, _ in answers if status not in {200, 503}}
        assert not wrong, f"not answered: {wrong}"
        figures["mix_client_cpu_share"].append(done["cpu_s"] / done["seconds"])
        everything = [seconds for found in by_kind.values() for seconds in found]
        for name, found in {**by_kind, "all": everything}.items():
            self._measured.kinds[name].append((len(found) / done["seconds"], *_percentiles(found)))


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile [ms]."""
    ordered = sorted(seconds)
    return 1000 * statistics.median(ordered), 1000 * ordered[math.ceil(0.99 * len(ordered)) - 1]
