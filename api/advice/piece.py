"""`/v1/advice/{advice_id}`: a piece of advice, and what becomes of it."""

from enum import StrEnum

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.accesses import noted
from api.advice.told import EXAMPLE, AdviceSummary, summary
from api.codes import Code
from api.language import Spoken
from api.openapi import WRITING, problems
from api.parameters import AdviceId, no_parameters
from api.principal import Principal
from api.problems import ProblemError
from api.services import App, Services
from api.written import WriteRoute

router = APIRouter(tags=["advice"], route_class=WriteRoute)


class Answer(StrEnum):
    """What may be said of it."""

    SEEN = "seen"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class AdvicePiece(AdviceSummary):
    """One piece of advice."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})


class AdviceAnswer(BaseModel):
    """What becomes of a piece of advice."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "seen"}]})

    status: Answer = Field(
        description="seen: it was read. accepted: it will be followed. dismissed: it will not, and "
        "is not given again for a while. An answer may be changed into the other one; what was "
        "answered cannot become seen again.",
        examples=["accepted"],
    )


PATH = "/v1/advice/{advice_id}"


@router.get(
    PATH,
    operation_id="get_advice",
    summary="A piece of advice",
    responses=problems(Code.UNKNOWN_ADVICE, Code.INVALID_PARAMETER),
    dependencies=[Depends(no_parameters)],
)
async def get_advice(
    advice_id: AdviceId, services: App, party: Principal, language: Spoken
) -> AdvicePiece:
    """Tell a piece of advice: what to change, what it brings, what shows it, and whether it helped.

    It is there for those who may see all of its week; one for a driver, for those who may know him.
    """
    return await _piece(services, party, advice_id, language)


@router.patch(
    PATH,
    operation_id="answer_advice",
    summary="Say what becomes of a piece of advice",
    responses=problems(
        Code.UNKNOWN_ADVICE, Code.NOT_YOURS, Code.ALREADY_ANSWERED, Code.INVALID_PARAMETER, *WRITING
    ),
    dependencies=[Depends(no_parameters)],
)
async def answer_advice(
    advice_id: AdviceId, answer: AdviceAnswer, services: App, party: Principal, language: Spoken
) -> AdvicePiece:
    """Say that it was seen, accepted or dismissed; to say it again changes nothing.

    The vehicle's owner of that time may, and the driver's employer.
    """
    await say(services, party, advice_id, answer.status)
    return await _piece(services, party, advice_id, language)


async def say(services: Services, party: int, advice_id: int, status: Answer) -> None:
    """Say what becomes of a piece of advice.

    Raises:
        ProblemError: 403, that is not for this party to say; 409, it was answered already.
        UnknownAdviceError: there is none that the party may see.
    """
    answered = await services.advice.answer(party, advice_id, status)
    if not answered.may_answer:
        raise ProblemError(
            code=Code.NOT_YOURS,
            detail="You may see this advice, and not say what becomes of it.",
            way_out="Let the vehicle's owner of that week answer, or the driver's employer; "
            "`may_answer` says who may.",
        )
    if answered.status != status:
        raise ProblemError(
            code=Code.ALREADY_ANSWERED,
            detail=f"This advice is {answered.status}: it cannot become {status} again.",
            way_out="Leave it so; or send accepted or dismissed to change the answer.",
        )


async def _piece(services: Services, party: int, advice_id: int, language: str) -> AdvicePiece:
    (found,) = noted([await services.advice.piece(party, advice_id)])
    prices = await services.prices.of(party)
    return AdvicePiece(**dict(summary(found, language, prices)))
