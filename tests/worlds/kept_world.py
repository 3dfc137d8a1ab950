"""A platform whose log has been written to, and whose owner has people, keys and a client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.worlds.identity_world import FOREIGN, VIN, World, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.database_fixture import Migrated

READS = 120
"""Reads of FOREIGN, a minute apart: more than a page has."""
MANY = tuple(f"LSGAA11112A0009{n:02d}" for n in range(6))
"""Vehicles that one read tells of."""
YESTERDAY = (datetime.now(tz=UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0)

_ENTRY = """
    INSERT INTO access_log (party_id, subject, role, method, route, vins, driver_ids, purpose,
                            address, status, reads, at)
    VALUES (%(party)s, %(subject)s, %(role)s, 'GET', %(route)s, %(vins)s, %(drivers)s, %(purpose)s,
            '192.0.2.17', %(status)s, %(reads)s, %(at)s)
"""


def kept_world(database: Migrated, folder: Path) -> World:
    """Make it."""
    made = world(database, folder)
    for name, role, party in (
        ("wu", "owner", made.owner),
        ("admin", "administrator", made.owner),
        ("left", "owner", made.owner),
        ("maker", "maker", made.maker),
        ("auditor", "auditor", made.auditor),
    ):
        made.account(name, role, party=party)
    made.account("driver", "driver", driver=made.driver)
    connection = database.connection
    connection.execute("UPDATE account SET disabled_at = now() WHERE name = 'left'")
    made.key()
    made.key("vehicles:read", lifetime=timedelta(days=90))
    made.client("vehicles:read", "fleets:read")
    usual = {
        "party": made.owner,
        "subject": "account:wu",
        "role": "owner",
        "route": "/v1/vehicles/{vin}/state",
        "vins": [FOREIGN],
        "drivers": [],
        "purpose": None,
        "status": 404,
        "reads": 1,
    }
    for number in reversed(range(READS)):
        connection.execute(_ENTRY, {**usual, "at": YESTERDAY - number * timedelta(minutes=1)})
    other = {
        "subject": "key:vtk_3kq7x2am",
        "route": "/v1/vehicles",
        "vins": [VIN, *MANY],
        "drivers": [made.driver],
        "purpose": "warranty claim 4711",
        "status": 200,
        "reads": 3,
        "at": YESTERDAY + timedelta(hours=1),
    }
    connection.execute(_ENTRY, usual | other)
    return made
