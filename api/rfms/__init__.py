"""rFMS 4.0 under /rfms: the language that truck makers and fleet systems already speak."""

from fastapi import APIRouter

from api.rfms import positions, statuses, vehicles
from api.rfms.errors import error_response

router = APIRouter(tags=["rfms"])
for endpoint in (vehicles, positions, statuses):
    router.include_router(endpoint.router)

__all__ = ["error_response", "router"]
