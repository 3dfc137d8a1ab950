from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from servers import ports
from servers.errors import PortTakenError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def taken() -> Iterator[int]:
    """A loopback port that this process listens on."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield int(server.getsockname()[1])


def test_a_taken_port_that_a_setting_wants_is_an_error_that_names_setting_and_holder(
    taken: int,
) -> None:
    with pytest.raises(PortTakenError) as caught:
        ports.choose(setting="TELEMETRY_KAFKA_PORT", wanted=taken, remembered=None)
    said = str(caught.value)
    assert f"Port {taken} (TELEMETRY_KAFKA_PORT) is taken by" in said
    assert f"(process {os.getpid()})" in said
    assert caught.value.port == taken


def test_a_remembered_port_is_kept_while_it_is_free() -> None:
    (before,) = ports.free(1)
    assert ports.choose(setting="X", wanted=0, remembered=before) == before


def test_a_remembered_port_that_somebody_took_is_given_up(taken: int) -> None:
    chosen = ports.choose(setting="X", wanted=0, remembered=taken)
    assert chosen != taken
    assert ports.is_free(chosen)


def test_free_ports_differ() -> None:
    assert len(set(ports.free(5))) == 5  # as many as were asked for


def test_only_a_listening_port_answers(taken: int) -> None:
    (closed,) = ports.free(1)
    assert ports.answers(ports.LOOPBACK, taken, 1)
    assert not ports.answers(ports.LOOPBACK, closed, 1)
    assert ports.holder(closed) is None
