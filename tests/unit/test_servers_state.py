from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from servers.errors import HomeError
from servers.processes import ProcessIdentity
from servers.state import Entry, StateFile

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = Entry(port=9092, version="4.4.0", process=ProcessIdentity(pid=7, started_s=12.5))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")
    state.write("kafka", ENTRY)
    assert StateFile(state.path).read("kafka") == ENTRY
    assert state.read("postgres") is None


def test_two_threads_that_write_lose_nothing_of_each_other(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")

    def write(server: str) -> None:
        for port in range(50):
            state.write(server, replace(ENTRY, port=port))

    threads = [Thread(target=write, args=(name,)) for name in ("kafka", "postgres")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = replace(ENTRY, port=49)  # each thread's last of 50
    assert (state.read("kafka"), state.read("postgres")) == (last, last)
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["{half", '{"kafka": {"port": 1}}', "[]", '{"kafka": 3}'])
def test_a_damaged_state_file_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    state = StateFile(tmp_path / "state.json")
    state.path.write_text(text)
    with pytest.raises(HomeError, match=r"state\.json is not a state file.*delete the file"):
        state.read("kafka")
