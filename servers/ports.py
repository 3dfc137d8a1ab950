"""Loopback ports: the one a setting asks for, else the one clients remember, else a free one."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

import psutil

from servers.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def choose(*, setting: str, wanted: int, remembered: int | None) -> int:
    """The port a server shall listen on.

    Args:
        setting: environment variable that `wanted` comes from.
        wanted: what the setting says; 0 leaves the choice to us.
        remembered: where this server listened last; clients may still know it.

    Raises:
        PortTakenError: somebody listens on `wanted`.
    """
    if wanted:
        if not is_free(wanted):
            raise PortTakenError(wanted, setting, holder(wanted))
        return wanted
    if remembered and is_free(remembered):
        return remembered
    return free(1)[0]


def free(count: int) -> tuple[int, ...]:
    """So many different ports that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(_listener(0)) for _ in range(count)]
        return tuple(int(each.getsockname()[1]) for each in sockets)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    try:
        _listener(port).close()
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise
    return True


def answers(host: str, port: int, timeout_s: float) -> bool:
    """Whether somebody accepts a TCP connection there."""
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError:
        return False
    return True


def holder(port: int) -> str | None:
    """Who listens on a port, such as `java (process 4711)`; None where the system does not tell."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return None
    return None


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As both servers do: a connection that was just closed does not hold a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
