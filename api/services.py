"""What a request needs, made once for the application and handed to its endpoints."""

import time
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from api.access_log import AccessLog
from api.fuel.prices import Prices
from api.identity import Identifier
from api.limits import RateLimits
from api.settings import ApiSettings
from api.signing_in.authorization import Server
from api.signing_in.provider_sign_in import ProviderSignIn
from api.signing_in.sessions import Sessions
from api.signing_in.throttle import SignInThrottle, Turns
from api.twins import Twins
from api.vehicles.state_text import StateWriter
from api.vehicles.watch import Watch
from api.webhooks.addresses import Rules
from api.webhooks.vault import Vault
from schemas.catalogue import Catalogue
from storage.answers import Greeting
from storage.errors import SchemaError
from storage.migrate import migrations
from storage.served import Reader
from storage.served_accounts import Accounts
from storage.served_behaviour import BehaviourReader
from storage.served_care import CareReader
from storage.served_datasets import DatasetReader
from storage.served_fuel import AdviceReader, FuelReader
from storage.served_grants import Grants
from storage.served_identity import IdentityReader
from storage.served_models import ModelReader
from storage.served_overview import OverviewReader
from storage.served_prices import PriceReader
from storage.served_registers import Registers
from storage.served_reports import ReportReader
from storage.served_search import SearchReader
from storage.served_service import ServiceReader
from storage.served_surveys import SurveyReader
from storage.served_vehicles import VehicleReader
from storage.served_webhooks import WebhookReader


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
    """People in a browser; None where nobody signs in, or nobody can in a browser."""
    provider: ProviderSignIn | None = None
    """The way to the identity provider; None where people sign in with us."""
    throttle: SignInThrottle
    vault: Vault | None = None
    """Seals webhooks' secrets; None where no keys are named."""
    passwords: Turns = field(default_factory=Turns)
    twins: Twins = field(default_factory=Twins)
    rfms_limits: RateLimits = field(init=False)
    webhook_rules: Rules = field(init=False)
    states: StateWriter = field(init=False)
    prices: Prices = field(init=False)
    _party_id: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin to count requests, and prepare what answers are written with."""
        self.webhook_rules = Rules(self.settings.private_networks)
        self.states = StateWriter(self.catalogue)
        self.prices = Prices(PriceReader(self.reader), self.settings)
        self.rfms_limits = RateLimits(self.settings.api_rfms_requests_per_minute, time.time)

    @property
    def vehicles(self) -> VehicleReader:
        """What the reader can say of one vehicle."""
        return VehicleReader(self.reader)

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
    def datasets(self) -> DatasetReader:
        """What the reader can say of datasets, and the way to define them."""
        return DatasetReader(self.reader)

    @property
    def surveys(self) -> SurveyReader:
        """What the reader can say of many vehicles together."""
        return SurveyReader(self.reader)

    @property
    def models(self) -> ModelReader:
        """What the reader can say of models."""
        return ModelReader(self.reader)

    @property
    def search(self) -> SearchReader:
        """What the reader can say of where vehicles are and what they do."""
        return SearchReader(self.reader)

    @property
    def webhooks(self) -> WebhookReader:
        """What the reader can say of webhooks, and the way to change them."""
        return WebhookReader(self.reader)

    @property
    def registers(self) -> Registers:
        """Vehicles, parties, drivers and fleets, and the way to change them."""
        return Registers(self.reader)

    @property
    def grants(self) -> Grants:
        """Who may see whose vehicles, and the way to change it."""
        return Grants(self.reader)

    @property
    def accounts(self) -> Accounts:
        """A party's accounts, clients and keys, and the way to change them."""
        return Accounts(self.reader)

    @property
    def care(self) -> CareReader:
        """Vehicles that want care, and the way to say that one was seen to."""
        return CareReader(self.reader)

    @property
    def overview(self) -> OverviewReader:
        """What the maker asks of all vehicles and of ingest."""
        return OverviewReader(self.reader)

    @property
    def service(self) -> ServiceReader:
        """What the reader can say of places and services."""
        return ServiceReader(self.reader)

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


def services_of(request: Request) -> Services:
    """The services of the application that answers this request."""
    return cast("Services", request.app.state.services)


async def of_request(request: Request) -> Services:
    """The same, for endpoints to depend on.

    (Dependencies are coroutines even where they wait for nothing: FastAPI runs functions in
    threads, and going there and back takes longer than most of what they do.)
    """
    return services_of(request)


App = Annotated[Services, Depends(of_request)]
"""An endpoint's parameter that is the application's services."""
