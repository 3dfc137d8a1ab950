"""Refusals: every way a catalogue file can be wrong is named with its line and reason."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import COLUMNS, CatalogueError, Signal, default, load
from schemas.signal import MAX_ID, as_row, number_text

VALID: Mapping[str, str] = {
    "id": "1",
    "name": "wheel_speed",
    "path": "Vehicle.Speed",
    "origin": "vss",
    "group": "motion",
    "kind": "sample",
    "type": "real",
    "unit": "km/h",
    "min": "0",
    "max": "250",
    "resolution": "0.00390625",
    "period_s": "1",
    "pgn": "65265",
    "spn": "84",
    "since": "1",
    "description_en": "Wheel-based vehicle speed",
    "description_zh": "车轮车速",
}

WRONG_CELLS = [
    ({"id": "0"}, "id '0' is not a whole number from 1"),
    ({"id": "1.5"}, "id '1.5' is not a whole number"),
    ({"id": "007"}, "id '007' is not a whole number"),
    ({"id": "4294967296"}, "id '4294967296' is not a whole number from 1 to 2147483647"),
    ({"name": "Wheel Speed"}, "name 'Wheel Speed' is not a legal column name"),
    ({"name": "1st_gear"}, "name '1st_gear' is not a legal column name"),
    ({"name": "a" * 49}, "has 49 characters, at most 48"),
    ({"name": "time"}, "name 'time' is a key column's"),
    ({"path": "Speed"}, "path 'Speed' is not a VSS path"),
    ({"path": "Vehicle.speed"}, "path 'Vehicle.speed' is not a VSS path"),
    ({"origin": "obd"}, "unknown origin 'obd': use one of vss, overlay"),
    ({"group": "engine"}, "unknown group 'engine': use one of motion, location"),
    ({"kind": "gauge"}, "unknown kind 'gauge': use one of sample, state, counter"),
    ({"type": "float"}, "unknown type 'float': use one of real, double"),
    ({"unit": "mph"}, "unknown unit 'mph'"),
    ({"unit": ""}, "unit is missing"),
    ({"type": "boolean", "max": "1", "resolution": "1"}, "a boolean has no unit, not 'km/h'"),
    ({"type": "boolean", "unit": "", "resolution": "1"}, "a boolean's limits are 0 and 1"),
    ({"min": "250", "max": "0"}, "limits are reversed: min 250 is not below max 0"),
    ({"min": "250"}, "limits are reversed: min 250 is not below max 250"),
    ({"min": ""}, "min is missing"),
    ({"max": ""}, "max is missing"),
    ({"max": "fast"}, "max 'fast' is not a number"),
    ({"max": "nan"}, "max 'nan' is not a number"),
    ({"max": "1e999"}, "max '1e999' is not a number"),
    ({"resolution": "0"}, "resolution 0 is not positive"),
    ({"resolution": "-1"}, "resolution -1 is not positive"),
    ({"resolution": ""}, "resolution is missing"),
    ({"period_s": "0"}, "period_s 0 is not positive"),
    ({"pgn": "262144"}, "pgn '262144' is not a whole number from 0 to 262143"),
    ({"spn": "84a"}, "spn '84a' is not a whole number"),
    ({"pgn": ""}, "spn 84 has no pgn"),
    ({"since": "0"}, "since '0' is not a whole number from 1"),
    ({"description_en": ""}, "description_en is missing"),
    ({"description_zh": " "}, "description_zh is missing"),
    ({"description_en": "two\nlines"}, "description_en is not one line of plain text"),
    (
        {"type": "smallint", "max": "40000", "resolution": "1"},
        "smallint cannot hold the limits 0 to 40000: it ends at -32768 and 32767",
    ),
    (
        {"type": "integer", "min": "-3000000000", "resolution": "1"},
        "integer cannot hold the limits -3000000000 to 250",
    ),
    ({"type": "smallint", "max": "2.5", "resolution": "1"}, "smallint cannot hold 0 to 2.5"),
    ({"type": "smallint", "resolution": "0.5"}, "smallint cannot hold 0 to 250 in steps of 0.5"),
    # 5,000,000 km in steps of 5 m are 10⁹ steps; float32 tells 2²⁴ apart.
    (
        {"unit": "km", "max": "5000000", "resolution": "0.005"},
        "real cannot hold the limits 0 to 5000000 in steps of 0.005",
    ),
]


def text_of(rows: Iterable[Mapping[str, str]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[str], list[str]]:
    """Load a text as a catalogue file and give back what it is refused for."""

    def read(text: str) -> list[str]:
        file = tmp_path / "signals.csv"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError) as refusal:
            load(file)
        assert all(str(problem) in str(refusal.value) for problem in refusal.value.problems)
        return [f"{problem.line}: {problem.reason}" for problem in refusal.value.problems]

    return read


def other(number: int, **changes: str) -> dict[str, str]:
    """Make a valid row that shares nothing with `VALID`'s."""
    unique = {"id": str(number), "name": f"signal_{number}", "path": f"Vehicle.Signal{number}"}
    return {**VALID, **unique, **changes}


def test_a_right_file_loads_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "signals.csv"
    file.write_text(text_of([other(7, since="3"), VALID]), encoding="utf-8")
    catalogue = load(file)
    assert [signal.id for signal in catalogue.signals] == [1, 7]
    assert catalogue.version == 3  # the newest row's


def test_a_spreadsheets_byte_order_mark_and_line_ends_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "signals.csv"
    file.write_text(text_of([VALID]), encoding="utf-8-sig", newline="\r\n")
    assert load(file).by_name["wheel_speed"].spn == 84


@pytest.mark.parametrize(("changes", "reason"), WRONG_CELLS, ids=lambda case: str(case)[:60])
def test_a_wrong_cell_is_refused_with_its_line_and_reason(
    problems: Callable[[str], list[str]], changes: dict[str, str], reason: str
) -> None:
    found = problems(text_of([other(2), {**VALID, **changes}, other(3)]))
    assert len(found) == 1
    assert found[0].startswith("3: ")  # the header is line 1, the changed row is the second
    assert reason in found[0]


@pytest.mark.parametrize("column", ["id", "name", "path"])
def test_a_reused_value_is_refused_with_the_line_that_has_it(
    problems: Callable[[str], list[str]], column: str
) -> None:
    found = problems(text_of([VALID, other(2), other(3, **{column: VALID[column]})]))
    assert found == [f"4: {column} {VALID[column]} is reused: line 2 has it"]


def test_a_group_too_wide_is_refused_once_at_the_row_that_breaks_it(
    problems: Callable[[str], list[str]],
) -> None:
    found = problems(text_of(other(number) for number in range(1, 104)))
    assert found == ["102: group motion is too wide: at most 100 signals a group"]


def test_a_group_of_the_greatest_width_is_right(tmp_path: Path) -> None:
    file = tmp_path / "signals.csv"
    file.write_text(text_of(other(number) for number in range(1, 101)), encoding="utf-8")
    assert len(load(file).groups["motion"].signals) == 100


def test_every_problem_is_listed_in_the_order_of_the_file(
    problems: Callable[[str], list[str]],
) -> None:
    found = problems(text_of([VALID, other(1, unit="mph", since="0"), other(3, min="9", max="1")]))
    assert [line.split(":")[0] for line in found] == ["3", "3", "3", "4"]
    assert "3: id 1 is reused: line 2 has it" in found


def test_a_row_that_is_wrong_still_counts_where_its_id_is_reused(
    problems: Callable[[str], list[str]],
) -> None:
    found = problems(text_of([{**VALID, "unit": "mph"}, other(1)]))
    assert "3: id 1 is reused: line 2 has it" in found


def test_a_row_with_a_cell_too_few_or_too_many_is_malformed(
    problems: Callable[[str], list[str]],
) -> None:
    text = text_of([VALID])
    assert problems(text + "2,short\n") == ["3: malformed row: 2 columns, not 17"]
    assert problems(text.rstrip() + ",more\n") == ["2: malformed row: 18 columns, not 17"]


def test_an_open_quote_is_malformed_where_its_row_begins(
    problems: Callable[[str], list[str]],
) -> None:
    found = problems(text_of([VALID]) + '2,"open\n3,row\n')
    assert len(found) == 1
    assert found[0].startswith("3: malformed row: ")


def test_blank_lines_are_skipped_and_counted(problems: Callable[[str], list[str]]) -> None:
    header, row, _ = text_of([other(1, unit="mph")]).split("\n")
    assert problems(f"{header}\n\n\n{row}\n")[0].startswith("4: unknown unit")


def test_lines_are_those_of_the_file_after_a_cell_of_two_lines(
    problems: Callable[[str], list[str]],
) -> None:
    found = problems(text_of([other(1, description_en="two\nlines"), other(2, unit="mph")]))
    assert [line.split(":")[0] for line in found] == ["2", "4"]  # the first row takes 2 and 3


def test_another_header_is_refused(problems: Callable[[str], list[str]]) -> None:
    assert problems("id,name\n1,speed\n") == [f"1: the header must be {','.join(COLUMNS)}"]
    assert problems("")[0].startswith("1: the header must be")


def test_a_file_without_signals_is_refused(problems: Callable[[str], list[str]]) -> None:
    assert problems(text_of([])) == ["1: no signals: add one row a signal below the header"]


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "signals.csv"
    file.write_bytes(text_of([VALID]).encode("gb18030"))
    with pytest.raises(CatalogueError, match=r"signals\.csv:1: not UTF-8 text"):
        load(file)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"cannot read the catalogue .*absent\.csv: No such"):
        load(tmp_path / "absent.csv")


printable = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=' ",;'), min_size=1
).filter(str.strip)


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    """A shipped signal with other numbers and texts, all of them legal."""
    signal = draw(st.sampled_from(default().signals))
    signal = replace(
        signal,
        since=draw(st.integers(1, MAX_ID)),
        period_s=draw(st.floats(1e-6, 1e9)),
        pgn=draw(st.integers(0, 2**18 - 1)),
        spn=draw(st.none() | st.integers(1, 2**19 - 1)),
        description_en=draw(printable),
        description_zh=draw(printable),
    )
    if signal.type != "double":
        return signal
    # 2⁵³ steps of the greatest limit are what a double holds.
    return replace(
        signal,
        minimum=-draw(st.floats(1e-3, 1e9)),
        maximum=draw(st.floats(1e-3, 1e9)),
        resolution=draw(st.floats(1e-6, 1e9)),
    )


@given(st.lists(signals(), min_size=1, max_size=8, unique_by=lambda signal: signal.id))
def test_what_is_exported_loads_as_the_same_signals(
    tmp_path_factory: pytest.TempPathFactory, exported: list[Signal]
) -> None:
    file = tmp_path_factory.mktemp("catalogue") / "signals.csv"
    file.write_text(text_of(as_row(signal) for signal in exported), encoding="utf-8")
    assert load(file).signals == tuple(sorted(exported, key=lambda signal: signal.id))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_exactly_and_without_exponent(value: float) -> None:
    text = number_text(value)
    assert float(text) == value
    assert "e" not in text.lower()
    assert not text.endswith(".0")
