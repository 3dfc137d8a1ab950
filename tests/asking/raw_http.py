"""HTTP as no client library would send it: bytes over a socket, and what comes back."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.asking.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What came back until the other side closed; status 0: nothing did."""

    status: int
    head: str
    body: bytes


@contextmanager
def connected(client: httpx2.Client) -> Iterator[socket.socket]:
    """A socket to where a client's requests go."""
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address, timeout=PATIENCE_S) as made:
        yield made


def received(wire: socket.socket) -> Raw:
    """All that comes until the other side closes."""
    pieces = []
    with suppress(ConnectionResetError):  # it closed with something of ours unread
        while piece := wire.recv(65_536):
            pieces.append(piece)
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    status = int(head[9:12]) if head else 0
    return Raw(status=status, head=head.decode("latin-1"), body=body)


def pipelined(client: httpx2.Client, requests: list[bytes]) -> list[int]:
    """The statuses of requests that are sent in one piece; the last asks to be the last.

    They, and their answers, have to find room in the socket's buffers.
    """
    with connected(client) as wire:
        wire.sendall(b"".join(requests))
        pieces = []
        while piece := wire.recv(65_536):
            pieces.append(piece)
    return [int(status) for status in _STATUS.findall(b"".join(pieces))]


def sent(client: httpx2.Client, data: bytes, *, ends: bool = False) -> Raw:
    """The answer to bytes; `ends`: the other side is told that no more come."""
    with connected(client) as wire:
        with suppress(OSError):  # it has heard enough
            wire.sendall(data)
            if ends:
                wire.shutdown(socket.SHUT_WR)
        return received(wire)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A request that asks to be the last of its connection."""
    head = [f"{line} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1") + body
