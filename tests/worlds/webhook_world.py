"""Parties with webhooks, receivers that really listen, and senders that run when a test says so."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from cryptography.fernet import Fernet

from api.settings import ApiSettings
from api.webhooks.addresses import look_up
from api.webhooks.sender import Sender
from storage.registers import (
    add_to_fleet,
    employ_driver,
    ensure_fleet,
    ensure_party,
    grant_access,
    register_vehicle,
)
from tests.asking.api_fixture import served_as
from tests.asking.patience import PATIENCE_S
from tests.worlds.served_fuel_world import insert

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    import httpx2

    from api.webhooks.metrics import Metrics
    from tests.servers.database_fixture import Migrated

A, B, FOREIGN = "LSGAA11112A000001", "LSGAA11112A000002", "LSGAA11112A000003"
KEYS = Fernet.generate_key().decode()
NOW = datetime.now(tz=UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=400)
EVERYTHING = ["driving_event.*", "tank_event.*", "trouble_code.*", "advice.*"]
LOCAL = {"webhook_keys": KEYS, "webhook_private_networks": "127.0.0.0/8"}
PARTIES = {
    "Owner": "owner",
    "Workshop": "service_provider",
    "Stranger": "owner",
    "Maker": "maker",
}


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.message["data"]
        return found


class Receiver:
    """Listens on this machine, and answers as `answers` says, else with 204.

    An answer is a status, a status with headers, or something to wait for before a 204.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        receiver = self
        self.got: list[Posted] = []
        self.answers: list[int | tuple[int, dict[str, str]] | threading.Event] = []
        self.arrived = threading.Semaphore(0)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Posted(path=self.path, headers=headers, body=body))
                answer = receiver.answers.pop(0) if receiver.answers else 204
                receiver.arrived.release()
                if isinstance(answer, threading.Event):
                    answer.wait(PATIENCE_S)
                    answer = 204
                status, more = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # whoever hung up is a test's doing

        self._server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]

    @property
    def types(self) -> list[str]:
        return [one.message["type"] for one in self.got]


@dataclass(frozen=True, kw_only=True)
class World:
    """What there is."""

    database: Migrated
    clients: dict[str, httpx2.Client]
    parties: dict[str, int]
    vehicles: dict[str, int]
    driver: int
    fleet: int
    names: Iterator[int] = field(default_factory=itertools.count)
    moments: Iterator[datetime] = field(
        default_factory=lambda: (NOW - timedelta(seconds=n) for n in range(80_000, 0, -60))
    )

    def execute(self, statement: Any, *parameters: object) -> list[tuple[Any, ...]]:
        cursor = self.database.connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def make(self, url: str, party: str = "Owner", **wanted: Any) -> dict[str, Any]:
        """A webhook that was made long ago, so that all of this world is news to it."""
        body = {"name": f"Hook {next(self.names)}", "url": url, "kinds": EVERYTHING, **wanted}
        answer = self.clients[party].post("/v1/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        self.execute(
            "UPDATE webhook SET created_at = %s WHERE webhook_id = %s",
            LONG_AGO,
            made["webhook_id"],
        )
        return made

    def event(self, vin: str = A, kind: str = "harsh_braking", **others: Any) -> datetime:
        """A driving event of a moment of its own; returns when it began."""
        row = self.row(vin, kind, **others)
        insert(self.database.connection, "driving_event", row)
        at: datetime = row["start_time"]
        return at

    def row(self, vin: str = A, kind: str = "harsh_braking", **others: Any) -> dict[str, Any]:
        """A row of such an event."""
        at = others.pop("start_time", None) or next(self.moments)
        row = {
            "vehicle_id": self.vehicles[vin],
            "kind": kind,
            "start_time": at,
            "end_time": at + timedelta(seconds=3),
            "driver_id": self.driver,
            "peak": 4.1,
            "severity": 2,
            "window_start": at - timedelta(seconds=10),
            "window_end": at + timedelta(seconds=13),
            "method_version": 1,
        }
        return row | others

    def forget_events(self, vin: str = A) -> None:
        """What an analysis does before it writes what it found."""
        self.execute("DELETE FROM driving_event WHERE vehicle_id = %s", self.vehicles[vin])

    def sender(
        self,
        metrics: Metrics | None = None,
        resolve: Callable[[str, int], list[str]] = look_up,
        **settings: object,
    ) -> Sender:
        given = {**LOCAL, "webhook_poll_s": 0.02, **settings}
        return Sender(
            ApiSettings.model_validate(given), self.database.dsn, metrics, resolve=resolve
        )

    def send(self, **settings: Any) -> None:
        """Send until nothing is due."""

        async def run() -> None:
            await self.sender(**settings).run(asyncio.Event(), once=True)

        asyncio.run(run())

    def later(self) -> None:
        """Days later, as far as waiting goes."""
        self.execute("UPDATE webhook SET retry_at = now(), leased_until = NULL")
        self.execute("UPDATE webhook_delivery SET due_at = now() WHERE state = 'waiting'")

    def told(self, webhook: dict[str, Any], party: str = "Owner") -> dict[str, Any]:
        answer = self.clients[party].get(f"/v1/webhooks/{webhook['webhook_id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def deliveries(
        self, webhook: dict[str, Any], party: str = "Owner", **asked: Any
    ) -> list[dict[str, Any]]:
        answer = self.clients[party].get(
            f"/v1/webhooks/{webhook['webhook_id']}/deliveries", params=asked
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    def clear(self) -> None:
        """Take all webhooks away, and what they were told of."""
        self.execute("DELETE FROM webhook")
        for table in ("driving_event", "tank_event", "trouble_code", "advice", "access_log"):
            self.execute(f"DELETE FROM {table}")


@contextmanager
def webhook_world(database: Migrated) -> Iterator[World]:
    """Make it, and serve it to every party there is."""
    connection = database.connection
    vehicles = {vin: register_vehicle(connection, vin).vehicle_id for vin in (A, B, FOREIGN)}
    parties = {name: ensure_party(connection, name, kind) for name, kind in PARTIES.items()}
    always = (LONG_AGO, None)
    for vin in (A, B):
        grant_access(
            connection, party_id=parties["Owner"], vin=vin, purpose="ownership", data=always
        )
    grant_access(connection, party_id=parties["Workshop"], vin=A, purpose="service", data=always)
    grant_access(
        connection, party_id=parties["Stranger"], vin=FOREIGN, purpose="ownership", data=always
    )
    driver = employ_driver(connection, card_id="CHN1", party_id=parties["Owner"])
    fleet = ensure_fleet(connection, party_id=parties["Owner"], name="North")
    add_to_fleet(connection, fleet_id=fleet, vin=B, member=always)
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(served_as(database, name, kind, api_connections=2, **LOCAL))
            for name, kind in PARTIES.items()
        }
        yield World(
            database=database,
            clients=clients,
            parties=parties,
            vehicles=vehicles,
            driver=driver,
            fleet=fleet,
        )


def signed_by(posted: Posted, secret: str) -> bool:
    """Whether one of the signatures is this secret's; written from the standard, not from ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{posted.id}.{posted.headers['webhook-timestamp']}.{posted.body.decode()}"
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest())
    return f"v1,{expected.decode()}" in posted.headers["webhook-signature"].split(" ")
