"""Who asks. Until an identity provider signs people in, every request reads as one party."""

from typing import Annotated

from fastapi import Depends

from api.problems import not_ready
from api.services import App
from storage.errors import SchemaError


async def principal(services: App) -> int:
    """The number of the party that asks.

    Raises:
        ProblemError: 503, the database is not ready to say.
    """
    try:
        return await services.party_id()
    except SchemaError as error:
        raise not_ready("The database is not ready for this version of the API.") from error


Principal = Annotated[int, Depends(principal)]
"""An endpoint's parameter that is the party that asks."""
