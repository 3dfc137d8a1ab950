"""What the maker asks of all vehicles at once: how many there are, their data, and ingest."""

from fastapi import APIRouter

from api.overview import counts, data_quality, ingest_state

router = APIRouter()
for part in (counts, data_quality, ingest_state):
    router.include_router(part.router)

__all__ = ["router"]
