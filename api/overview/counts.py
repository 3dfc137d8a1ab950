"""`/v1/overview`: all vehicles, counted by what they are and what they do."""

from datetime import UTC, datetime
from enum import StrEnum

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.codes import Code
from api.openapi import problems
from api.parameters import no_parameters
from api.principal import Principal
from api.services import App, Services
from api.vehicles import activity
from api.vehicles.activity import Activity

router = APIRouter(tags=["overview"])


class Silence(StrEnum):
    """How long silent vehicles have been silent."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    LONGER = "longer"
    NEVER = "never"


class Counted(BaseModel):
    """So many vehicles."""

    key: str | None = Field(
        description="Of which model, region or catalogue version; null: not known.",
        examples=["J6P 6×4"],
    )
    vehicles: int = Field(description="How many.", examples=[1204])


class StateCount(BaseModel):
    """So many vehicles do that."""

    state: Activity = Field(description="What they do.", examples=["moving"])
    vehicles: int = Field(description="How many.", examples=[480])


class SilenceCount(BaseModel):
    """So many vehicles have been silent for that long."""

    silent_for: Silence = Field(description="How long.", examples=["days"])
    vehicles: int = Field(description="How many.", examples=[40])


class Overview(BaseModel):
    """All vehicles, counted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_at": "2026-11-01T08:00:02Z",
                    "vehicles": 1500,
                    "by_state": [
                        {"state": "moving", "vehicles": 480},
                        {"state": "silent", "vehicles": 60},
                    ],
                    "silent_for": [{"silent_for": "days", "vehicles": 40}],
                    "by_model": [{"key": "J6P 6×4", "vehicles": 1204}],
                    "by_region": [{"key": "CN-31", "vehicles": 800}],
                    "by_catalogue": [{"key": "1", "vehicles": 1495}],
                }
            ]
        }
    )

    answered_at: AwareDatetime = Field(
        description="When this was answered, UTC.", examples=["2026-11-01T08:00:02Z"]
    )
    vehicles: int = Field(description="All that are registered.", examples=[1500])
    by_state: list[StateCount] = Field(
        description="By what they do, as in the listing of vehicles; every state is there."
    )
    silent_for: list[SilenceCount] = Field(
        description="The silent ones by how long they have been: hours (below 1 d), days (below "
        "7 d), weeks (below 30 d), longer, never (not heard of yet)."
    )
    by_model: list[Counted] = Field(description="By model, most first.")
    by_region: list[Counted] = Field(description="By where they are at home, most first.")
    by_catalogue: list[Counted] = Field(
        description="By the newest version of the signal catalogue of which they have told a "
        "signal, the newest first; null: they have told none."
    )


@router.get(
    "/v1/overview",
    operation_id="get_overview",
    summary="All vehicles, counted",
    responses=problems(Code.NOT_YOURS, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_overview(services: App, party: Principal) -> Overview:
    """Count all vehicles by model, region, state, silence and catalogue version; for the maker."""
    return await overview_of(services, party)


async def overview_of(services: Services, party: int) -> Overview:
    """All vehicles, counted.

    Raises:
        RefusedError: the party is not the maker.
    """
    now = datetime.now(tz=UTC)
    found = await services.overview.counts(party, activity.RULES, now)

    def of(what: str) -> dict[str | None, int]:
        return {one.key: one.vehicles for one in found if one.what == what}

    def most_first(what: str) -> list[Counted]:
        counts = sorted(of(what).items(), key=lambda one: (-one[1], one[0] or ""))
        return [Counted(key=key, vehicles=count) for key, count in counts]

    states, silence = of("state"), of("silent")
    return Overview(
        answered_at=now,
        vehicles=of("all").get(None, 0),
        by_state=[
            StateCount(state=state, vehicles=states.get(state, 0)) for state in activity.HEARD_OF
        ],
        silent_for=[
            SilenceCount(silent_for=one, vehicles=silence[one]) for one in Silence if one in silence
        ],
        by_model=most_first("model"),
        by_region=most_first("region"),
        by_catalogue=[
            Counted(key=key, vehicles=count)
            for key, count in sorted(
                of("catalogue").items(), key=lambda one: int(one[0] or 0), reverse=True
            )
        ],
    )
