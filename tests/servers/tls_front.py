"""TLS before a PostgreSQL that has none: what a server with ssl=on does, for tests.

Answers PostgreSQL's SSLRequest with S, speaks TLS from then on and hands everything through; it
hangs up on whoever does not ask for TLS, where `hostssl` alone in pg_hba.conf would refuse.
"""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import struct
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.certificates import Certificate

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
CHUNK_BYTES = 65536


@contextmanager
def tls_front(certificate: Certificate, behind: tuple[str, int]) -> Iterator[int]:
    """Listen on loopback before that address; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # A client that does not trust us hangs up in the middle of it.
            with suppress(OSError):
                if not _asks_for_tls(self.request):
                    return
                self.request.sendall(b"S")
                with (
                    context.wrap_socket(self.request, server_side=True) as client,
                    socket.create_connection(behind) as server,
                ):
                    _hand_through(client, server)

    class Front(socketserver.ThreadingTCPServer):
        daemon_threads = True
        address_family = socket.AF_INET

    with Front(("127.0.0.1", 0), Handler) as front:
        thread = Thread(target=front.serve_forever)
        thread.start()
        try:
            yield int(front.server_address[1])
        finally:
            front.shutdown()
            thread.join()


def _asks_for_tls(client: socket.socket) -> bool:
    while True:
        _, code = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
        if code != GSS_REQUEST:
            return bool(code == SSL_REQUEST)
        client.sendall(b"N")


def _hand_through(client: ssl.SSLSocket, server: socket.socket) -> None:
    ways = {client: server, server: client}
    while True:
        readable = [client] if client.pending() else select.select(list(ways), [], [])[0]
        for source in readable:
            data = source.recv(CHUNK_BYTES)
            if not data:
                return
            ways[source].sendall(data)
