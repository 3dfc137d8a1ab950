"""A mapping is checked when it is loaded, and says what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.errors import ReplayError
from ingest.gateways import mapping
from schemas import catalogue as catalogues

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = catalogues.default()

GOOD = """
description = "A test's"
[time]
column = "t"
kind = "elapsed_s"
[[signal]]
column = "v"
unit = "m/s"
name = "wheel_speed"
"""


def load(tmp_path: Path, text: str) -> mapping.Mapping:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    return mapping.load(str(file), CATALOGUE)


@pytest.mark.parametrize("name", mapping.packaged())
def test_packaged_mapping_loads(name: str) -> None:
    found = mapping.load(name, CATALOGUE)
    assert found.description == mapping.packaged()[name]
    assert found.columns


def test_own_mapping_is_loaded_by_its_path(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert [(c.column, c.signal.name, c.conversion.scale) for c in found.columns] == [
        ("v", "wheel_speed", 3.6)
    ]
    by_path = load(tmp_path, GOOD.replace('"wheel_speed"', '"Vehicle.Speed"'))
    assert by_path.columns == found.columns


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"m/s"',
            '"furlong"',
            "column v: no way from 'furlong' to 'km/h', the unit of wheel_speed",
        ),
        ('"wheel_speed"', '"wheel_sped"', "column v: .*wheel_sped.*did you mean wheel_speed"),
        ('kind = "elapsed_s"', 'kind = "seconds"', "time.kind"),
        ('kind = "elapsed_s"', 'kind = "elapsed_s"\npause_s = -1', "time.pause_s"),
        ('column = "t"', "", "time.column"),
        ("[time]", "[tmie]", "tmie"),
        ('description = "A test\'s"', "", "description"),
        ('unit = "m/s"', "", r"signal\.0\.unit"),
        ('unit = "m/s"', 'unit = "m/s"\nscale = 3', "scale"),
        ("[[signal]]", "[[signal]", "not as it should be"),
    ],
)
def test_wrong_mapping_is_refused_with_what_is_wrong(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(ReplayError, match=said) as refused:
        load(tmp_path, GOOD.replace(old, new))
    assert "own.toml" in str(refused.value)


def test_mapping_without_signals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="signal"):
        load(tmp_path, GOOD[: GOOD.index("[[signal]]")])


def test_signal_given_twice_is_refused_by_its_name(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("[[signal]]") :].replace('"v"', '"w"')
    with pytest.raises(ReplayError, match="gives wheel_speed twice"):
        load(tmp_path, GOOD + again)


@pytest.mark.parametrize("name", ["", "no_such_mapping", "/", "../kit_diesel_car"])
def test_missing_mapping_names_those_there_are(name: str) -> None:
    with pytest.raises(ReplayError, match="kit_diesel_car, vt_heavy_truck"):
        mapping.load(name, CATALOGUE)


def test_mapping_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ReplayError, match="utf-8"):
        mapping.load(str(file), CATALOGUE)
