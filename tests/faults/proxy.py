"""A TCP proxy on loopback that can do to a connection what networks do.

It stands between the workers and a server, so that the server itself, and whoever looks at it
directly, notice nothing. Bytes are never lost within a connection, as TCP loses none: they are held
back, or the connection dies with them.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from servers.ports import LOOPBACK

PIECE_BYTES = 64 << 10
"""What is read at a time [bytes]."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() send a reset instead of an orderly end."""


@dataclass
class _Way:
    """One direction, of all connections together."""

    open: threading.Event = field(default_factory=threading.Event)
    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    """0: as fast as it goes."""

    def delay(self, size: int) -> None:
        """Hold a piece of so many bytes back as long as the network would."""
        wait_s = self.latency_s + (size / self.bytes_per_s if self.bytes_per_s else 0.0)
        if wait_s:
            time.sleep(wait_s)
        self.open.wait()


class Proxy:
    """Forwards connections to one port of loopback.

    Args:
        upstream: the server's port.
    """

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._to_server, self._to_client = _Way(), _Way()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.heal()
        self._thread = threading.Thread(target=self._accept, name=f"proxy {upstream}", daemon=True)
        self._thread.start()

    def heal(self) -> None:
        """Forward everything at once again, what was held back too."""
        for way in (self._to_server, self._to_client):
            way.latency_s = way.bytes_per_s = 0.0
            way.open.set()

    def swallow(self, *, questions: bool = True, answers: bool = True) -> None:
        """Accept bytes and forward none: to the server, to the client, or both, until `heal`."""
        if questions:
            self._to_server.open.clear()
        if answers:
            self._to_client.open.clear()

    def slow(self, *, latency_s: float, bytes_per_s: float) -> None:
        """Delay every piece, both ways, until `heal`."""
        for way in (self._to_server, self._to_client):
            way.latency_s, way.bytes_per_s = latency_s, bytes_per_s

    def reset(self) -> int:
        """Kill every connection that is open now; returns how many there were."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair, abruptly=True)
        return len(pairs)

    def close(self) -> None:
        """End all of it."""
        self._closed = True
        self.heal()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)
        self.reset()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((LOOPBACK, self._upstream), timeout=5)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, target, way in (
                (client, server, self._to_server),
                (server, client, self._to_client),
            ):
                threading.Thread(
                    target=self._pump, args=(pair, source, target, way), daemon=True
                ).start()

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        target: socket.socket,
        way: _Way,
    ) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                way.delay(len(piece))
                target.sendall(piece)
        self._end(pair, abruptly=False)

    def _end(self, pair: tuple[socket.socket, socket.socket], *, abruptly: bool) -> None:
        with self._lock:
            if pair not in self._pairs:
                return
            self._pairs.remove(pair)
        for end in pair:
            with suppress(OSError):
                if abruptly:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                # A thread may sit in recv(): closing alone would not wake it.
                else:
                    end.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                if abruptly:
                    end.shutdown(socket.SHUT_RD)
                end.close()
