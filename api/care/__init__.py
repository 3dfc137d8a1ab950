"""Care: whom somebody should call about, whose service is due, and who fell silent.

`cases` finds the reasons, `words` tells them; `morning_list`, `handling`, `service_list` and
`silent_list` are the addresses, and `listed` what these share.
"""

from fastapi import APIRouter

from api.care import handling, morning_list, service_list, silent_list

router = APIRouter()
for part in (morning_list, handling, service_list, silent_list):
    router.include_router(part.router)

__all__ = ["router"]
