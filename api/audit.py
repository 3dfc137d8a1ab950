"""`/v1/audit`: who has read what of whom, for those who watch over it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors, paging, tables
from api.accept import Accepted, responses
from api.codes import Code
from api.parameters import EXAMPLE_VIN, Span, require_order
from api.principal import Principal
from api.services import App, Services
from storage.served_identity import AccessEntry

PATH = "/v1/audit"

MAX_ENTRIES = 1000

router = APIRouter(tags=["audit"])


class Read(BaseModel):
    """A read of personal data, or several that were alike within a second."""

    time: AwareDatetime = Field(
        description="When, UTC; of several the first.", examples=["2026-11-26T08:00:00Z"]
    )
    party: str | None = Field(description="For which party.", examples=["Workshop North"])
    subject: str = Field(
        description="Who: account, client or key (by its prefix) or, from an identity provider, "
        "oidc, and its name.",
        examples=["account:li.wei"],
    )
    role: str = Field(description="In which role.", examples=["service_provider"])
    method: str = Field(description="HTTP method.", examples=["GET"])
    route: str = Field(
        description="What was asked, without the numbers.", examples=["/v1/vehicles/{vin}/state"]
    )
    vins: list[str] = Field(description="Vehicles it was about.", examples=[[EXAMPLE_VIN]])
    driver_ids: list[int] = Field(description="Drivers it was about.", examples=[[17]])
    fleet_id: int | None = Field(description="Fleet it was about.", examples=[3])
    dataset_id: int | None = Field(description="Dataset it was about.", examples=[12])
    purpose: str | None = Field(
        description="What for, as X-Purpose said, else as the dataset says.",
        examples=["warranty claim 4711"],
    )
    address: str | None = Field(description="From where.", examples=["192.0.2.17"])
    status: int = Field(
        description="How it was answered; what was refused (403, 404) told nothing.",
        examples=[200],
    )
    reads: int = Field(description="How often within that second.", examples=[1])


class Lost(BaseModel):
    """Reads that were answered and could not be written down."""

    start: AwareDatetime = Field(description="Since then, UTC.", examples=["2026-11-26T08:00:00Z"])
    end: AwareDatetime = Field(description="Until then, UTC.", examples=["2026-11-26T08:01:00Z"])
    reads: int = Field(description="How many.", examples=[12])


class Audit(BaseModel):
    """A page of the log of reads, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reads": [
                        {
                            "time": "2026-11-26T08:00:00Z",
                            "party": "Workshop North",
                            "subject": "account:li.wei",
                            "role": "service_provider",
                            "method": "GET",
                            "route": "/v1/vehicles/{vin}/state",
                            "vins": [EXAMPLE_VIN],
                            "driver_ids": [],
                            "fleet_id": 3,
                            "dataset_id": 12,
                            "purpose": "warranty claim 4711",
                            "address": "192.0.2.17",
                            "status": 200,
                            "reads": 1,
                        }
                    ],
                    "lost": [],
                    "next": f"{PATH}?start=2026-11-26T00%3A00%3A00Z"
                    "&end=2026-11-27T00%3A00%3A00Z&limit=1&cursor=bjE3",
                }
            ]
        }
    )

    reads: list[Read] = Field(description="At most `limit`.")
    lost: list[Lost] = Field(
        description="Where the log of this span is not whole, the newest 100; empty: it is."
    )
    next: str | None = Field(description="Address of the next page; null: this was the last.")


class AuditQuery(Span):
    """What is asked of the log."""

    vin: str | None = Field(
        default=None,
        pattern="^[A-HJ-NPR-Z0-9]{17}$",
        description="Only reads of this vehicle.",
        examples=[EXAMPLE_VIN],
    )
    driver_id: int | None = Field(
        default=None, ge=1, lt=2**63, description="Only reads of this driver.", examples=[17]
    )
    dataset_id: int | None = Field(
        default=None, ge=1, lt=2**63, description="Only reads of this dataset.", examples=[12]
    )
    limit: int = Field(
        default=100, ge=1, le=MAX_ENTRIES, description="Entries a page.", examples=[100]
    )


@router.get(
    PATH,
    operation_id="list_reads",
    summary="Who has read personal data",
    response_model=Audit,
    responses=responses(Code.INVALID_PARAMETER),
)
async def list_reads(
    query: Annotated[AuditQuery, Query()], services: App, party: Principal, accepted: Accepted
) -> Audit | Response:
    """List who has read what of which vehicle or driver, when, from where and what for.

    For auditors, and the maker; to all others the log is empty. A read is in it some seconds later.
    Where the log is not whole JSON alone says.
    """
    return await tables.answer(
        accepted, query, lambda asked: audit_page(services, party, asked), rows="reads", of=Read
    )


async def audit_page(services: Services, party: int, query: AuditQuery) -> Audit:
    """A page of the log of reads.

    Raises:
        ProblemError: 422, the span has no moment in it, or the cursor is none of ours.
    """
    require_order(query.start, query.end)
    found = await services.identity.accesses(
        party,
        vin=query.vin,
        driver_id=query.driver_id,
        dataset_id=query.dataset_id,
        start=query.start,
        stop=query.end,
        before_id=paging.number_before(query),
        limit=query.limit + 1,
    )
    lost = await services.identity.access_losses(party, query.start, query.end)
    return Audit(
        reads=[_read(entry) for entry in found[: query.limit]],
        lost=[Lost(start=one.since, end=one.until, reads=one.reads) for one in lost],
        next=paging.link_if_more(
            PATH, query, found, query.limit, lambda shown: cursors.after_number(shown[-1].entry_id)
        ),
    )


def _read(entry: AccessEntry) -> Read:
    return Read(
        time=entry.at,
        party=entry.party,
        subject=entry.subject,
        role=entry.role,
        method=entry.method,
        route=entry.route,
        vins=entry.vins,
        driver_ids=entry.driver_ids,
        fleet_id=entry.fleet_id,
        dataset_id=entry.dataset_id,
        purpose=entry.purpose,
        address=entry.address,
        status=entry.status,
        reads=entry.reads,
    )
