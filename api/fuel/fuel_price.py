"""`/v1/fuel-price`: what a litre costs one's party, by which all its money is counted."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import no_parameters
from api.principal import Principal
from api.services import App, Services
from api.written import WriteRoute

PATH = "/v1/fuel-price"

MAX_PRICE = 1_000_000
"""Of a litre, in whatever currency; the setting's own limit."""

router = APIRouter(tags=["fuel"], route_class=WriteRoute)

Price = Annotated[float, Field(ge=0, le=MAX_PRICE, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class NewFuelPrice(BaseModel):
    """What a litre is to cost."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"price": 7.85, "currency": "CNY"}]}
    )

    price: Price = Field(description="Of a litre, in the currency.", examples=[7.85])
    currency: Currency = Field(description="ISO 4217.", examples=["CNY"])


class FuelPrice(BaseModel):
    """What a litre costs and emits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"price": 7.85, "currency": "CNY", "co2_kg_l": 2.64, "is_own": True}]
        }
    )

    price: float = Field(description="Of a litre, in the currency.", examples=[7.85])
    currency: str = Field(description="ISO 4217.", examples=["CNY"])
    co2_kg_l: float = Field(description="CO₂ of burning a litre [kg/L].", examples=[2.64])
    is_own: bool = Field(
        description="Whether your party has said so; false: it counts by the platform's setting.",
        examples=[True],
    )


@router.get(
    PATH,
    operation_id="get_fuel_price",
    summary="What a litre costs you",
    responses=problems(Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_fuel_price(services: App, party: Principal) -> FuelPrice:
    """Tell the price by which all money is counted that you are told."""
    return await price_of(services, party)


@router.put(
    PATH,
    operation_id="set_fuel_price",
    summary="Say what a litre costs you",
    responses=problems(Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def set_fuel_price(price: NewFuelPrice, services: App, party: Principal) -> FuelPrice:
    """Count by another price from now on, in answers, pages, reports, advice and webhooks.

    What was recorded before is counted by it, too; other processes feel it within 10 s.
    """
    await services.prices.put(party, price.price, price.currency)
    return await price_of(services, party)


@router.delete(
    PATH,
    operation_id="unset_fuel_price",
    summary="Count by the platform's price again",
    responses=problems(Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def unset_fuel_price(services: App, party: Principal) -> FuelPrice:
    """Forget what your party has said; the platform's setting, which then counts, is answered."""
    await forget(services, party)
    return await price_of(services, party)


async def price_of(services: Services, party: int) -> FuelPrice:
    """What a litre costs a party."""
    prices = await services.prices.of(party)
    return FuelPrice(
        price=prices.fuel_price,
        currency=prices.fuel_currency,
        co2_kg_l=prices.fuel_co2_kg_l,
        is_own=prices is not services.settings,
    )


async def forget(services: Services, party: int) -> None:
    """Let a party count by the setting."""
    await services.prices.put(party, None, services.settings.fuel_currency)
