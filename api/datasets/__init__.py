"""Datasets: what data scientists read of vehicles under pseudonyms, for a purpose and a time.

`endpoints` has what is defined and listed, `signals` and `driving` what is read in a dataset.
"""

from fastapi import APIRouter

from api.datasets import driving, endpoints, signals

router = APIRouter()
for part in (endpoints, signals, driving):
    router.include_router(part.router)

__all__ = ["router"]
