"""Every question there is: a function each, named like the clients' method that asks it.

`Client.pages` and `AsyncClient.pages` take what these return. A new address of the API needs a
function here and a line in each client; a test compares all three with the OpenAPI document.
"""

from telemetry_client.queries.of_advice import (
    accept_advice,
    advice,
    audit,
    dismiss_advice,
    driver_advice,
    fleet_advice,
    see_advice,
    vehicle_advice,
)
from telemetry_client.queries.of_driving import (
    driver_events,
    driver_scores,
    driver_trips,
    drivers,
    events,
    fleets,
    ranking,
    scores,
    trips,
)
from telemetry_client.queries.of_fuel import driver_fuel, fleet_fuel, fuel, tank_events
from telemetry_client.queries.of_rfms import rfms_positions, rfms_statuses, rfms_vehicles
from telemetry_client.queries.of_signals import catalogue, signals, signals_of_vehicles
from telemetry_client.queries.of_vehicles import (
    accumulated,
    follow_fleet,
    follow_vehicle,
    state,
    status,
    vehicles,
)

__all__ = [
    "accept_advice",
    "accumulated",
    "advice",
    "audit",
    "catalogue",
    "dismiss_advice",
    "driver_advice",
    "driver_events",
    "driver_fuel",
    "driver_scores",
    "driver_trips",
    "drivers",
    "events",
    "fleet_advice",
    "fleet_fuel",
    "fleets",
    "follow_fleet",
    "follow_vehicle",
    "fuel",
    "ranking",
    "rfms_positions",
    "rfms_statuses",
    "rfms_vehicles",
    "scores",
    "see_advice",
    "signals",
    "signals_of_vehicles",
    "state",
    "status",
    "tank_events",
    "trips",
    "vehicle_advice",
    "vehicles",
]
