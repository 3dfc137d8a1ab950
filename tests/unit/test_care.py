"""Reasons to call: which there are, in what order, and when one is news."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.care import words as care_words
from api.care.cases import FOR_THE_DRIVER, KINDS, NAMES, SOON, CareKind, Case
from api.language import CODES, language
from api.vehicles.systems import System
from api.vehicles.telling import Condition
from ingest.record import Reason as RecordReason
from schemas import catalogue as catalogues
from schemas.trouble_codes import common_parameters, signals_of
from schemas.wire import Lamp, Refusal
from storage.answers import Latest, TroubleCode
from storage.served_care import Handled, VehicleInCare
from storage.served_service import PlanAndLast

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CATALOGUE = catalogues.default()
NO_PLAN = PlanAndLast(
    every_km=None,
    every_h=None,
    every_days=None,
    of_model=False,
    done_at=None,
    odometer_km=None,
    engine_h=None,
)


def vehicle(age: timedelta = timedelta(seconds=5), /, **values: float) -> VehicleInCare:
    at = NOW - age
    return VehicleInCare(
        vin="LSGAA11112A000001",
        model=None,
        plate=None,
        region=None,
        registered_at=NOW - 400 * DAY,
        last_seen=at,
        latest={name: Latest(name=name, value=value, time=at) for name, value in values.items()},
        lit={},
        trouble_codes=[],
        plan=NO_PLAN,
        handled=None,
    )


def code(lamp: Lamp, age: timedelta = HOUR, spn: int = 110) -> TroubleCode:
    return TroubleCode(spn=spn, fmi=0, source_address=0, lamp=lamp, count=None, since=NOW - age)


def case(one: VehicleInCare) -> Case:
    return Case(one, NOW)


def reasons(one: VehicleInCare) -> list[care_words.Reason]:
    return care_words.reasons(case(one), CATALOGUE, "en")


def kinds(one: VehicleInCare) -> list[CareKind]:
    return [reason.kind for reason in reasons(one)]


def test_a_vehicle_that_is_well_has_no_reason() -> None:
    assert kinds(vehicle(wheel_speed=70.0, tell_tale_amber=0.0, service_distance=40_000.0)) == []


@pytest.mark.parametrize("name", sorted(FOR_THE_DRIVER))
def test_what_the_driver_sees_to_is_no_reason(name: str) -> None:
    assert name not in NAMES
    assert kinds(vehicle(**{name: 1.0})) == []


def test_reasons_are_in_the_order_of_what_calls_first() -> None:
    one = vehicle(6 * HOUR, wheel_speed=70.0, tell_tale_red=1.0, dpf_lamp=1.0, service_days=-3.0)
    assert kinds(one) == [
        CareKind.RED_LAMP,
        CareKind.AMBER_LAMP,
        CareKind.SERVICE_OVERDUE,
        CareKind.SILENT,
    ]


def test_a_lamp_that_a_code_lights_is_told_by_the_code() -> None:
    lamps = vehicle(tell_tale_red=1.0, tell_tale_amber=1.0)
    told = reasons(replace(lamps, trouble_codes=[code(Lamp.RED_STOP)]))
    assert [(one.spn, one.signal) for one in told] == [(110, None), (None, "tell_tale_amber")]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"service_distance": SOON["km"] + 1}, None),
        ({"service_distance": SOON["km"]}, CareKind.SERVICE_DUE),
        ({"service_distance": -1.0}, CareKind.SERVICE_OVERDUE),
        ({"service_days": SOON["d"] + 1}, None),
        ({"service_days": SOON["d"]}, CareKind.SERVICE_DUE),
        ({"service_due": 1.0}, CareKind.SERVICE_DUE),
        ({"service_distance": 40_000.0, "service_due": 1.0}, CareKind.SERVICE_DUE),
    ],
)
def test_a_service_is_due_soon_by_any_measure(
    values: dict[str, float], kind: CareKind | None
) -> None:
    assert kinds(vehicle(**values)) == ([] if kind is None else [kind])


def test_a_parked_truck_with_a_red_lamp_is_not_told_to_stop() -> None:
    for speed, words in ((70.0, "stop at the next safe place"), (0.0, "must not drive on")):
        (reason,) = reasons(vehicle(wheel_speed=speed, tell_tale_red=1.0))
        assert words in reason.todo


def test_a_vehicle_that_was_never_heard_is_new_for_three_days() -> None:
    never = replace(vehicle(), last_seen=None, latest={})
    assert kinds(replace(never, registered_at=NOW - 2 * DAY)) == []
    assert kinds(replace(never, registered_at=NOW - 4 * DAY)) == [CareKind.SILENT]


def test_what_was_seen_to_is_no_news_until_it_changes_or_a_month_has_passed() -> None:
    one = replace(vehicle(), trouble_codes=[code(Lamp.RED_STOP)])
    keys = frozenset(reason.key for reason in reasons(one))

    def handled(age: timedelta, vehicle: VehicleInCare = one) -> bool:
        seen_to = Handled(reasons=keys, at=NOW - age, by="account:x")
        return case(replace(vehicle, handled=seen_to)).is_handled

    assert handled(29 * DAY)
    assert not handled(30 * DAY)
    assert not handled(HOUR, replace(one, trouble_codes=[code(Lamp.RED_STOP, age=DAY)]))
    assert not handled(HOUR, replace(one, trouble_codes=[code(Lamp.RED_STOP, spn=100)]))


def test_a_service_that_becomes_overdue_is_news() -> None:
    (due,), (overdue,) = (reasons(vehicle(service_distance=left)) for left in (20.0, -20.0))
    assert due.key != overdue.key
    # Driving on towards it is not.
    (later,) = reasons(vehicle(service_distance=10.0))
    assert due.key == later.key


@pytest.mark.parametrize("spoken", CODES)
def test_all_that_a_page_names_has_its_words(spoken: str) -> None:
    texts = language(spoken).texts
    wanted = [f"care_{kind}" for kind in KINDS]
    wanted += [f"system_{system}" for system in System]
    wanted += [f"condition_{condition}" for condition in Condition]
    wanted += [f"refused_{reason}" for reason in (*Refusal, *RecordReason)]
    wanted += [f"lamp_{lamp.lower()}" for lamp in Lamp]
    assert [key for key in wanted if key not in texts] == []


def test_common_parameters_are_no_signals_of_ours_and_of_a_system_that_there_is() -> None:
    found = common_parameters()
    assert len(found) > 50
    assert list(found) == sorted(found)
    assert [spn for spn in found if signals_of(CATALOGUE, spn)] == []
    systems = {parameter.system for parameter in found.values()}
    assert systems <= {*System, None}
    assert all(one.words.en and one.words.zh for one in found.values())
