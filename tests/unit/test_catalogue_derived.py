"""What is derived from the catalogue: Arrow schema, SQL types and the documentation page."""

from pathlib import Path

import pyarrow as pa
import pytest

from schemas.arrow import arrow_schema
from schemas.catalogue import CatalogueError, ValueType, default
from schemas.docs import signals_markdown
from schemas.sql_types import SQL_TYPES, sql_type
from schemas.units import UNITS

PAGE = Path(__file__).parents[2] / "docs" / "signals.md"


@pytest.mark.parametrize("group", default().groups)
def test_a_groups_schema_has_the_key_and_its_signals_in_order_of_id(group: str) -> None:
    schema = arrow_schema(default(), group)
    names = [signal.name for signal in default().groups[group].signals]
    assert schema.names == ["vehicle_id", "time", *names]


def test_the_key_must_be_there_and_times_are_utc_microseconds() -> None:
    schema = arrow_schema(default(), "motion")
    assert schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert not schema.field("vehicle_id").nullable
    assert not schema.field("time").nullable
    assert all(field.nullable for field in list(schema)[2:])  # absent is null


def test_a_schema_carries_what_a_reader_of_the_file_needs_to_know() -> None:
    schema = arrow_schema(default(), "motion")
    odometer = default().by_name["odometer"]
    assert schema.field("odometer").metadata == {
        b"id": str(odometer.id).encode(),
        b"path": b"Vehicle.TraveledDistance",
        b"unit": b"km",
        b"kind": b"counter",
        b"description": odometer.description_en.encode(),
    }
    assert schema.metadata == {b"group": b"motion", b"catalogue_version": b"1"}


@pytest.mark.parametrize(
    ("name", "arrow", "sql"),
    [
        ("wheel_speed", pa.float32(), "real"),
        ("odometer", pa.float64(), "double precision"),
        ("gear_current", pa.int16(), "smallint"),
        ("engine_starts", pa.int32(), "integer"),
        ("active_regenerations", pa.int64(), "bigint"),
        ("brake_switch", pa.bool_(), "boolean"),
    ],
)
def test_a_signal_is_stored_alike_in_arrow_and_sql(name: str, arrow: pa.DataType, sql: str) -> None:
    signal = default().by_name[name]
    assert arrow_schema(default(), signal.group).field(name).type == arrow
    assert sql_type(signal) == sql


def test_every_value_type_has_an_sql_type() -> None:
    assert set(SQL_TYPES) == set(ValueType)


def test_a_group_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(CatalogueError, match="no group is called 'engine': use one of motion"):
        arrow_schema(default(), "engine")


def test_the_committed_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == signals_markdown(default()), (
        "docs/signals.md is behind the catalogue: run "
        "`telemetry catalogue docs --output docs/signals.md`"
    )


def test_the_page_has_one_row_a_signal_in_both_languages() -> None:
    page = signals_markdown(default())
    for signal in default().signals:
        rows = [line for line in page.splitlines() if f"| `{signal.name}` |" in line]
        assert len(rows) == 1
        assert signal.description_en in rows[0]
        assert signal.description_zh in rows[0]


def test_the_units_of_the_page_are_those_signals_use() -> None:
    assert {signal.unit for signal in default().signals} == {"", *UNITS}
