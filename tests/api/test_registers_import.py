"""Lists of vehicles as CSV: every bad line is named, and nothing is written unless all are good."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from storage.cells import Cell, put_elsewhere, set_directory
from storage.errors import StorageError
from storage.registers import import_vehicles
from tests.worlds.registers_world import PATH, Registers, registers_world, vin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.database_fixture import Migrated

VEHICLES = f"{PATH}/vehicles"
IMPORT = f"{VEHICLES}/import"
HEADER = "vin,model,plate,region,class\n"

_numbers = itertools.count(2000)


@pytest.fixture(scope="module")
def world(migrated: Migrated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registers]:
    with registers_world(migrated, tmp_path_factory.mktemp("home")) as made:
        yield made


def new_vin() -> str:
    return vin(next(_numbers))


def sent(world: Registers, content: bytes | str, **params: bool) -> httpx2.Response:
    body = content.encode() if isinstance(content, str) else content
    return world.as_("Maker").post(
        IMPORT, content=body, params=params, headers={"Content-Type": "text/csv; charset=utf-8"}
    )


def known(world: Registers, *vins: str) -> list[str]:
    rows = world.database.connection.execute(
        "SELECT vin FROM vehicle WHERE vin = ANY (%s) ORDER BY vin", (list(vins),)
    )
    return [row[0] for row in rows]


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    names = ("good_lines", "bad_lines", "registered", "changed", "unchanged")
    return tuple(report[name] for name in names)


def test_new_vehicles_are_registered_and_known_ones_changed(world: Registers) -> None:
    new, there, same = new_vin(), new_vin(), new_vin()
    assert sent(world, f"vin,plate\n{there},OLD\n{same},SAME\n").status_code == 200
    # With a BOM, in another order, with quotes, an empty line, blanks and no line break at the end.
    text = (
        f'\ufeffplate,VIN,model,class\r\n"沪A,1",{new},"GTL ""X""",bus\r\n\r\n'
        f" NEW , {there} ,,\r\nSAME,{same},,"
    )
    dry = sent(world, text, dry_run=True)
    assert (dry.status_code, dry.json()["is_written"]) == (200, False)
    assert known(world, new) == []
    done = sent(world, text)
    assert done.json() == {**dry.json(), "is_written": True}
    assert counts(done.json()) == (3, 0, 1, 1, 1)
    rows = world.database.connection.execute(
        "SELECT vin, plate, model, vehicle_class, registered_by FROM vehicle"
        " WHERE vin = ANY (%s) ORDER BY vin",
        ([new, there, same],),
    ).fetchall()
    assert rows == [
        (new, "沪A,1", 'GTL "X"', "bus", "register"),
        (there, "NEW", None, "heavy_truck", "register"),
        (same, "SAME", None, "heavy_truck", "register"),
    ]
    assert counts(sent(world, text).json()) == (3, 0, 0, 0, 3)


BAD_LINES = [
    ("{vin},=1+1,,,", "model", "=1+1"),
    ("{vin},GTL,@SUM(A1),,", "plate", "@SUM(A1)"),
    ("{vin},GTL,,Shanghai,", "region", "Shanghai"),
    ("{vin},GTL,,,lorry", "class", "lorry"),
    ("lsgaa11112a000001,GTL,,,", "vin", "lsgaa11112a000001"),
    (",GTL,,,", "vin", ""),
    ("{vin},GTL", None, "{vin},GTL"),
    ("{vin},GTL,,,,,", None, "{vin},GTL,,,,,"),
    ("{vin},{long},,,", "model", None),
    ('{vin},"GTL,,,', None, '{vin},"GTL,,,'),
    ("{vin},G\x00TL,,,", None, None),
    ("{vin},G\x1b[2JTL,,,", None, None),
]


@pytest.mark.parametrize(("line", "column", "value"), BAD_LINES)
def test_a_bad_line_is_named_with_its_cell_and_nothing_is_written(
    world: Registers, line: str, column: str | None, value: str | None
) -> None:
    good, bad = new_vin(), new_vin()
    text = line.format(vin=bad, long="x" * 101)
    answer = sent(world, f"{HEADER}{good},GTL,,,\n{text}\n")
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_lines"
    report = answer.json()["report"]
    assert (report["is_written"], *counts(report)[:2]) == (False, 1, 1)
    (fault,) = report["faults"]
    assert (fault["line"], fault["column"]) == (3, column)
    if value is not None:
        assert fault["value"] == value.format(vin=bad)
    assert fault["reason"]
    assert fault["way_out"]
    assert known(world, good, bad) == []
    partial = sent(world, f"{HEADER}{good},GTL,,,\n{text}\n", partial=True)
    assert partial.status_code == 200
    assert partial.json()["faults"] == report["faults"]
    assert known(world, good, bad) == [good]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"vin;model\nLSGAA11112A000001;GTL\n",
        b"vin\tmodel\n",
        b"model,plate\n",
        b"vin,vin\n",
        b"vin,colour\n",
        "vin,model\n".encode("utf-16"),
        b"\xff\xd8\xff\xe0 a picture",
        b"vin" * 5000 + b"\n",
    ],
)
def test_a_header_that_cannot_be_taken_is_one_fault(world: Registers, content: bytes) -> None:
    answer = sent(world, content)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["report"]["faults"]
    assert fault["line"] == 1


def test_one_bad_line_says_nothing_of_the_next(world: Registers) -> None:
    first, last = new_vin(), new_vin()
    lines = [
        b"vin,model",
        first.encode() + b",GTL",
        "LSGAA11112A000001,解放".encode("gbk"),
        b"x" * 10_000_000,
        first.encode() + b",GTL",
        b'"',
        last.encode() + b",GTL",
    ]
    answer = sent(world, b"\n".join(lines), partial=True)
    assert answer.status_code == 200, answer.text
    assert counts(answer.json()) == (2, 4, 2, 0, 0)
    faults = answer.json()["faults"]
    assert [fault["line"] for fault in faults] == [3, 4, 5, 6]
    for fault, said in zip(faults, ("UTF-8", "longer", "line 2", "quotation"), strict=True):
        assert said in fault["reason"]
    assert known(world, first, last) == [first, last]


def test_two_faults_of_a_line_are_both_told(world: Registers) -> None:
    answer = sent(world, f"{HEADER}no,GTL,,Shanghai,\n")
    assert [fault["column"] for fault in answer.json()["report"]["faults"]] == ["vin", "region"]


def test_a_long_report_is_whole(world: Registers) -> None:
    lines = 5000  # their faults are longer than what is sent in one piece
    answer = sent(world, HEADER + "no,=x,-y,zz,lorry\n" * lines, dry_run=True)
    assert len(answer.content) > 1_000_000
    assert len(answer.json()["faults"]) == 5 * lines
    refused = sent(world, HEADER + "no,=x,-y,zz,lorry\n" * lines)
    assert len(refused.json()["report"]["faults"]) == 5 * lines


def test_a_list_is_bounded(world: Registers) -> None:
    huge = sent(world, b"x" * (16 * 1024 * 1024 + 1))
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    # Without a length nobody knows how much will come. At the bound the connection is closed, with
    # the answer on it where we get to read it.
    with suppress(httpx2.TransportError):
        answer = world.as_("Maker").post(
            IMPORT, content=endless(), headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 413
    many = "vin\n" + "no\n" * 100_001
    report = sent(world, many, dry_run=True).json()
    assert "100,000" in report["faults"][-1]["reason"]


@pytest.mark.parametrize(
    "media_type", ["application/json", "text/plain", "multipart/form-data", ""]
)
def test_what_is_no_csv_is_refused(world: Registers, media_type: str) -> None:
    answer = world.as_("Maker").post(IMPORT, content=b"vin\n", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_report_is_json_whatever_a_cell_holds(world: Registers) -> None:
    answer = sent(world, 'vin,model\n"\u2028</script>\\u0000",x\n')
    assert json.loads(answer.content)["report"]["faults"][0]["line"] == 2


def test_vehicles_of_another_cell_are_refused_however_they_are_registered(
    world: Registers,
) -> None:
    one, other = new_vin(), new_vin()
    maker, connection = world.as_("Maker"), world.database.connection
    assert maker.post(VEHICLES, json={"vin": one}).status_code == 201
    here, there = (
        Cell(cell=0, regions=("CN",), is_here=True),
        Cell(cell=2, regions=("DE",), is_here=False),
    )
    set_directory(connection, [here, there])
    try:
        text = f"vin,region\n{other},DE-BY\n"
        answers = [
            maker.post(VEHICLES, json={"vin": other, "region": "DE-BY"}),
            maker.patch(f"{VEHICLES}/{one}", json={"region": "DE-BY"}),
            sent(world, text),
            sent(world, text, dry_run=True),
        ]
        for answer in answers:
            told = answer.json()
            assert (answer.status_code, told["code"]) == (422, "invalid_parameter"), answer.text
            assert "is of region DE-BY, which is kept in cell 2" in told["detail"]
        put_elsewhere(connection, [other], 2)
        refused = maker.post(VEHICLES, json={"vin": other})
        assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "vin")
        with pytest.raises(StorageError) as error:
            import_vehicles(connection, [{"vin": other, "check_digit_ok": True}], writes=True)
        assert "kept in cell 2" in str(error.value)
        assert "PL/pgSQL" not in str(error.value)
    finally:
        connection.execute("DELETE FROM vehicle_elsewhere")
        set_directory(connection, [Cell(cell=0, regions=(), is_here=True)])
    assert known(world, other) == []
