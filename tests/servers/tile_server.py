"""A server of map tiles on this machine, and what it was asked for."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterator


class TileServer:
    """It draws each tile's number on it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.referers: set[str] = set()
        tiles = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                tiles.asked.append(self.path)
                tiles.referers.add(self.headers.get("referer", ""))
                image = Image.new("RGB", (256, 256), (222, 230, 220))
                draw = ImageDraw.Draw(image)
                draw.rectangle((0, 0, 255, 255), outline=(170, 190, 170))
                draw.text((12, 12), self.path, fill=(90, 110, 90))
                body = io.BytesIO()
                image.save(body, "PNG")
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(body.tell()))
                self.end_headers()
                self.wfile.write(body.getvalue())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@contextmanager
def tile_server() -> Iterator[TileServer]:
    """One that answers as long as the block lasts."""
    tiles = TileServer()
    yield tiles
    tiles.server.shutdown()
    tiles.server.server_close()
