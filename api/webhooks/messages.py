"""What a message says: read as its party when it is sent, and told as the API tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, Field

from analytics.fuel.prices import FuelPrices
from api.advice import told as advice_told
from api.advice.told import AdviceSummary
from api.driving import events
from api.driving.events import EventSummary
from api.fuel import tank
from api.fuel.prices import Prices
from api.fuel.tank import TankEventSummary
from api.parameters import EXAMPLE_VIN
from api.vehicles import state
from api.vehicles.state import TroubleCodeState
from api.webhooks import kinds
from storage.served import Reader
from storage.served_behaviour import BehaviourReader, Page
from storage.served_errors import UnknownError
from storage.served_fuel import AdviceReader, FuelReader
from storage.served_prices import PriceReader
from storage.served_vehicles import VehicleReader
from storage.webhooks import Outgoing

_MICROSECOND = timedelta(microseconds=1)


class Message(BaseModel):
    """What all messages have."""

    type: str = Field(
        description="The kind, as the webhook asks for it.", examples=["tank_event.theft"]
    )
    timestamp: AwareDatetime = Field(
        description="When it began (of advice: when it was given), UTC.",
        examples=["2026-11-01T02:13:05Z"],
    )
    vin: str | None = Field(
        description="The vehicle; null of a test, and of advice for a driver of yours on a vehicle "
        "that is not yours to see.",
        examples=[EXAMPLE_VIN],
    )


class DrivingEventMessage(Message):
    """A driving event that was found."""

    data: EventSummary = Field(description="As /v1/vehicles/{vin}/events lists it.")


class TankEventMessage(Message):
    """A refuelling, a theft or a loss that was found."""

    data: TankEventSummary = Field(description="As /v1/vehicles/{vin}/tank-events lists it.")


class TroubleCodeMessage(Message):
    """A trouble code that came up."""

    data: TroubleCodeState = Field(description="As /v1/vehicles/{vin}/state lists it.")


class AdviceMessage(Message):
    """A piece of advice that was given."""

    data: AdviceSummary = Field(description="As /v1/advice/{advice_id} tells it.")


class TestData(BaseModel):
    """What a test says."""

    webhook_id: int = Field(description="The webhook that is tried.", examples=[12])
    name: str = Field(description="Its name.", examples=["Dispatch"])


class TestMessage(Message):
    """A test, sent because somebody asked for one."""

    data: TestData = Field(description="Which webhook it is.")


_Message = DrivingEventMessage | TankEventMessage | TroubleCodeMessage | AdviceMessage | TestMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A message that may be sent, and of whom it tells."""

    body: bytes
    vins: Sequence[str]
    driver_ids: Sequence[int]


class Teller:
    """Makes messages of what waits in the outbox.

    Args:
        reader: reads as the API does, under a principal.
        prices: what a litre costs and emits where a party has not said it, for advice.
    """

    def __init__(self, reader: Reader, prices: FuelPrices) -> None:
        self._reader = reader
        self._prices = Prices(PriceReader(reader), prices)

    async def tell(self, of: Outgoing) -> Ready | None:
        """The message; None where its party may not see it now, or it is no longer there.

        Raises:
            DatabaseUnreachableError, DatabaseBusyError, QueryTimeoutError: ask again.
        """
        try:
            message = await self._message(of)
        except UnknownError:
            return None
        if message is None:
            return None
        driver_id = getattr(message.data, "driver_id", None)
        return Ready(
            body=message.model_dump_json().encode(),
            vins=[] if message.vin is None else [message.vin],
            driver_ids=[] if driver_id is None else [driver_id],
        )

    async def _message(self, of: Outgoing) -> _Message | None:
        if of.source == kinds.ADVICE and of.number is not None:
            return await self._advice(of, of.number)
        if of.source == kinds.TEST_SOURCE:
            data = TestData(webhook_id=of.webhook_id, name=of.name)
            return TestMessage(type=_type(of), timestamp=of.at, vin=None, data=data)
        if of.vin is None:
            return None
        match of.source:
            case kinds.DRIVING_EVENT:
                return await self._driving_event(of, of.vin)
            case kinds.TANK_EVENT:
                return await self._tank_event(of, of.vin)
            case _:
                return await self._trouble_code(of, of.vin)

    async def _driving_event(self, of: Outgoing, vin: str) -> DrivingEventMessage | None:
        found = await BehaviourReader(self._reader).vehicle_events(
            of.party_id, vin, _moment(of.at), kinds=[of.kind], least_severity=1
        )
        for event in found:
            data = events.summary(event)
            return DrivingEventMessage(type=_type(of), timestamp=of.at, vin=vin, data=data)
        return None

    async def _tank_event(self, of: Outgoing, vin: str) -> TankEventMessage | None:
        found = await FuelReader(self._reader).tank_events(
            of.party_id, vin, _moment(of.at), kinds=[of.kind]
        )
        for event in found:
            data = tank.summary(event)
            return TankEventMessage(type=_type(of), timestamp=of.at, vin=vin, data=data)
        return None

    async def _trouble_code(self, of: Outgoing, vin: str) -> TroubleCodeMessage | None:
        for code in await VehicleReader(self._reader).active_trouble_codes(of.party_id, vin):
            number = code.spn << 16 | code.fmi << 8 | code.source_address
            if (number, code.since) == (of.number, of.at):
                data = state.trouble_code(code)
                return TroubleCodeMessage(type=_type(of), timestamp=of.at, vin=vin, data=data)
        return None

    async def _advice(self, of: Outgoing, number: int) -> AdviceMessage:
        piece = await AdviceReader(self._reader).piece(of.party_id, number)
        data = advice_told.summary(piece, of.language, await self._prices.of(of.party_id))
        return AdviceMessage(type=_type(of), timestamp=of.at, vin=data.vin, data=data)


def _type(of: Outgoing) -> str:
    return f"{of.source}.{of.kind}"


def _moment(at: datetime) -> Page:
    return Page(start=at, stop=at + _MICROSECOND, newest_first=False, limit=1)
