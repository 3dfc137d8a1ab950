"""What is personal, table by table: how rows that tell of a driver or a place are found and erased.

A rule is all that export, erasure and the dry run know of a table. A table that gets a column which
names a driver or holds a place needs one: a test compares these with the database's own catalogue.

What is only of the person goes. What is a vehicle's as well (a trip, its litres) stays, of a driver
who is not known. A card that was put in stays a change of drivers, or the hours would be counted
for whoever had driven before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from collections.abc import Mapping

POSITION_SIGNALS = ("latitude", "longitude", "altitude", "heading")
"""Signals that say where a vehicle is. Speed, gradient and the quality of the fix do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a table holds of a driver.

    Conditions may use %(card)s, %(driver_id)s (NULL where not known) and %(subjects)s, how the
    driver's accounts are named in the log of reads.
    """

    table: str
    column: str
    """What names the driver."""
    where: LiteralString
    change: LiteralString | None = None
    """What is set; None: the row goes."""
    then: LiteralString = ""
    """A further part of the statement, which sees the rows as `changed`."""
    is_told: bool = True
    """Whether an export has the rows."""
    shown: Mapping[str, LiteralString] = field(default_factory=dict)
    """By column, what an export shows in its place: not other people, nor secrets."""

    @property
    def name(self) -> str:
        """Under which rows are counted."""
        return self.table + ("" if self.change else " (rows)")


_NUMBER: LiteralString = "driver_id = %(driver_id)s"
_SUBJECT: LiteralString = "subject_kind = 'driver' AND subject_id = %(driver_id)s"
_ACCOUNTS: LiteralString = (
    "account_id IN (SELECT account_id FROM account WHERE driver_id = %(driver_id)s)"
)
_CARDS: dict[str, LiteralString] = {
    "driver1_card_id": "CASE WHEN driver1_card_id = %(card)s THEN driver1_card_id END",
    "driver2_card_id": "CASE WHEN driver2_card_id = %(card)s THEN driver2_card_id END",
    "driver1_working_state": "CASE WHEN driver1_card_id = %(card)s THEN driver1_working_state END",
    "driver2_working_state": "CASE WHEN driver2_card_id = %(card)s THEN driver2_working_state END",
    "detail": "CASE WHEN trigger_type NOT LIKE 'DRIVER%%' OR detail = %(card)s THEN detail END",
}
_READ: dict[str, LiteralString] = {
    "driver_ids": "ARRAY(SELECT n FROM unnest(driver_ids) AS n WHERE n = %(driver_id)s)",
    "vins": "cardinality(vins)",
    "subject": "CASE WHEN subject = ANY (%(subjects)s) THEN subject ELSE role END",
    "address": "CASE WHEN subject = ANY (%(subjects)s) THEN address END",
}

RULES: tuple[Rule, ...] = (
    Rule(table="touched_duty", column="driver_id", where=_NUMBER, is_told=False),
    Rule(table="score_part", column="subject_id", where=_SUBJECT),
    Rule(table="score", column="subject_id", where=_SUBJECT),
    Rule(table="advice", column="driver_id", where=_NUMBER),
    Rule(
        table="driving_event",
        column="driver_id",
        where="driver_id = %(driver_id)s AND starts_with(kind, 'fatigue_')",
    ),
    Rule(
        table="driving_event",
        column="driver_id",
        where="driver_id = %(driver_id)s AND NOT starts_with(kind, 'fatigue_')",
        change="driver_id = NULL",
    ),
    Rule(table="trip", column="driver_id", where=_NUMBER, change="driver_id = NULL"),
    Rule(table="trip_part", column="driver_id", where=_NUMBER, change="driver_id = NULL"),
    Rule(table="fuel_part", column="driver_id", where=_NUMBER, change="driver_id = NULL"),
    Rule(
        table="drive_span",
        column="driver_id",
        where=_NUMBER,
        change="driver_id = NULL",
        # The hours are the vehicle's now: they are counted again, and its fatigue with them.
        then=(
            ", duty AS ("
            " INSERT INTO touched_duty AS known (vehicle_id, start_time, end_time)"
            " SELECT vehicle_id, min(start_time), max(end_time) FROM changed GROUP BY vehicle_id"
            " ON CONFLICT (driver_id, vehicle_id) DO UPDATE"
            " SET start_time = least(known.start_time, EXCLUDED.start_time),"
            " end_time = greatest(known.end_time, EXCLUDED.end_time), touched = DEFAULT)"
        ),
    ),
    Rule(
        table="driver_change",
        column="card_id",
        where="card_id = %(card)s",
        change="card_id = NULL",
    ),
    Rule(
        table="vehicle_report",
        column="driver1_card_id",
        where="driver1_card_id = %(card)s",
        change="driver1_card_id = NULL, driver1_working_state = NULL",
        shown=_CARDS,
    ),
    Rule(
        table="vehicle_report",
        column="driver2_card_id",
        where="driver2_card_id = %(card)s",
        change="driver2_card_id = NULL, driver2_working_state = NULL",
        shown=_CARDS,
    ),
    Rule(
        table="vehicle_report",
        column="detail",
        where="strpos(detail, %(card)s) > 0",
        change="detail = ''",
        shown=_CARDS,
    ),
    Rule(
        table="vehicle_event",
        column="detail",
        where="strpos(detail, %(card)s) > 0",
        change="detail = ''",
    ),
    Rule(
        table="access_log",
        column="driver_ids",
        where="driver_ids @> ARRAY[%(driver_id)s::bigint]",
        change="driver_ids = array_remove(driver_ids, %(driver_id)s::bigint)",
        shown=_READ,
    ),
    Rule(
        table="access_log",
        column="subject",
        where="subject = ANY (%(subjects)s)",
        change="subject = 'erased', address = NULL",
        shown=_READ,
    ),
    Rule(
        # Which advice it was. A sender that is at it finds no advice and sends nothing.
        table="webhook_delivery",
        column="subject",
        where="source = 'advice' AND split_part(subject, ' ', 3) = %(driver_id)s::bigint::text",
        is_told=False,
    ),
    Rule(
        # What was answered when somebody was registered or got an account. Sent again, the write is
        # refused as one whose answer is not kept: it is not done twice.
        table="kept_answer",
        column="body",
        where="position(convert_to(%(card)s, 'UTF8') IN body) > 0 OR position(convert_to("
        "'\"driver_id\":' || %(driver_id)s::bigint::text || ',', 'UTF8') IN body) > 0",
        change="body = NULL",
        is_told=False,
    ),
    Rule(
        table="refresh_token",
        column="family_id",
        where="family_id IN (SELECT family_id FROM sign_in JOIN account USING (account_id)"
        " WHERE driver_id = %(driver_id)s)",
        is_told=False,
    ),
    Rule(table="sign_in", column="account_id", where=_ACCOUNTS),
    Rule(
        table="provider_session", column="driver_id", where=_NUMBER, shown={"session_hash": "NULL"}
    ),
)
"""In this order; `LAST` come at the end, together, when nothing else is left."""

LAST: tuple[Rule, ...] = (
    Rule(table="account", column="driver_id", where=_NUMBER, shown={"password_hash": "NULL"}),
    Rule(table="driver", column="card_id", where="driver_id = %(driver_id)s OR card_id = %(card)s"),
)

BELONGING: dict[str, LiteralString] = {
    "advice_result": "advice_id IN (SELECT advice_id FROM advice WHERE driver_id = %(driver_id)s)",
    "fuel_cause": "(vehicle_id, part_start) IN (SELECT vehicle_id, part_start FROM fuel_part"
    " WHERE driver_id = %(driver_id)s)",
}
"""Tables that name nobody but tell of a driver's rows: an export has these of theirs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceRule:
    """What a table beside the raw rows and rollups holds of where vehicles were."""

    table: str
    columns: tuple[str, ...]
    at: LiteralString
    """When the vehicle was there: a condition on {span}, with %(since)s and %(until)s."""
    change: LiteralString | None
    """What is set; None: the row goes."""
    held: LiteralString
    """Whether a row holds any of it."""


def _within(time: LiteralString) -> LiteralString:
    return "{0} >= %(since)s AND {0} < %(until)s".replace("{0}", time)


PUBLIC_PLACES = frozenset({("service_point", "latitude"), ("service_point", "longitude")})
"""Columns with places that are nobody's: where a workshop is, is on its door."""

PLACES: tuple[PlaceRule, ...] = (
    PlaceRule(
        table="vehicle_report",
        columns=("latitude", "longitude", "altitude", "heading", "position_time"),
        at=_within("coalesce(position_time, created_time)"),
        change="latitude = NULL, longitude = NULL, altitude = NULL, heading = NULL,"
        " position_time = NULL",
        held="num_nonnulls(latitude, longitude, altitude, heading, position_time) > 0",
    ),
    PlaceRule(
        table="trip",
        columns=("start_latitude", "start_longitude"),
        at=_within("start_time"),
        change="start_latitude = NULL, start_longitude = NULL",
        held="num_nonnulls(start_latitude, start_longitude) > 0",
    ),
    PlaceRule(
        table="trip",
        columns=("end_latitude", "end_longitude"),
        at=_within("end_time"),
        change="end_latitude = NULL, end_longitude = NULL",
        held="num_nonnulls(end_latitude, end_longitude) > 0",
    ),
    PlaceRule(
        table="driving_event",
        columns=("latitude", "longitude"),
        at=_within("start_time"),
        change="latitude = NULL, longitude = NULL",
        held="num_nonnulls(latitude, longitude) > 0",
    ),
    PlaceRule(
        table="tank_event",
        columns=("latitude", "longitude"),
        at=_within("start_time"),
        change="latitude = NULL, longitude = NULL",
        held="num_nonnulls(latitude, longitude) > 0",
    ),
    PlaceRule(
        table="fuel_part",
        columns=("corridor",),
        at="part_start < %(until)s AND end_time >= %(since)s",
        change="corridor = NULL",
        held="corridor IS NOT NULL",
    ),
    PlaceRule(
        table="refused_value",
        columns=("value",),
        at=_within("time"),
        change=None,
        held="signal_id IN (SELECT signal_id FROM signal WHERE name IN"
        " ('latitude', 'longitude', 'altitude', 'heading'))",
    ),
)
