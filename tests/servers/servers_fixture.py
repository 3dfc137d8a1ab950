"""Real servers for integration tests: one Kafka and one PostgreSQL a session, started by us.

TELEMETRY_TEST_DSN names a database to use instead of a new one; TELEMETRY_PG_BIN names other
PostgreSQL binaries, TELEMETRY_KAFKA_JARS another folder of jars.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from servers import launcher
from servers.settings import ServersSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

JARS = Path(__file__).parents[2] / ".telemetry" / "kafka" / "jars"
"""Where `telemetry up` in this repository has its jars too: they are resolved once for both."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the session's servers are."""

    kafka_bootstrap: str
    database_dsn: str = field(repr=False)


def settings(home: Path, **others: object) -> ServersSettings:
    """Launcher settings for a test: its own home, shared jars, nothing external by accident."""
    fields: dict[str, object] = {
        "home": home,
        "kafka_jars": Path(os.environ.get("TELEMETRY_KAFKA_JARS") or JARS),
        "kafka_bootstrap": None,
        "database_dsn": None,
    }
    return ServersSettings.model_validate(fields | others)


@pytest.fixture(scope="session")
def servers_home() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can reach, which pytest's folders are not for root."""
    home = Path(tempfile.mkdtemp(prefix="telemetry-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def servers(servers_home: Path) -> Iterator[Addresses]:
    """Addresses of a Kafka and a PostgreSQL that live as long as the test session."""
    dsn = os.environ.get("TELEMETRY_TEST_DSN")
    wanted = settings(servers_home / "session", database_dsn=SecretStr(dsn) if dsn else None)
    running = launcher.up(wanted)
    yield Addresses(kafka_bootstrap=running.kafka_bootstrap, database_dsn=running.database_dsn)
    launcher.down(wanted)
