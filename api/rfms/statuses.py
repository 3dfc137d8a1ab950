"""`/rfms/vehiclestatuses`: how vehicles were, in the blocks that are asked for."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.driving.accumulated import AccumulatedData
from api.parameters import EXAMPLE_VIN
from api.principal import Principal
from api.rfms import told
from api.rfms.admission import Admitted
from api.rfms.blocks import SnapshotData, UptimeData
from api.rfms.errors import responses
from api.rfms.media import Resource
from api.rfms.objects import EXAMPLE_TIME, DriverId, Page, Reported, Rfms, driver
from api.rfms.questions import Content, ReportsQuery, find, listed
from api.services import App
from storage.answers_reports import Report
from storage.served_reports import ReportKind

PATH = "/rfms/vehiclestatuses"

MAX_STATUSES = 200
"""A page: with all counters a status has some 10 kB."""

router = APIRouter()


class StatusesResponse(JSONResponse):
    """The answer's media type."""

    media_type = Resource.STATUSES.media_type


class VehicleStatus(Reported):
    """VehicleStatusObject."""

    hr_total_vehicle_distance: int | None = Field(
        default=None, description="Since new [m].", examples=[203_118_425]
    )
    total_engine_hours: float | None = Field(
        default=None, description="Since new [h].", examples=[8_120.5]
    )
    driver1_id: DriverId | None = Field(
        default=None, description="Only where the client may know who drove."
    )
    gross_combination_vehicle_weight: int | None = Field(
        default=None, description="[kg]", examples=[31_400]
    )
    engine_total_fuel_used: int | None = Field(
        default=None, description="Since new [ml].", examples=[61_230_500]
    )
    accumulated_data: AccumulatedData | None = Field(
        default=None,
        description="Counters since the vehicle was registered, of all data up to the report that "
        "had been worked up by the next analysis.",
    )
    snapshot_data: SnapshotData | None = Field(
        default=None, description="What the vehicle was doing."
    )
    uptime_data: UptimeData | None = Field(default=None, description="How the vehicle was.")


class StatusList(Rfms):
    """The statuses of a page."""

    vehicle_statuses: list[VehicleStatus] = Field(
        description="A history in the order of received times, the latest ones by VIN."
    )


class VehicleStatuses(Page):
    """VehicleStatusResponseObject."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "vehicleStatusResponse": {
                        "vehicleStatuses": [
                            {
                                "vin": EXAMPLE_VIN,
                                "triggerType": {"triggerType": "ENGINE_ON", "context": "RFMS"},
                                "createdDateTime": EXAMPLE_TIME,
                                "receivedDateTime": "2026-11-01T08:00:02.531007Z",
                                "hrTotalVehicleDistance": 203_118_425,
                                "totalEngineHours": 8_120.5,
                                "engineTotalFuelUsed": 61_230_500,
                                "grossCombinationVehicleWeight": 31_400,
                                "accumulatedData": {"durationWheelbasedSpeedOverZero": 360_120},
                                "snapshotData": {"wheelBasedSpeed": 0.0, "fuelLevel1": 86.0},
                                "uptimeData": {
                                    "tellTaleInfo": [{"tellTale": "FUEL_LEVEL", "state": "OFF"}],
                                    "serviceDistance": 12_000_000,
                                },
                            }
                        ]
                    },
                    "moreDataAvailable": False,
                    "requestServerDateTime": "2026-11-01T08:00:02.531008Z",
                }
            ]
        },
    )

    vehicle_status_response: StatusList = Field(description="The statuses.")


class StatusesQuery(ReportsQuery):
    """Query parameters of statuses."""

    contentFilter: Annotated[  # noqa: N815 - rFMS's name
        str | None, BeforeValidator(lambda text: listed(Content, text))
    ] = Field(
        default=None,
        description="Only these blocks, and only reports that have one of them: ACCUMULATED, "
        "SNAPSHOT, UPTIME; commas between several. By default, all.",
        examples=["SNAPSHOT,UPTIME"],
    )

    @property
    def contents(self) -> list[str] | None:
        """The blocks that are asked for; None: all."""
        return None if self.contentFilter is None else self.contentFilter.split(",")


@router.get(
    PATH,
    operation_id="rfms_vehicle_statuses",
    summary="rFMS 4.0: statuses",
    response_class=StatusesResponse,
    response_model=VehicleStatuses,
    responses=responses(),
)
async def rfms_vehicle_statuses(
    headers: Admitted,
    query: Annotated[StatusesQuery, Query()],
    services: App,
    party: Principal,
) -> Response:
    """Give the statuses of a time, or the latest of each vehicle."""
    blocks = frozenset(Content) if query.contents is None else frozenset(query.contents)
    kind = ReportKind(
        vin=query.vin,
        triggers=query.triggers,
        contents=query.contents,
        with_counters=Content.ACCUMULATED in blocks,
    )
    found = await find(services, party, PATH, query, kind, MAX_STATUSES)
    answer = VehicleStatuses(
        vehicle_status_response=StatusList(
            vehicle_statuses=[_status(report, blocks) for report in found.reports]
        ),
        more_data_available=found.link is not None,
        more_data_available_link=found.link,
        request_server_date_time=found.server_time,
    )
    return Response(
        answer.model_dump_json(by_alias=True, exclude_none=True),
        media_type=StatusesResponse.media_type,
        headers=headers,
    )


def _status(report: Report, blocks: frozenset[str]) -> VehicleStatus:
    values = report.reported
    return VehicleStatus(
        vin=report.vin,
        trigger_type=told.trigger(report),
        created_date_time=report.created_time,
        received_date_time=report.received_time,
        hr_total_vehicle_distance=told.scaled(values, "odometer", told.METRES),
        total_engine_hours=values.get("engine_hours"),
        driver1_id=driver(report.driver1_card_id),
        gross_combination_vehicle_weight=told.scaled(values, "gross_combination_weight", 1),
        engine_total_fuel_used=told.scaled(values, "fuel_used_total", told.MILLILITRES),
        accumulated_data=told.accumulated(report) if Content.ACCUMULATED in blocks else None,
        snapshot_data=told.snapshot(report) if Content.SNAPSHOT in blocks else None,
        uptime_data=told.uptime(report) if Content.UPTIME in blocks else None,
    )
