"""Before any endpoint of rFMS: correlation id, who asks, rate limit and Accept header.

What is found here goes into the headers of whatever answer follows, a refusal too.
"""

import re
import uuid
from typing import Annotated

from fastapi import Depends, Header, Request

from api.codes import Code
from api.parameters import given_once
from api.principal import Principal
from api.problems import ProblemError
from api.rfms.errors import bad_request
from api.rfms.media import Resource, is_acceptable
from api.services import App

MAX_CORRELATION_ID = 40
"""Characters [rFMS 4.0]."""

_CORRELATION_ID = re.compile(r"[!-~]{1,40}", re.ASCII)


async def _correlated(
    request: Request,
    x_correlation_id: Annotated[
        str | None,
        Header(
            description="The client's own number of the request, to find it in our log; at most "
            f"{MAX_CORRELATION_ID} characters. It comes back in the answer.",
            examples=["caac4197-5ffa-46e8-95db-42cb97d817aa"],
        ),
    ] = None,
) -> bool:
    """Name the request; whether the name it came with can be used."""
    is_good = x_correlation_id is None or _CORRELATION_ID.fullmatch(x_correlation_id) is not None
    named = x_correlation_id if x_correlation_id is not None and is_good else str(uuid.uuid4())
    request.state.rfms_headers = {"X-Correlation-Id": named}
    return is_good


async def _admitted(
    request: Request,
    services: App,
    well_named: Annotated[bool, Depends(_correlated)],  # before the principal, who may be nobody
    client: Principal,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> dict[str, str]:
    resource = Resource(request.scope["route"].path.rpartition("/")[2])
    allowance = services.rfms_limits.take(client, resource.value)
    told: dict[str, str] = request.state.rfms_headers
    told |= allowance.headers
    if not allowance.granted:
        raise ProblemError(
            code=Code.TOO_MANY_REQUESTS,
            detail=f"More than {allowance.limit} requests a minute for {resource.value}.",
            way_out=f"Ask again in {allowance.retry_after_s} s; follow moreDataAvailableLink and "
            "requestServerDateTime instead of asking for the same again.",
        )
    if not well_named:
        raise bad_request(
            f"X-Correlation-Id is empty, longer than {MAX_CORRELATION_ID} characters, or has "
            "others than the letters, digits and signs of ASCII.",
            "Send a UUID, for example, or leave it out.",
        )
    if not is_acceptable(accept, resource):
        raise ProblemError(
            code=Code.NOT_ACCEPTABLE,
            detail="No media type of the Accept header is one that is served here.",
            way_out=f"Send Accept: {resource.media_type}",
        )
    await given_once(request)
    return told


Admitted = Annotated[dict[str, str], Depends(_admitted)]
"""An endpoint's parameter that is the headers of its answer."""
