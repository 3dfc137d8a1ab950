from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from servers import system_user
from servers.errors import HomeError
from servers.system_user import SystemUser

STRANGER = SystemUser(name="stranger", uid=54321, gid=54321)


def test_an_ordinary_user_runs_postgresql_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid or 1000)
    assert system_user.for_data(tmp_path / "not yet") is None


def test_root_lends_the_first_user_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_user, "CANDIDATES", ("no-such-user", "nobody"))
    found = system_user.for_data(tmp_path / "not yet")
    assert found is not None
    assert found.uid == pwd.getpwnam("nobody").pw_uid
    assert found.run_as == {"user": found.uid, "group": found.gid, "extra_groups": ()}


def test_root_without_anybody_to_lend_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_user, "CANDIDATES", ("no-such-user",))
    with pytest.raises(HomeError, match="useradd --system postgres"):
        system_user.for_data(tmp_path / "not yet")


def test_files_of_another_user_are_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(HomeError, match="belongs to"):
        system_user.for_data(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_runs_existing_files_as_their_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    found = system_user.for_data(data)
    assert found == SystemUser(name="nobody", uid=nobody.pw_uid, gid=nobody.pw_gid)


def test_a_closed_parent_is_named_with_the_way_out(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "home").mkdir(parents=True)
    closed.chmod(0o700)
    for parent in tmp_path.parents:
        if not parent.stat().st_mode & 0o001:
            closed = parent  # pytest's own folder is closed already: the first one is named
    with pytest.raises(HomeError, match=rf"may not enter {closed}, .*chmod o\+x {closed}"):
        system_user.require_passage(tmp_path / "closed" / "home", STRANGER)


def test_an_open_way_is_no_error() -> None:
    system_user.require_passage(Path("/usr/bin"), STRANGER)
