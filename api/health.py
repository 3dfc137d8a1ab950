"""`/healthz` and `/readyz`: whether the process lives, and whether it can answer."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.codes import Code
from api.services import App
from storage.errors import DatabaseUnreachableError, SchemaError
from storage.served_errors import DatabaseBusyError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process lives."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: Literal["alive"] = Field(description="Always this.", examples=["alive"])


class Reason(BaseModel):
    """Why the API cannot answer."""

    code: Code = Field(description="As a request's problem has it.", examples=["not_ready"])
    detail: str = Field(
        description="What to do about it, for the operator.",
        examples=["The database stands at migration 4: run `telemetry migrate`."],
    )


class Readiness(BaseModel):
    """Whether the API can answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ready": True, "reasons": []}]})

    ready: bool = Field(
        description="The database answers and is what this code needs.", examples=[True]
    )
    reasons: list[Reason] = Field(description="Why not; empty where it is ready.")


@router.get("/healthz", operation_id="get_health", summary="Whether the process lives")
async def get_health() -> Health:
    """Answer, which is the whole point: nothing else is looked at."""
    return Health(status="alive")


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="Whether the API can answer",
    responses={
        503: {"model": Readiness, "description": "It cannot: `ready` is false, `reasons` say why."}
    },
)
async def get_readiness(services: App, response: Response) -> Readiness:
    """Ask the database whether it is there and migrated to what this code needs."""
    reason = await _reason(services)
    if reason is None:
        return Readiness(ready=True, reasons=[])
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(ready=False, reasons=[reason])


async def _reason(services: App) -> Reason | None:
    try:
        await services.check()
    except SchemaError as error:
        return Reason(code=Code.NOT_READY, detail=str(error))
    except DatabaseUnreachableError:
        return Reason(code=Code.DATABASE_UNREACHABLE, detail=await services.reader.diagnose())
    except DatabaseBusyError as error:
        return Reason(code=Code.BUSY, detail=str(error))
    return None
