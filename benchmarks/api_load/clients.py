"""Many clients in one process: each asks over a connection of its own and notes how long it took.

A client is a few lines over asyncio's streams, so that what is measured is the server: on a machine
of few cores a client with all comforts would take as much processor time as what it asks.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Any

from benchmarks.api_load.questions import KINDS, Client, choose

SEED = 11

Answers = list[tuple[str, float, int, int]]
"""Question, seconds, status and length of each."""


KEPT_S = 3.0
"""For how long a connection is used again: less than a server waits for the next request [s]."""


class Connection:
    """A connection that is kept."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._unused_since = 0.0

    async def get(self, address: str, headers: dict[str, str]) -> tuple[int, int, str | None]:
        """Ask; returns status and length, and of an answer in JSON with a next page its address."""
        if self._streams is not None and time.monotonic() > self._unused_since + KEPT_S:
            self._streams[1].close()
            self._streams = None
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(
            f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {self._key}\r\n{lines}\r\n"
            "".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        fields = dict(
            line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
        )
        length, tail = 0, b""
        if fields.get(b"transfer-encoding") == b"chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
                length += size
            await reader.readexactly(2)
        else:
            length = int(fields.get(b"content-length", b"0"))
            tail = (await reader.readexactly(length))[-400:]
        following = None
        if b'"next":"' in tail:
            following = json.loads(b"{" + tail[tail.rindex(b'"next":"') :])["next"]
        self._unused_since = time.monotonic()
        return status, length, following


async def _one(
    client: Client, port: int, task: dict[str, Any], answers: Answers, number: int
) -> None:
    chance = random.Random(SEED + number)  # noqa: S311 - no secret
    connection = Connection(port, client.key)
    ends, most = time.monotonic() + task["seconds"], task["requests"]
    if task["pause_s"]:
        await asyncio.sleep(chance.random() * task["pause_s"])
    while time.monotonic() < ends and most != 0:
        most = None if most is None else most - 1
        if task["kind"] is None:
            name = choose(client, chance)
            kind = KINDS[name]
            address, headers = kind.address(client, chance), dict(kind.headers)
        else:
            name, headers = task["kind"], dict(task["headers"])
            address = task["address"].replace("VIN", chance.choice(task["vins"] or client.vins))
        began = time.perf_counter()
        status, length, following = await connection.get(address, headers)
        while task["follow"] and following is not None:
            status, more, following = await connection.get(following, headers)
            length += more
        answers.append((name, time.perf_counter() - began, status, length))
        if task["pause_s"]:
            await asyncio.sleep(chance.expovariate(1 / task["pause_s"]))


async def _all(port: int, clients: list[Client], task: dict[str, Any]) -> Answers:
    answers: Answers = []
    async with asyncio.TaskGroup() as group:
        for number, client in enumerate(clients[task["from"] :][: task["clients"]]):
            group.create_task(_one(client, port, task, answers, number))
    return answers


def main() -> None:
    """Do task after task: a line of JSON each, on standard input and output."""
    told = json.loads(sys.stdin.readline())
    clients = [Client(**one) for one in told["clients"]]
    for line in sys.stdin:
        task = json.loads(line)
        began, used = time.monotonic(), time.process_time()
        answers = asyncio.run(_all(told["port"], clients, task))
        print(
            json.dumps(
                {
                    "answers": answers,
                    "seconds": time.monotonic() - began,
                    "cpu_s": time.process_time() - used,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
