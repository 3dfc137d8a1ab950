from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from servers.errors import DiskFullError, HomeError, LockedError
from servers.home import Home

Usage = namedtuple("Usage", "total used free")

HOLDS_THE_LOCK = """
import sys, time
from pathlib import Path
from servers.home import Home
with Home(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_prepared_home_has_its_folders_and_stays_out_of_commits(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "home")
    home.prepare()
    assert home.kafka.is_dir()
    assert home.postgres.is_dir()
    assert (home.root / ".gitignore").read_text() == "*\n"
    (home.root / ".gitignore").write_text("mine\n")
    home.prepare()
    assert (home.root / ".gitignore").read_text() == "mine\n"


def test_with_less_than_a_gigabyte_free_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 0, 999_000_000))
    with pytest.raises(DiskFullError, match="has 999 MB free; the servers need 1,000 MB"):
        Home(tmp_path).require_space()


def test_a_disk_that_fills_up_midway_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 0, 4096))
    with (
        pytest.raises(DiskFullError, match="Free some space") as caught,
        Home(tmp_path).explained(),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.free_bytes == 4096  # as the disk was made to say


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HomeError, match=r"file.*TELEMETRY_HOME"):
        Home(tmp_path / "file" / "home").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_is_not_writable_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(HomeError, match="Permission denied"):
        Home(tmp_path / "home").prepare()


def test_other_troubles_of_the_system_are_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError), Home(tmp_path).explained():
        raise TimeoutError(errno.ETIMEDOUT, "slow")


def test_a_second_up_waits_and_then_names_who_holds_the_lock(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (
        home.locked(),
        pytest.raises(LockedError, match=rf"\(process {os.getpid()}\)"),
        home.locked(wait_s=0.2),
    ):
        raise AssertionError("two held the lock")
    with home.locked(wait_s=0):
        assert home.lock_file.exists()


def test_a_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS_THE_LOCK, str(tmp_path)]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": root}
    ) as crashing:
        assert crashing.stdout is not None
        assert crashing.stdout.readline() == b"held\n"
        crashing.send_signal(signal.SIGKILL)
    with Home(tmp_path).locked(wait_s=0):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
