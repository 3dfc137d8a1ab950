"""The addresses under `/v1/registers`, in the order in which they are tried."""

from api.registers import (
    accounts,
    clients,
    drivers,
    fleets,
    grants,
    grants_of_many,
    imports,
    keys,
    parties,
    sales,
    vehicles,
)

ROUTERS = (
    imports.router,
    vehicles.router,
    sales.router,
    parties.router,
    drivers.router,
    fleets.router,
    grants_of_many.router,
    grants.router,
    accounts.router,
    clients.router,
    keys.router,
)
"""The import comes before what takes a VIN there."""
