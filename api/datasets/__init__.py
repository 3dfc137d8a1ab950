"""Datasets: what data scientists read of vehicles under pseudonyms, for a purpose and a time.

`defining` says what may be a dataset, `endpoints` has what is listed and ended, `preview` what might be
defined, `signals` and `driving`
what is read in a dataset.
"""

from fastapi import APIRouter

from api.datasets import driving, endpoints, preview, signals

router = APIRouter()
for part in (preview, endpoints, signals, driving):
    router.include_router(part.router)

__all__ = ["router"]
