"""How every connection of ours behaves, and what happens when one cannot be had or breaks."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from storage.batch import Batch, OffsetAdvance
from storage.connection import API_ROLE, connect, server
from storage.errors import DatabaseUnreachableError
from storage.offsets import read_offsets
from tests.samples.storage_samples import TODAY_US, group_rows, stored
from tests.servers.database_fixture import open_writer

if TYPE_CHECKING:
    from tests.servers.database_fixture import Migrated


def test_a_connection_finds_our_tables_in_utc_and_commits_by_itself(small: Migrated) -> None:
    with connect(small.dsn) as connection:
        row = connection.execute(
            "SELECT to_regclass('vehicle')::text, current_setting('timezone'),"
            " current_setting('application_name')"
        ).fetchone()
        assert row == ("vehicle", "UTC", "telemetry")
        assert connection.autocommit


def test_a_connection_may_take_a_role(small: Migrated) -> None:
    with connect(small.dsn, role=API_ROLE) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (API_ROLE,)


def test_the_server_says_what_it_is(small: Migrated, carries_timescaledb: bool) -> None:
    kind = server(small.connection)
    assert kind.version.split(".")[0] == str(small.connection.info.server_version // 10_000)
    assert (kind.timescaledb is not None) == carries_timescaledb


@pytest.mark.parametrize(
    "wrong",
    [{"dbname": "no_such_database"}, {"user": "no_such_user"}, {"port": 1}],
    ids=["database", "user", "port"],
)
def test_what_is_wrong_with_a_connection_is_said_without_the_password(
    database_server: str, wrong: dict[str, str | int]
) -> None:
    dsn = SecretStr(make_conninfo(database_server, **{"password": "hunter2"} | wrong))
    with pytest.raises(DatabaseUnreachableError, match="Cannot connect to database") as caught:
        connect(dsn)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value, chain=True))


def test_a_wrong_password_is_not_repeated(database_server: str) -> None:
    dsn = make_conninfo(database_server, password="hunter2")
    with suppress(psycopg.OperationalError), psycopg.connect(dsn):
        pytest.skip("the server trusts everyone and asks for no password")
    with pytest.raises(DatabaseUnreachableError, match="password authentication failed") as caught:
        connect(SecretStr(dsn))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value, chain=True))


def test_a_batch_whose_connection_breaks_is_not_stored_and_may_be_written_anew(
    small: Migrated, vehicle: int
) -> None:
    topic_id = uuid4()
    batch = Batch(
        groups=(group_rows("motion", [(vehicle, TODAY_US, {"speed": 1})]),),
        offsets=(
            OffsetAdvance(
                cluster_id="c",
                topic_id=topic_id,
                topic="frames",
                partition=0,
                expected=None,
                next_offset=5,
            ),
        ),
    )
    writer = open_writer(small)
    writer.write(Batch())
    small.connection.execute(
        "SELECT pg_terminate_backend(%s)", (writer._connection.info.backend_pid,)
    )
    with pytest.raises(psycopg.OperationalError):
        writer.write(batch)
    writer.close()
    assert read_offsets(small.connection, "c", topic_id) == {}
    writer = open_writer(small)
    writer.write(batch)
    writer.close()
    assert read_offsets(small.connection, "c", topic_id) == {0: 5}
    assert stored(small.connection, "motion", vehicle) == {(vehicle, TODAY_US): {"speed": 1}}
