"""`/rfms/vehicles`: the vehicles a client may read, by VIN."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.parameters import EXAMPLE_VIN, Parameters
from api.principal import Principal
from api.rfms.admission import Admitted
from api.rfms.errors import responses
from api.rfms.media import Resource
from api.rfms.objects import Rfms
from api.rfms.questions import LAST_VIN, LastVin
from api.services import App

PATH = "/rfms/vehicles"

MAX_VEHICLES = 500
"""A page."""

PATHS = ("/vehiclepositions", "/vehiclestatuses")
"""What may be read of every vehicle that is listed."""

router = APIRouter()


class VehiclesResponse(JSONResponse):
    """The answer's media type."""

    media_type = Resource.VEHICLES.media_type


class Vehicle(Rfms):
    """VehicleObject: what the register has of it."""

    vin: str = Field(description="Vehicle identification number.", examples=[EXAMPLE_VIN])
    type: str = Field(description="What kind of vehicle it is.", examples=["TRUCK"])
    model: str | None = Field(default=None, description="The maker's.", examples=["J6P 6×4"])
    authorized_paths: list[str] = Field(
        description="What the client may ask about it.", examples=[list(PATHS)]
    )


class VehicleList(Rfms):
    """The vehicles of a page."""

    vehicles: list[Vehicle] = Field(description="By VIN.")


class RfmsVehicles(Rfms):
    """VehicleResponseObject."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "vehicleResponse": {
                        "vehicles": [
                            {
                                "vin": EXAMPLE_VIN,
                                "type": "TRUCK",
                                "model": "J6P 6×4",
                                "authorizedPaths": list(PATHS),
                            }
                        ]
                    },
                    "moreDataAvailable": True,
                    "moreDataAvailableLink": f"{PATH}?lastVin={EXAMPLE_VIN}",
                }
            ]
        },
    )

    vehicle_response: VehicleList = Field(description="The vehicles.")
    more_data_available: bool = Field(description="Whether there is another page.")
    more_data_available_link: str | None = Field(
        default=None,
        description="Its address, without the host; left out on the last page.",
        examples=[f"{PATH}?lastVin={EXAMPLE_VIN}"],
    )


class RfmsVehiclesQuery(Parameters):
    """What is asked of the listing."""

    lastVin: LastVin | None = Field(  # noqa: N815 - rFMS's name
        default=None, max_length=17, description=LAST_VIN, examples=[EXAMPLE_VIN]
    )


@router.get(
    PATH,
    operation_id="rfms_vehicles",
    summary="rFMS 4.0: vehicles",
    response_class=VehiclesResponse,
    response_model=RfmsVehicles,
    responses=responses(),
)
async def rfms_vehicles(
    headers: Admitted,
    query: Annotated[RfmsVehiclesQuery, Query()],
    services: App,
    party: Principal,
) -> Response:
    """List the vehicles that you may see now, by VIN."""
    found = await services.reports.vehicles(
        party, after_vin=query.lastVin or "", limit=MAX_VEHICLES + 1
    )
    shown = found[:MAX_VEHICLES]
    more = len(found) > MAX_VEHICLES
    answer = RfmsVehicles(
        vehicle_response=VehicleList(
            vehicles=[
                Vehicle(vin=it.vin, type="TRUCK", model=it.model, authorized_paths=list(PATHS))
                for it in shown
            ]
        ),
        more_data_available=more,
        more_data_available_link=f"{PATH}?lastVin={shown[-1].vin}" if more else None,
    )
    return Response(
        answer.model_dump_json(by_alias=True, exclude_none=True),
        media_type=VehiclesResponse.media_type,
        headers=headers,
    )
