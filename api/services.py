"""What a request needs, made once for the application and handed to its endpoints."""

import time
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from api.accesses import AccessLog
from api.authorization import Server
from api.identity import Identifier
from api.limits import RateLimits
from api.sessions import Sessions
from api.settings import ApiSettings
from api.throttle import SignInThrottle, Turns
from api.watch import Watch
from schemas.catalogue import Catalogue
from storage.answers import Greeting
from storage.errors import SchemaError
from storage.migrate import migrations
from storage.served import Reader
from storage.served_behaviour import BehaviourReader
from storage.served_fuel import AdviceReader, FuelReader
from storage.served_identity import IdentityReader
from storage.served_reports import ReportReader
from storage.served_search import SearchReader


@dataclass(kw_only=True, slots=True)
class Services:
    """The application's parts."""

    settings: ApiSettings
    catalogue: Catalogue
    reader: Reader
    watch: Watch
    accesses: AccessLog
    identifier: Identifier | None = None
    """Tells who asks; None where nobody signs in."""
    authorization: Server | None = None
    """Gives out tokens; None where nobody signs in, or a provider gives them out."""
    sessions: Sessions | None = None
    """People in a browser; None where nobody signs in, or a provider has them sign in."""
    throttle: SignInThrottle
    passwords: Turns = field(default_factory=Turns)
    rfms_limits: RateLimits = field(init=False)
    _party_id: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin to count requests."""
        self.rfms_limits = RateLimits(self.settings.api_rfms_requests_per_minute, time.time)

    @property
    def reports(self) -> ReportReader:
        """What the reader can say of vehicles' reports."""
        return ReportReader(self.reader)

    @property
    def identity(self) -> IdentityReader:
        """What the reader can say of those who ask."""
        return IdentityReader(self.reader)

    @property
    def behaviour(self) -> BehaviourReader:
        """What the reader can say of driving."""
        return BehaviourReader(self.reader)

    @property
    def fuel(self) -> FuelReader:
        """What the reader can say of fuel."""
        return FuelReader(self.reader)

    @property
    def advice(self) -> AdviceReader:
        """What the reader can say of advice, and the way to answer it."""
        return AdviceReader(self.reader)

    @property
    def search(self) -> SearchReader:
        """What the reader can say of where vehicles are and what they do."""
        return SearchReader(self.reader)

    async def party_id(self) -> int:
        """The number of the party as which requests read; asked once the database is ready.

        Raises:
            SchemaError: the database is not what this code needs, or lacks the party.
            DatabaseUnreachableError: it does not answer.
        """
        if self._party_id is None:
            self._party_id = (await self._checked()).party_id
        if self._party_id is None:
            raise self._no_party()
        return self._party_id

    async def check(self) -> None:
        """Ask the database whether it is what this code needs.

        Raises:
            SchemaError: it is not; the message says what to do.
            DatabaseUnreachableError: it does not answer.
        """
        greeting = await self._checked()
        if greeting.party_id is None and self.identifier is None:
            raise self._no_party()

    async def _checked(self) -> Greeting:
        greeting = await self.reader.greeting(self.settings.api_party)
        newest = migrations()[-1].version
        if greeting.migration != newest or (greeting.catalogue or 0) < self.catalogue.version:
            raise SchemaError(
                f"The database stands at migration {greeting.migration} and catalogue "
                f"{greeting.catalogue}, this code needs {newest} and {self.catalogue.version}: run "
                "`telemetry migrate`, or the code that fits."
            )
        return greeting

    def _no_party(self) -> SchemaError:
        return SchemaError(
            f"The database knows no party {self.settings.api_party!r}: run `telemetry migrate`, or "
            "name another with TELEMETRY_API_PARTY."
        )


def of_request(request: Request) -> Services:
    """The services of the application that answers this request."""
    return cast("Services", request.app.state.services)


App = Annotated[Services, Depends(of_request)]
"""An endpoint's parameter that is the application's services."""
