"""Over how many days what ingest did is told."""

from datetime import UTC, date, datetime, timedelta

from pydantic import Field

from api.parameters import Parameters

MAX_DAYS = 90


class DaysQuery(Parameters):
    """Over which time it is counted."""

    days: int = Field(
        default=7, ge=1, le=MAX_DAYS, description="The last days, today included.", examples=[7]
    )

    @property
    def first_day(self) -> date:
        """The first of them, UTC."""
        return datetime.now(tz=UTC).date() - timedelta(days=self.days - 1)
