"""Logs for people or for machines: a line an event, in UTC, and nothing said a hundred times.

What a record concerns (topic, partition, offset, vin) travels beside its text as `extra`: JSON
shows it as fields of their own.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_S = 30.0
"""How long a library's line is not repeated [s]."""

TALKATIVE = "kafka"
"""The logger of a library that says the same ten times a second while its broker is away."""

_TIME, _MILLISECONDS = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"
"""2026-11-01T08:00:00.123Z"""

LINES_REMEMBERED = 1000
"""Different lines of that library that are known again."""


class LogFormat(StrEnum):
    """How a record is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """What is written: this and whatever is graver."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSettings(BaseSettings):
    """Settings of the logs, each by an environment variable `TELEMETRY_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="TELEMETRY_", env_ignore_empty=True, extra="ignore"
    )

    log_format: LogFormat = Field(
        default=LogFormat.TEXT, description="text for people, json for machines."
    )
    log_level: LogLevel | None = Field(
        default=None,
        description="debug, info, warning or error; unset: warning, and what a command's own work "
        "is worth telling.",
    )


def set_up(settings: LogSettings) -> None:
    """Send every logger's records to standard error, as settings say."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if settings.log_format is LogFormat.JSON else Text())
    handler.addFilter(Repeats())
    level = settings.log_level or LogLevel.WARNING
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    library = logging.INFO if level is LogLevel.DEBUG else logging.ERROR
    logging.getLogger(TALKATIVE).setLevel(library)


def tell(name: str, settings: LogSettings) -> None:
    """Have a logger say what it does, unless a level is set."""
    if settings.log_level is None:
        logging.getLogger(name).setLevel(logging.INFO)


class Text(logging.Formatter):
    """`2026-11-01T08:00:00.123Z WARNING ingest.worker text`; only a traceback takes more lines."""

    converter = staticmethod(time.gmtime)
    default_time_format, default_msec_format = _TIME, _MILLISECONDS

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line, whatever the text holds."""
        return "\\n".join(super().formatMessage(record).splitlines())


class Json(JsonFormatter):
    """An object a line: level, logger, message, what the record concerns, time."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message", "asctime"],
            rename_fields={
                "levelname": "level",
                "name": "logger",
                "asctime": "time",
                "exc_info": "traceback",
            },
            json_ensure_ascii=False,
        )
        self.converter = time.gmtime
        self.default_time_format, self.default_msec_format = _TIME, _MILLISECONDS


@dataclass(slots=True)
class _Line:
    """A line that was let through."""

    again_at: float
    """When it may come again, by the monotonic clock."""
    held_back: int = 0


class Repeats(logging.Filter):
    """Lets a line of a talkative library through once in a while, with how often it came meanwhile.

    Lines are the same that come from the same place with the same text but for its numbers.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lines: dict[tuple[str, str], _Line] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; its text may get an end."""
        if record.name.partition(".")[0] != TALKATIVE:
            return True
        key = (record.name, re.sub(r"\d+", "#", str(record.msg)))
        now, line = self._clock(), self._lines.get(key)
        if line is not None and now < line.again_at:
            line.held_back += 1
            return False
        if len(self._lines) >= LINES_REMEMBERED:
            self._lines.clear()
        self._lines[key] = _Line(again_at=now + QUIET_S)
        if line is not None and line.held_back:
            record.msg = f"{record.getMessage()} … {line.held_back} more times since"
            record.args = ()
        return True
