"""`/rfms/vehiclepositions`: where vehicles were."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.parameters import EXAMPLE_VIN
from api.principal import Principal
from api.rfms import told
from api.rfms.admission import Admitted
from api.rfms.errors import responses
from api.rfms.media import Resource
from api.rfms.objects import EXAMPLE_TIME, GnssPosition, Page, Reported, Rfms
from api.rfms.questions import ReportsQuery, find
from api.services import App
from storage.served_reports import ReportKind

PATH = "/rfms/vehiclepositions"

MAX_POSITIONS = 1_000
"""A page."""

router = APIRouter()


class PositionsResponse(JSONResponse):
    """The answer's media type."""

    media_type = Resource.POSITIONS.media_type


class VehiclePosition(Reported):
    """VehiclePositionObject."""

    gnss_position: GnssPosition | None = Field(default=None, description="Where it was.")
    wheel_based_speed: float | None = Field(default=None, description="[km/h]", examples=[54.3])
    tachograph_speed: float | None = Field(default=None, description="[km/h]", examples=[54.1])


class PositionList(Rfms):
    """The positions of a page."""

    vehicle_positions: list[VehiclePosition] = Field(
        description="A history in the order of received times, the latest ones by VIN."
    )


class VehiclePositions(Page):
    """VehiclePositionResponseObject."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "vehiclePositionResponse": {
                        "vehiclePositions": [
                            {
                                "vin": EXAMPLE_VIN,
                                "triggerType": {"triggerType": "TIMER", "context": "RFMS"},
                                "createdDateTime": EXAMPLE_TIME,
                                "receivedDateTime": "2026-11-01T08:00:02.531007Z",
                                "gnssPosition": {
                                    "latitude": 31.2304,
                                    "longitude": 121.4737,
                                    "heading": 30,
                                    "altitude": 32,
                                    "speed": 54.5,
                                    "positionDateTime": EXAMPLE_TIME,
                                },
                                "wheelBasedSpeed": 54.3,
                                "tachographSpeed": 54.1,
                            }
                        ]
                    },
                    "moreDataAvailable": False,
                    "requestServerDateTime": "2026-11-01T08:00:02.531008Z",
                }
            ]
        },
    )

    vehicle_position_response: PositionList = Field(description="The positions.")


@router.get(
    PATH,
    operation_id="rfms_vehicle_positions",
    summary="rFMS 4.0: positions",
    response_class=PositionsResponse,
    response_model=VehiclePositions,
    responses=responses(),
)
async def rfms_vehicle_positions(
    headers: Admitted,
    query: Annotated[ReportsQuery, Query()],
    services: App,
    party: Principal,
) -> Response:
    """Give the positions of a time, or the latest of each vehicle."""
    kind = ReportKind(vin=query.vin, triggers=query.triggers, with_position=True)
    found = await find(services, party, PATH, query, kind, MAX_POSITIONS)
    answer = VehiclePositions(
        vehicle_position_response=PositionList(
            vehicle_positions=[
                VehiclePosition(
                    vin=report.vin,
                    trigger_type=told.trigger(report),
                    created_date_time=report.created_time,
                    received_date_time=report.received_time,
                    gnss_position=told.gnss_position(report),
                    wheel_based_speed=report.reported.get("wheel_speed"),
                    tachograph_speed=report.reported.get("tachograph_speed"),
                )
                for report in found.reports
            ]
        ),
        more_data_available=found.link is not None,
        more_data_available_link=found.link,
        request_server_date_time=found.server_time,
    )
    return Response(
        answer.model_dump_json(by_alias=True, exclude_none=True),
        media_type=PositionsResponse.media_type,
        headers=headers,
    )
