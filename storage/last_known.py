"""Vehicles' latest values, for an ingest worker that has just met the vehicles."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from storage.connection import Connection


def last_known(
    connection: Connection, vehicle_ids: Collection[int], names: Collection[str]
) -> Mapping[int, Mapping[str, tuple[float, datetime]]]:
    """By vehicle and signal: its latest value and when that was; none where it was never seen."""
    found: defaultdict[int, dict[str, tuple[float, datetime]]] = defaultdict(dict)
    for vehicle_id, name, value, time in connection.execute(
        query("last_known"), {"vehicle_ids": list(vehicle_ids), "names": list(names)}
    ):
        found[vehicle_id][name] = (value, time)
    return found
