"""The API as `telemetry serve` runs it, in a process of its own, with two addresses more.

These return fixed bytes behind the same sign-in, scopes, limits and log as all others: what is left
of another address's time beside theirs is what its answer costs. They exist here alone.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, Path
from pydantic import SecretStr
from starlette.responses import Response

from api import parameters, principal
from api.app import create_app
from api.server import BACKLOG
from api.settings import ApiSettings
from cli.logs import LogFormat, LogSettings, set_up

SMALL = b'{"fixed": true}'

SMALL_PATH = "/v1/vehicles/{vin}/fixed"
LONG_PATH = "/v1/vehicles/{vin}/fixed-{length}"


def main() -> None:
    """Serve on a free port, which is told on standard output, until the process is ended."""
    task = json.loads(sys.stdin.readline())
    set_up(LogSettings(log_format=LogFormat.JSON))
    settings = ApiSettings.model_validate(task["settings"])
    app = create_app(settings, SecretStr(task["dsn"]))
    dependencies = [Depends(principal.caller), Depends(parameters.given_once)]

    @app.get(SMALL_PATH, dependencies=[*dependencies, Depends(parameters.no_parameters)])
    async def small() -> Response:
        return Response(SMALL, media_type="application/json")

    bodies: dict[int, bytes] = {}

    @app.get(LONG_PATH, dependencies=[*dependencies, Depends(parameters.no_parameters)])
    async def long(length: Annotated[int, Path(le=10_000_000)]) -> Response:
        body = bodies.setdefault(length, b"7" * length)
        return Response(body, media_type="application/json")

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
