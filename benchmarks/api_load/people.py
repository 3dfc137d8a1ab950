"""Two hundred who ask: owners, dealers, workshops and the maker, each with a key of their own."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from api.scopes import ROLE_SCOPES, Role
from api.signing_in import credentials
from benchmarks.api_load.questions import Client
from storage import identity

if TYPE_CHECKING:
    from benchmarks.api_load.fill import Fleet
    from storage.connection import Connection

SHARES = (
    (Role.OWNER, "owner", 0.60),
    (Role.DEALER, "dealer", 0.25),
    (Role.SERVICE_PROVIDER, "service_provider", 0.12),
    (Role.MAKER, "maker", 0.03),
)
"""Role, kind of party, share of the clients."""

SEED = 11

_SEEN = """
SELECT vin FROM load.vehicle
WHERE %(kind)s = 'maker' OR vehicle_id IN (
    SELECT vehicle_id FROM vehicle_access WHERE party_id = %(party)s AND valid @> now())
ORDER BY n
"""


def clients(connection: Connection, fleet: Fleet, count: int) -> list[Client]:
    """So many, of every role in turn of its share, with fresh keys."""
    first, last = fleet.first, fleet.last
    days = [first + timedelta(days=number) for number in range(fleet.days)]
    weeks = sorted({f"{day:%G-W%V}" for day in days})
    found: list[Client] = []
    for role, kind, share in SHARES:
        parties = connection.execute(
            "SELECT party_id, name FROM party WHERE kind = %s ORDER BY party_id", (kind,)
        ).fetchall()
        parties = [party for party in parties if party[1] != "Demo"]
        for number in range(max(1, round(share * count))):
            party_id, _ = parties[number % len(parties)]
            vins = connection.execute(_SEEN, {"kind": kind, "party": party_id}).fetchall()
            fleets = connection.execute(
                "SELECT fleet_id FROM fleet WHERE party_id = %s", (party_id,)
            ).fetchall()
            drivers = connection.execute(
                "SELECT driver_id FROM driver WHERE party_id = %s", (party_id,)
            ).fetchall()
            found.append(
                Client(
                    key=_key(connection, party_id, role),
                    vins=[vin for (vin,) in vins],
                    fleet_id=fleets[0][0] if fleets else None,
                    driver_ids=[driver for (driver,) in drivers],
                    first=first.isoformat(),
                    last=last.isoformat(),
                    weeks=weeks,
                )
            )
    random.Random(SEED).shuffle(found)  # noqa: S311 - so that fewer are of every role too
    return found[:count]


def _key(connection: Connection, party_id: int, role: Role) -> str:
    made = credentials.new_api_key()
    identity.create_api_key(
        connection,
        key_hash=credentials.hash_of(made.key),
        prefix=made.prefix,
        party_id=party_id,
        role=role,
        name="load",
        scopes=sorted(ROLE_SCOPES[role]),
        lifetime=timedelta(days=1),
    )
    return made.key
