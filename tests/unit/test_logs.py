"""Logs: a line an event, in UTC, with what it concerns, and nothing said a hundred times."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from typing import TYPE_CHECKING

import pytest

from cli import logs
from cli.logs import Json, LogFormat, LogLevel, LogSettings, Repeats, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC_MS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    root, names = logging.getLogger(), ("kafka", "ingest")
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in names:
        logging.getLogger(name).setLevel(levels[name])


def written(
    formatter: logging.Formatter, name: str = "ingest.worker", *, filtered: Repeats | None = None
) -> tuple[logging.Logger, io.StringIO]:
    """A logger and what it writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    if filtered is not None:
        handler.addFilter(filtered)
    logger = logging.Logger(name)  # noqa: LOG001 - one that nobody else has
    logger.addHandler(handler)
    return logger, stream


def test_text_is_one_line_in_utc_whatever_it_holds() -> None:
    logger, stream = written(Text())
    logger.warning("refused %s\nand\r\nmore", "a message")
    assert re.fullmatch(
        UTC_MS + r" WARNING ingest\.worker refused a message\\nand\\nmore\n", stream.getvalue()
    )


def test_time_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    record = logging.LogRecord("x", logging.INFO, "", 0, "text", (), None)
    record.created, record.msecs = 1_790_000_000.5, 500.0
    assert Text().format(record).startswith("2026-09-21T14:13:20.500Z ")
    assert json.loads(Json().format(record))["time"] == "2026-09-21T14:13:20.500Z"
    monkeypatch.undo()
    time.tzset()


def test_json_has_what_the_record_concerns_as_fields() -> None:
    logger, stream = written(Json())
    concerned = {"topic": "t", "partition": 4, "offset": 17, "vin": "LFWSRXSJ9M1F00001"}
    logger.warning("refused %d\nmessages", 3, extra=concerned)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert re.fullmatch(UTC_MS, found.pop("time"))
    assert found == {
        "level": "WARNING",
        "logger": "ingest.worker",
        "message": "refused 3\nmessages",
        **concerned,
    }


def test_a_traceback_is_part_of_its_line_of_json() -> None:
    logger, stream = written(Json())
    try:
        int("no number")
    except ValueError:
        logger.exception("it failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["traceback"]


def test_a_library_s_line_comes_once_in_a_while_with_how_often_it_came() -> None:
    now = [0.0]
    logger, stream = written(Text(), "kafka.net.manager", filtered=Repeats(lambda: now[0]))
    for number in range(58):
        logger.error(f"attempt {number} to %s failed", "bootstrap-0")  # noqa: G004 - as the library does
    assert len(stream.getvalue().splitlines()) == 1
    logger.error("something else")
    now[0] = 31.0
    logger.error("attempt 58 to %s failed", "bootstrap-0")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[2].endswith("attempt 58 to bootstrap-0 failed … 57 more times since")
    now[0] = 62.0
    logger.error("attempt 59 to %s failed", "bootstrap-0")
    assert stream.getvalue().splitlines()[3].endswith("attempt 59 to bootstrap-0 failed")


def test_our_own_lines_are_never_held_back() -> None:
    logger, stream = written(Text(), "ingest.worker", filtered=Repeats(lambda: 0.0))
    for _ in range(20):
        logger.warning("refused")
    assert len(stream.getvalue().splitlines()) == 20


def test_lines_that_are_all_different_do_not_fill_the_memory() -> None:
    repeats = Repeats(lambda: 0.0)
    logger, _ = written(Text(), "kafka.x", filtered=repeats)
    for number in range(2 * logs.LINES_REMEMBERED):
        logger.error("x" * number)
    assert len(repeats._lines) <= logs.LINES_REMEMBERED


@pytest.mark.parametrize(
    ("level", "ours", "root", "library"),
    [
        (None, logging.INFO, logging.WARNING, logging.ERROR),
        (LogLevel.ERROR, logging.ERROR, logging.ERROR, logging.ERROR),
        (LogLevel.INFO, logging.INFO, logging.INFO, logging.ERROR),
        (LogLevel.DEBUG, logging.DEBUG, logging.DEBUG, logging.INFO),
    ],
)
def test_levels_are_as_settings_say_and_the_library_is_quieter(
    level: LogLevel | None, ours: int, root: int, library: int
) -> None:
    settings = LogSettings(log_level=level)
    logging.getLogger("ingest").setLevel(logging.NOTSET)
    logs.set_up(settings)
    logs.tell("ingest", settings)
    assert logging.getLogger("ingest.worker").getEffectiveLevel() == ours
    assert logging.getLogger("any").getEffectiveLevel() == root
    assert logging.getLogger("kafka.net").getEffectiveLevel() == library


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_LOG_FORMAT", "json")
    monkeypatch.setenv("TELEMETRY_LOG_LEVEL", "debug")
    settings = LogSettings()
    assert (settings.log_format, settings.log_level) == (LogFormat.JSON, LogLevel.DEBUG)
    monkeypatch.setenv("TELEMETRY_LOG_LEVEL", "")  # as docker compose passes what is not set
    assert LogSettings().log_level is None
