"""`/v1/registers/vehicles/{vin}/sale`: another owner, from one moment on."""

from http import HTTPStatus

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.codes import Code
from api.openapi import WRITING, problems
from api.parameters import EXAMPLE_VIN, Time, Vin, no_parameters
from api.principal import Principal
from api.registers.common import Text
from api.registers.vehicles import VEHICLES
from api.services import App
from api.written import WriteRoute

router = APIRouter(tags=["registers"], route_class=WriteRoute)


class NewSale(BaseModel):
    """To whom a vehicle is sold, and when."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"buyer": "South Haulage"}]}
    )

    buyer: Text = Field(
        description="The name of an owner, exactly as it is registered.", examples=["South Haulage"]
    )
    at: Time | None = Field(
        default=None,
        description="When it was handed over, not later than now; left out: now.",
        examples=["2026-11-20T08:00:00Z"],
    )


class SaleDone(BaseModel):
    """A vehicle that was sold."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vin": EXAMPLE_VIN,
                    "buyer": "South Haulage",
                    "at": "2026-11-20T08:00:00Z",
                    "ended_grants": 1,
                    "ended_memberships": 1,
                }
            ]
        }
    )

    vin: str = Field(description="The vehicle.", examples=[EXAMPLE_VIN])
    buyer: str = Field(description="Whose it is now.", examples=["South Haulage"])
    at: AwareDatetime = Field(
        description="Up to then the data are the seller's, from then on the buyer's.",
        examples=["2026-11-20T08:00:00Z"],
    )
    ended_grants: int = Field(
        description="Grants for service and research that ended with it.", examples=[1]
    )
    ended_memberships: int = Field(
        description="Memberships in the seller's fleets that ended with it.", examples=[1]
    )


@router.post(
    VEHICLES + "/{vin}/sale",
    operation_id="sell_vehicle",
    summary="Sell a vehicle",
    status_code=HTTPStatus.CREATED,
    responses=problems(Code.UNKNOWN_VEHICLE, Code.NOT_YOURS, Code.INVALID_PARAMETER, *WRITING),
    dependencies=[Depends(no_parameters)],
)
async def sell_vehicle(vin: Vin, sale: NewSale, services: App, party: Principal) -> SaleDone:
    """Sell a vehicle, all at once; its owner may, and the maker.

    The seller keeps what was recorded until then, the buyer sees what is recorded from then on.
    What the seller let others see ends, and that it was in the seller's fleets; a dealer stays as
    the maker has assigned it.
    """
    done = await services.grants.sell(party, vin, sale.buyer, sale.at)
    return SaleDone(
        vin=done.vin,
        buyer=done.buyer,
        at=done.at,
        ended_grants=done.ended_grants,
        ended_memberships=done.ended_members,
    )
