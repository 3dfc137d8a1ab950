"""Who runs PostgreSQL: it refuses to be root, so root lends it an unprivileged user."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from servers.errors import HomeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CANDIDATES = ("postgres", "nobody")
"""Users that exist for such a purpose, or on every machine."""


class RunAs(TypedDict, total=False):
    """Arguments of `subprocess` that run a program as somebody else."""

    user: int
    group: int
    extra_groups: Iterable[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemUser:
    """An account of this machine, without its further groups."""

    name: str
    uid: int
    gid: int

    @property
    def run_as(self) -> RunAs:
        """Run a program as this user and with no other group."""
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}


def for_data(data: Path) -> SystemUser | None:
    """The user PostgreSQL has to run as; None where it can be ourselves.

    Args:
        data: PostgreSQL's data folder, which may not exist yet; one that does decides by its owner.

    Raises:
        HomeError: we are not root and the data belongs to somebody else, or we are and there is
            nobody to lend.
    """
    owner = _account(data.stat().st_uid) if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.uid != os.geteuid():
            raise HomeError(
                f"{data} belongs to {owner.name}, as it was made when root ran `telemetry up`. Run "
                "it as root again, or let TELEMETRY_HOME name a folder of your own."
            )
        return None
    if owner is not None and owner.uid != 0:
        return owner
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(name=name, uid=found.pw_uid, gid=found.pw_gid)
    raise HomeError(
        f"PostgreSQL refuses to run as root, and this machine has none of the users "
        f"{', '.join(CANDIDATES)}. Run `telemetry up` as an ordinary user, or make one: "
        "`useradd --system postgres`."
    )


def require_passage(folder: Path, user: SystemUser) -> None:
    """See that a user can reach a folder through all its parents.

    Raises:
        HomeError: names the first parent that is closed to the user.
    """
    for parent in reversed([folder, *folder.parents]):
        mode = parent.stat()
        if mode.st_uid == user.uid:
            open_to_user = mode.st_mode & stat.S_IXUSR
        elif mode.st_gid == user.gid:
            open_to_user = mode.st_mode & stat.S_IXGRP
        else:
            open_to_user = mode.st_mode & stat.S_IXOTH
        if not open_to_user:
            raise HomeError(
                f"PostgreSQL refuses to run as root and runs as {user.name}, who may not enter "
                f"{parent}, a parent of its data. Let TELEMETRY_HOME name a folder elsewhere (such "
                f"as /var/lib/telemetry), or open the way: `chmod o+x {parent}`."
            )


def _account(uid: int) -> SystemUser:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return SystemUser(name=f"user {uid}", uid=uid, gid=uid)
    return SystemUser(name=found.pw_name, uid=uid, gid=found.pw_gid)
