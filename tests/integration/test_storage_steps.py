"""Values of whole steps and those between take each other's place; nothing is rounded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from schemas.catalogue import Catalogue
from storage import rollups, steps
from storage.batch import Batch
from storage.errors import SchemaError
from storage.frame_writer import FrameWriter
from storage.migrate import migrate, migrations, require_compatible
from storage.settings import StorageSettings
from tests.samples.storage_samples import (
    SECOND_US,
    SMALL,
    TODAY_US,
    compress,
    group_rows,
    grown,
    rows_table,
    signal,
    stored,
)
from tests.servers.database_fixture import migrated_to, open_writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

    from tests.servers.database_fixture import Migrated

WHOLE, BETWEEN = 3.0, 3.25
"""Of a signal with steps of 1."""


def write(
    writer: FrameWriter,
    values: Sequence[Mapping[str, float]],
    vehicle: int,
    *,
    fills_gaps: bool = False,
    catalogue: Catalogue = SMALL,
) -> None:
    """A row a second."""
    rows = [(vehicle, TODAY_US + at * SECOND_US, each) for at, each in enumerate(values) if each]
    part = replace(group_rows("motion", rows, catalogue), fills_gaps=fills_gaps)
    writer.write(Batch(groups=(part,)))


def rows_of(database: Migrated, vehicle: int) -> list[dict[str, float]]:
    return [row for _, row in sorted(stored(database.connection, "motion", vehicle).items())]


def speeds(database: Migrated, vehicle: int) -> list[float | None]:
    return [row.get("speed") for row in rows_of(database, vehicle)]


def counted(database: Migrated) -> dict[str, int]:
    rows = database.connection.execute(
        "SELECT measure, sum(count)::integer FROM ingest_count"
        " WHERE key = 'motion' GROUP BY measure"
    )
    return dict(rows.fetchall())


@pytest.fixture(autouse=True)
def _count_anew(small: Migrated) -> None:
    small.connection.execute("TRUNCATE ingest_count")


@pytest.mark.parametrize(
    "compressed", [False, pytest.param(True, marks=pytest.mark.timescale)], ids=["rows", "columns"]
)
def test_a_later_value_replaces_the_earlier_one_whichever_column_has_it(
    small: Migrated, writer: FrameWriter, vehicle: int, *, compressed: bool
) -> None:
    write(writer, [{"speed": v} for v in (WHOLE, WHOLE, BETWEEN, BETWEEN, WHOLE)], vehicle)
    if compressed:
        compress(small.connection, "motion")
    later = [{"speed": v} for v in (4.0, 4.5, 4.0, 4.5)]
    write(writer, [*later, {"gear": 2}], vehicle)
    assert speeds(small, vehicle) == [4.0, 4.5, 4.0, 4.5, WHOLE]
    assert counted(small) == {"merged": 5}
    write(writer, later, vehicle)
    assert counted(small) == {"merged": 5, "repeated": 4}


def test_rows_that_fill_gaps_change_neither(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, [{"speed": WHOLE}, {"speed": BETWEEN}, {"gear": 1}, {"gear": 1}], vehicle)
    later = [{"speed": v} for v in (BETWEEN, WHOLE, WHOLE, BETWEEN)]
    write(writer, later, vehicle, fills_gaps=True)
    assert speeds(small, vehicle) == [WHOLE, BETWEEN, WHOLE, BETWEEN]
    assert counted(small) == {"merged": 2, "repeated": 2}


@pytest.mark.timescale
def test_rollups_sum_up_both(small: Migrated, writer: FrameWriter, vehicle: int) -> None:
    write(writer, [{"speed": WHOLE}, {"speed": BETWEEN}, {"speed": 4.0}], vehicle)
    rollups.refresh(small.connection, small.server, SMALL)
    figures = small.connection.execute(
        "SELECT speed_n, speed_avg, speed_min, speed_max FROM signal_motion_1h"
        " WHERE vehicle_id = %s",
        (vehicle,),
    ).fetchall()
    assert figures == [(3, pytest.approx((WHOLE + BETWEEN + 4) / 3), WHOLE, 4.0)]


@pytest.mark.timescale
def test_whole_steps_lie_in_their_own_column(
    small: Migrated, writer: FrameWriter, vehicle: int
) -> None:
    write(writer, [{"speed": WHOLE}, {"speed": BETWEEN}], vehicle)
    table = rows_table(small.connection, "motion")
    assert table == "steps_motion"
    cells = small.connection.execute(
        f"SELECT speed__steps, speed FROM {table} WHERE vehicle_id = %s ORDER BY time".encode(),
        (vehicle,),
    ).fetchall()
    assert cells == [(3, None), (None, BETWEEN)]


@pytest.mark.timescale
@pytest.mark.parametrize("with_steps", [True, False])
def test_a_worker_of_the_release_before_is_let_in_only_where_it_finds_the_tables_it_knows(
    fresh_database: SecretStr, monkeypatch: pytest.MonkeyPatch, with_steps: bool
) -> None:
    if not with_steps:
        monkeypatch.setattr("storage.signal_tables.counts_steps", lambda _signal: False)
    with migrated_to(fresh_database, SMALL) as database:
        known = [each for each in migrations() if each.version < 34]
        monkeypatch.setattr("storage.migrate.migrations", lambda: known)
        if with_steps:
            with pytest.raises(SchemaError, match="has seen migration 34"):
                require_compatible(database.connection, SMALL)
        else:
            assert require_compatible(database.connection, SMALL) is not None


@pytest.mark.timescale
def test_what_a_step_is_stays_what_it_was_when_the_column_was_made(
    fresh_database: SecretStr,
) -> None:
    with migrated_to(fresh_database, SMALL) as database:
        writer = open_writer(database)
        write(writer, [{"speed": WHOLE}], 1)
        writer.close()
        finer = Catalogue(
            version=1,
            signals=tuple(
                replace(each, resolution=0.25) if each.name == "speed" else each
                for each in SMALL.signals
            ),
        )
        migrate(database.connection, finer, StorageSettings())
        again = FrameWriter(database.connection, database.server, finer, refused_values_kept=1)
        write(again, [{}, {"speed": BETWEEN}, {"speed": 4.0}], 1, catalogue=finer)
        assert speeds(database, 1) == [WHOLE, BETWEEN, 4.0]
        assert steps.read_steps(database.connection)["motion"]["speed"] == 1.0


@pytest.mark.timescale
def test_tables_from_before_steps_go_on_as_they_are_and_take_new_signals(
    fresh_database: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("storage.signal_tables.counts_steps", lambda _signal: False)
        with migrated_to(fresh_database, SMALL) as database:
            assert steps.read_steps(database.connection) == {}
    newer = grown(signal(20, "dust", "motion"))
    with migrated_to(fresh_database, newer) as database:
        assert rows_table(database.connection, "motion") == "signal_motion"
        writer = FrameWriter(database.connection, database.server, newer, refused_values_kept=1)
        write(writer, [{"speed": WHOLE, "dust": 0.1}, {"speed": BETWEEN}], 1, catalogue=newer)
        assert rows_of(database, 1) == [
            {"speed": WHOLE, "dust": pytest.approx(0.1)},
            {"speed": BETWEEN},
        ]
        rollups.refresh(database.connection, database.server, newer)
        assert database.connection.execute("SELECT speed_n FROM signal_motion_1h").fetchall() == [
            (2,)
        ]


@pytest.mark.timescale
def test_a_new_signal_of_a_table_of_steps_has_steps_too(fresh_database: SecretStr) -> None:
    with migrated_to(fresh_database, SMALL) as database:
        writer = open_writer(database)
        write(writer, [{"speed": WHOLE}], 1)
        newer = grown(signal(20, "dust", "motion"))
        migrate(database.connection, newer, StorageSettings())
        # A worker of the release before writes on; then it is replaced.
        write(writer, [{}, {"speed": 4.0}], 1)
        writer.close()
        again = FrameWriter(database.connection, database.server, newer, refused_values_kept=1)
        write(again, [{}, {}, {"dust": 2.0}, {"dust": 2.5}], 1, catalogue=newer)
        assert rows_of(database, 1) == [
            {"speed": WHOLE},
            {"speed": 4.0},
            {"dust": 2.0},
            {"dust": 2.5},
        ]
        assert steps.read_steps(database.connection)["motion"] == {"speed": 1.0, "dust": 1.0}
