"""What is said about a connection, and what never is."""

from __future__ import annotations

import traceback

import pytest
from pydantic import SecretStr

from storage.connection import Server, connect, describe
from storage.errors import DatabaseUnreachableError

PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        (f"postgresql://me:{PASSWORD}@db.example/fleet", "database fleet at db.example:5432"),
        (f"host=db port=6 dbname=fleet password={PASSWORD}", "database fleet at db:6"),
        (f"hostaddr=10.0.0.1 password={PASSWORD}", "database (default) at 10.0.0.1:5432"),
        (f"dbname=fleet password={PASSWORD}", "database fleet at the local socket:5432"),
        (f"postgresql://me:{PASSWORD}%zz@db/fleet", "database of an unreadable connection string"),
    ],
)
def test_a_database_is_described_by_host_port_and_name_alone(dsn: str, said: str) -> None:
    assert describe(SecretStr(dsn)) == said


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:1/fleet",  # port 1: nobody listens
        f"host=no-such-host.invalid password={PASSWORD}",  # RFC 2606: never resolves
        f"host=127.0.0.1 password=half {PASSWORD}",
        f"postgresql://me:half {PASSWORD}@127.0.0.1/fleet",
    ],
)
def test_no_connection_is_an_error_without_the_password(dsn: str) -> None:
    with pytest.raises(DatabaseUnreachableError, match="TELEMETRY_DATABASE_DSN") as caught:
        connect(SecretStr(dsn))
    assert PASSWORD not in "".join(traceback.format_exception(caught.value, chain=True))


def test_a_server_reads_as_a_person_would_say_it() -> None:
    assert str(Server(version="18.6", timescaledb=None)) == "PostgreSQL 18.6"
    both = Server(version="18.6", timescaledb="2.29.2")
    assert str(both) == "PostgreSQL 18.6 with TimescaleDB 2.29.2"
