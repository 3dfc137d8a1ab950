"""Datasets: what data scientists read of vehicles under pseudonyms, for a purpose and a time.

`defining` says what may be one, `endpoints` lists and ends them, `preview` tells what one might
hold, `signals` and `driving` what is read in one.
"""

from fastapi import APIRouter

from api.datasets import driving, endpoints, preview, signals

router = APIRouter()
for part in (preview, endpoints, signals, driving):
    router.include_router(part.router)

__all__ = ["router"]
