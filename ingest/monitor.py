"""A worker seen from outside: /metrics for Prometheus, /healthz for whoever restarts what hangs.

Both are answered by threads of their own, and so is the question where the partitions end: a worker
that hangs, or waits for a database, is still seen, and so is the lag that grows meanwhile.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from ingest.errors import IngestError, KafkaUnreachableError
from ingest.kafka import TopicLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from prometheus_client import CollectorRegistry

    from ingest.settings import IngestSettings

LOOK_S = 5.0
"""How often Kafka is asked where the partitions end [s]."""

ANSWER_S = 5.0
"""How long it may take to answer [s]."""

LEAVING_S = 2.0
"""How long a thread that ends is waited for [s]; it holds nothing that must be put down."""

logger = logging.getLogger(__name__)


class Watched(Protocol):
    """The figures of a worker, of one process or of several."""

    registry: CollectorRegistry

    def looked(self, spans: Mapping[int, tuple[int, int]]) -> None:
        """Kafka was asked: by partition, where the log begins and ends."""

    def unanswered(self) -> None:
        """Kafka was asked and did not answer."""

    def fault(self, settings: IngestSettings) -> str | None:
        """Why this worker is not well, for people; None where it is."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, none of which keeps the process alive."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    """Says nothing: a scrape every few seconds is no event."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing."""


@contextmanager
def watching(metrics: Watched, settings: IngestSettings, bootstrap: str) -> Iterator[None]:
    """Serve a worker's metrics while it works, where settings name a port.

    Raises:
        IngestError: the port cannot be listened on.
        KafkaUnreachableError: no broker answers.
    """
    if not settings.metrics_port:
        yield
        return
    host, port = settings.metrics_host, settings.metrics_port
    try:
        server = make_server(host, port, application(metrics, settings), _Server, _Handler)
    except OSError as error:
        raise IngestError(
            f"Metrics cannot be served on {host}:{port}: {error.strerror or error}. Workers on one "
            "machine need a port each: --metrics-port or TELEMETRY_METRICS_PORT; 0 serves none."
        ) from error
    stop = Event()
    with server, TopicLog(settings.topic, settings, bootstrap) as log:
        threads = [
            Thread(target=server.serve_forever, name="metrics", daemon=True),
            Thread(target=_look, args=(metrics, log, stop), name="lag", daemon=True),
        ]
        for thread in threads:
            thread.start()
        logger.info("metrics on http://%s:%d/metrics", host, port)
        try:
            yield
        finally:
            stop.set()
            server.shutdown()
            for thread in threads:
                thread.join(LEAVING_S)


def application(
    metrics: Watched, settings: IngestSettings
) -> Callable[[WSGIEnvironment, StartResponse], list[bytes]]:
    """What answers over HTTP."""
    scrape = make_wsgi_app(metrics.registry)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            answered: list[bytes] = scrape(environ, start)
            return answered
        status, said = "200 OK", "at work"
        if path != "/healthz":
            status, said = "404 Not Found", "There are /metrics and /healthz."
        elif (fault := metrics.fault(settings)) is not None:
            status, said = "503 Service Unavailable", fault
        start(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{said}\n".encode()]

    return answer


def _look(metrics: Watched, log: TopicLog, stop: Event) -> None:
    """Ask where the partitions end, again and again; a broker that is away is asked again too."""
    while True:
        try:
            spans = log.spans(ANSWER_S)
        except KafkaUnreachableError:
            metrics.unanswered()
        else:
            metrics.looked({number: (span.first, span.end) for number, span in spans.items()})
        if stop.wait(LOOK_S):
            return
