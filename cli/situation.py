"""How everything is just now, for `telemetry status`: asked of whichever server answers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from cli import context
from ingest import lag
from ingest.errors import KafkaUnreachableError, TopicMissingError
from ingest.settings import IngestSettings
from schemas import catalogue
from servers import launcher
from servers.server import State
from servers.settings import ServersSettings
from storage import overview, policies
from storage.connection import connect, describe, server
from storage.errors import StorageError
from storage.migrate import require_compatible
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from ingest.lag import Ends, PartitionLag
    from servers.launcher import Status
    from servers.server import ServerStatus
    from storage.connection import Connection
    from storage.overview import Overview, Rates, Sizes
    from storage.policies import Policy


@dataclass(kw_only=True, slots=True)
class Situation:
    """What is known; None or empty is what could not be asked."""

    servers: Status
    topic: str
    group: str
    dead_topic: str
    database: str | None = None
    """What it is, and where, without secrets."""
    faults: list[str] = field(default_factory=list)
    """Why a health check fails, for people."""
    notes: list[str] = field(default_factory=list)
    overview: Overview | None = None
    newest: dict[str, datetime] = field(default_factory=dict)
    """By group: the newest frame by the vehicles' clocks."""
    sizes: Sizes | None = None
    policies: list[Policy] = field(default_factory=list)
    rates: Rates | None = None
    ends: Ends | None = None
    lags: list[PartitionLag] = field(default_factory=list)
    arriving: float | None = None
    """Messages a second that come into the topic."""
    disk_free_bytes: int | None = None
    """Where the embedded servers keep their data; of others nobody here can tell."""

    @property
    def lag(self) -> int:
        """Messages that wait in all partitions."""
        return sum(each.lag for each in self.lags)

    @property
    def drain_s(self) -> float | None:
        """When nothing waits any more, at the present rates [s]; None: never, or unknown."""
        if self.rates is None or self.arriving is None:
            return None
        faster = self.rates.messages - self.arriving
        return self.lag / faster if faster > 0 else None


def gather(sample_s: float) -> Situation:
    """Ask both servers.

    Args:
        sample_s: counts are looked at twice, so long apart, for rates [s]; 0: no rates.
    """
    found = launcher.status(context.load(ServersSettings))
    settings = context.load(IngestSettings)
    made = Situation(
        servers=found,
        topic=settings.topic,
        group=settings.group,
        dead_topic=settings.dead_topic,
    )
    for each in (found.kafka, found.postgres):
        if each.state is not State.RUNNING:
            made.faults.append(f"{each.name} is {each.state}")
    began = monotonic()
    made.ends = _look(made, settings)
    if found.database_dsn is not None:
        dsn = SecretStr(found.database_dsn)
        try:
            with connect(dsn) as connection:
                made.database = f"{server(connection)}: {describe(dsn)}"
                newer = require_compatible(connection, catalogue.default())
                if newer is not None:
                    made.notes.append(newer)
                _ask_database(made, connection, settings, began, sample_s)
        except StorageError as error:
            made.faults.append(str(error))
    if not found.postgres.external and found.home.exists():
        made.disk_free_bytes = shutil.disk_usage(found.home).free
    return made


def _look(made: Situation, settings: IngestSettings) -> Ends | None:
    bootstrap = made.servers.kafka_bootstrap
    if bootstrap is None:
        return None
    try:
        return lag.look(settings, bootstrap)
    except TopicMissingError:
        made.notes.append(
            f"Kafka has no topic {settings.topic} or {settings.dead_topic} yet: the first "
            "`telemetry ingest` makes them."
        )
    except KafkaUnreachableError as error:
        made.faults.append(str(error))
    return None


def _ask_database(
    made: Situation,
    connection: Connection,
    settings: IngestSettings,
    began: float,
    sample_s: float,
) -> None:
    kind, signals = server(connection), catalogue.default()
    yesterday = (datetime.now(tz=UTC) - timedelta(days=1)).date()
    before = overview.sample(connection, settings.topic, yesterday)
    made.newest = overview.newest_frames(connection, kind, signals)
    made.sizes = overview.sizes(connection, kind, signals)
    made.policies = policies.read(connection, kind, signals, context.load(StorageSettings))
    if sample_s:
        sleep(max(0.0, sample_s - (monotonic() - began)))
        first, made.ends = made.ends, _look(made, settings) if made.ends else None
        made.rates = overview.rates(before, overview.sample(connection, settings.topic, yesterday))
        if first is not None and made.ends is not None:
            made.arriving = lag.arrived(first, made.ends)
    if made.ends is not None:
        made.lags = lag.lags(made.ends, connection)
    made.overview = overview.read(connection)


def as_json(made: Situation) -> dict[str, Any]:
    """The same for machines: bytes, seconds and counts; null is what could not be asked."""
    facts, sizes, ends = made.overview, made.sizes, made.ends
    counts: dict[str, dict[str, int]] = {}
    for (measure, key), count in (facts.counts if facts else {}).items():
        counts.setdefault(measure, {})[key] = count
    return {
        "well": not made.faults,
        "faults": made.faults,
        "notes": made.notes,
        "servers": {
            each.name: _server(each) for each in (made.servers.kafka, made.servers.postgres)
        },
        "database": made.database,
        "ingest": {
            "topic": made.topic,
            "written_at": facts.written_at if facts else None,
            "rates": made.rates,
            "arriving_messages_per_s": made.arriving,
            "lag_messages": made.lag if made.lags else None,
            "drain_s": made.drain_s,
            "partitions": made.lags,
            "workers": ends.members if ends else None,
            "dead_letters": ends.letters if ends else None,
            "newest_frame": made.newest,
            "counts": counts,
        },
        "data": {
            name: getattr(facts, name) if facts else None
            for name in ("vehicles", "trips", "days_to_analyse", "days_to_roll_up")
        },
        "storage": {
            "database_bytes": sizes.database_bytes if sizes else None,
            "disk_free_bytes": made.disk_free_bytes,
            "tables": sizes.tables if sizes else [],
            "rollup_bytes": sizes.rollup_bytes if sizes else {},
            "policies": made.policies,
            "settings": context.load(StorageSettings).model_dump(
                include={"retention_days", "compress_after_days", "rollup_retention_days"}
            ),
        },
    }


def _server(found: ServerStatus) -> dict[str, Any]:
    return {
        name: getattr(found, name) for name in ("state", "external", "address", "version", "detail")
    }
