"""What can go wrong with exported data."""

from schemas.errors import TelemetryError


class ExportError(TelemetryError):
    """An export cannot be written or read; the message says where, and what to do."""


class LeakError(TelemetryError):
    """Something is known of a row that was not known at its moment; the message names it."""
