"""`/v1/audit/erasures`: what was erased, when and by whom, for those who watch over it."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, paging
from api.codes import Code
from api.openapi import problems
from api.parameters import Paged
from api.principal import Principal
from api.services import App

PATH = "/v1/audit/erasures"

MAX_ERASURES = 1000

router = APIRouter(tags=["audit"])


class ErasureKind(StrEnum):
    """What was erased."""

    DRIVER = "driver"
    POSITIONS = "positions"


class ErasedRows(BaseModel):
    """Rows of a table."""

    table: str = Field(
        description="The table; with (rows), whole rows were deleted, else they were changed.",
        examples=["trip_part"],
    )
    rows: int = Field(description="How many.", examples=[812])


class ErasureRecord(BaseModel):
    """An erasure; of whom, nobody knows any more."""

    kind: ErasureKind = Field(description="A driver, or where a vehicle was.", examples=["driver"])
    asked_by: str = Field(description="Who did it.", examples=["privacy.officer"])
    began_at: AwareDatetime = Field(
        description="When it began, UTC.", examples=["2026-11-26T08:00:00Z"]
    )
    ended_at: AwareDatetime | None = Field(
        description="When it was through, UTC; null: it goes on, or was broken off.",
        examples=["2026-11-26T08:00:12Z"],
    )
    counts: list[ErasedRows] = Field(description="How much, by table.")


class ErasureRecords(BaseModel):
    """A page of erasures, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "erasures": [
                        {
                            "kind": "driver",
                            "asked_by": "privacy.officer",
                            "began_at": "2026-11-26T08:00:00Z",
                            "ended_at": "2026-11-26T08:00:12Z",
                            "counts": [{"table": "trip_part", "rows": 812}],
                        }
                    ],
                    "next": f"{PATH}?limit=1&cursor=bjE3",
                }
            ]
        }
    )

    erasures: list[ErasureRecord] = Field(description="At most `limit`.")
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class ErasuresQuery(Paged):
    """What is asked of the listing."""

    limit: int = Field(
        default=100, ge=1, le=MAX_ERASURES, description="Erasures a page.", examples=[100]
    )


@router.get(
    PATH,
    operation_id="list_erasures",
    summary="What personal data was erased",
    responses=problems(Code.INVALID_PARAMETER),
)
async def list_erasures(
    query: Annotated[ErasuresQuery, Query()], services: App, party: Principal
) -> ErasureRecords:
    """List erasures of drivers and positions: who did them, when, and how much it was.

    For auditors, and the maker; to all others the list is empty.
    """
    found = await services.identity.erasures(
        party,
        before_id=paging.number_before(query),
        limit=query.limit + 1,
    )
    return ErasureRecords(
        erasures=[
            ErasureRecord(
                kind=ErasureKind(one.kind),
                asked_by=one.asked_by,
                began_at=one.began_at,
                ended_at=one.ended_at,
                counts=[
                    ErasedRows(table=table, rows=rows) for table, rows in sorted(one.counts.items())
                ],
            )
            for one in found[: query.limit]
        ],
        next=paging.link_if_more(
            PATH,
            query,
            found,
            query.limit,
            lambda shown: cursors.after_number(shown[-1].erasure_id),
        ),
    )
