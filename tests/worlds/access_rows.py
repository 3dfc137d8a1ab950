"""The written table of who may ask what, read; and one call of it, asked."""

from __future__ import annotations

import io
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
from fastapi.routing import iter_route_contexts
from pyarrow import ipc, parquet
from starlette.routing import Mount

from tests.worlds.behaviour_world import SPAN

if TYPE_CHECKING:
    import httpx2
    from fastapi import FastAPI

    from tests.worlds.access_world import AccessWorld

FILE = Path(__file__).parents[1] / "access_table.toml"
TABLE: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
ANSWERS: dict[str, dict[str, list[Any]]] = TABLE["answers"]

SPAN_QUERY = "&".join(f"{name}={value}" for name, value in SPAN.items())

VOLATILE = frozenset({"date", "x-correlation-id", "x-rate-limit-remaining", "x-rate-limit-reset"})
"""Headers that tell of the request or the moment, and of nothing else."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An address, how it is asked, and the pattern of its answers."""

    call: str
    answers: str
    query: str = ""
    body: str = ""
    form: str = ""
    formats: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    stream: bool = False
    ended_grants: bool = False
    """Whether it tells of one's grants that have ended, by VINs that are foreign by now."""

    @property
    def method(self) -> str:
        """GET, say."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """The address with the names of its parameters."""
        return self.call.partition(" ")[2]

    @property
    def expected(self) -> dict[str, dict[str, int]]:
        """The status by who asks, and by object."""
        pattern = ANSWERS[self.answers]
        return {
            caller: dict(zip(pattern["objects"], statuses, strict=True))
            for caller, statuses in pattern.items()
            if caller != "objects"
        }


ROWS = [Row(**row) for row in TABLE["rows"]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """An answer, as far as it may be compared."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """All that it says, whatever its format."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/vnd.apache.arrow"):
            return str(ipc.open_stream(pa.py_buffer(self.content)).read_all().to_pylist())
        if kind.startswith("application/vnd.apache.parquet"):
            return str(parquet.read_table(io.BytesIO(self.content)).to_pylist())
        return self.content.decode() + str(self.headers)


def asked(world: AccessWorld, row: Row, caller: str, what: str, **more: str) -> Told:
    """The answer to a row's call; of a stream what comes up to its first event.

    Args:
        world: whose API is asked.
        row: the call.
        caller: who asks.
        what: about what: own, foreign, …
        more: headers, with _ for -, and `method` in place of the row's.
    """
    given = f"{row.path} {row.query} {row.body}"
    names = {
        name: quote(value) for name, value in world.names(what).items() if f"{{{name}}}" in given
    }
    query = row.query.replace("{span}", SPAN_QUERY)
    address = f"{row.path}?{query}" if query else row.path
    for name, value in names.items():
        address = address.replace(f"{{{name}}}", value)
    body = row.body or row.form or None
    for name, value in names.items():
        body = body and body.replace(f"{{{name}}}", value)
    method = more.pop("method", row.method)
    headers = {}
    if row.body:
        headers["Content-Type"] = "application/json"
    if row.form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers |= {**world.headers[caller], **row.headers}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    with world.client.stream(method, address, headers=headers, content=body) as answer:
        endless = row.stream and answer.status_code == 200
        content = _first_event(answer) if endless else answer.read()
        kept = {name: text for name, text in answer.headers.items() if name not in VOLATILE}
        if answer.status_code >= 300:  # that what was asked for is named again tells nothing
            for name, value in names.items():
                content = content.replace(value.encode(), f"{{{name}}}".encode())
                if "location" in kept:
                    kept["location"] = kept["location"].replace(value, f"{{{name}}}")
        return Told(status=answer.status_code, headers=kept, content=content)


def _first_event(answer: httpx2.Response) -> bytes:
    seen = []
    for line in answer.iter_lines():
        seen.append(line)
        if line.startswith("data: "):
            return "\n".join(seen).encode()
    raise AssertionError("the stream ended before its first event")


def addresses(app: FastAPI) -> set[str]:
    """Every call that the app takes, as rows name them; a folder of files ends with /."""
    found = set()
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            found.add(f"GET {route.path}/")
            continue
        # HEAD is asked along with GET.
        methods = (route.methods or set()) - {"HEAD"}
        found |= {f"{method} {route.path}" for method in methods}
    return found


def missing_rows(calls: set[str]) -> list[str]:
    """Lines that the table lacks, ready to be written into it."""
    named = {row.call for row in ROWS}
    return [
        f'    {{ call = "{call}", answers = "{_likely(call)}" }},'
        for call in sorted(calls)
        if call not in named
        and not (call.endswith("/") and any(name.startswith(call) for name in named))
    ]


def rows_of_nothing(calls: set[str]) -> list[str]:
    """Calls of the table that the app does not take."""
    folders = tuple(call for call in calls if call.endswith("/") and call.count("/") > 1)
    return [row.call for row in ROWS if row.call not in calls and not row.call.startswith(folders)]


def _likely(call: str) -> str:
    """The pattern of the answers of what looks like this call."""
    for name in ("vin", "driver_id", "fleet_id", "advice_id"):
        if f"{{{name}}}" in call:
            return {"vin": "vehicle", "driver_id": "driver", "fleet_id": "fleet"}.get(
                name, "advice"
            )
    return "…"
