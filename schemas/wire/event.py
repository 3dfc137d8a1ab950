"""What a vehicle tells that is not a number: triggers, driver changes, trouble codes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from schemas.wire.refusal import DecodeError, Refusal

MAX_TEXT = 200  # characters; ours: an rFMS trigger detail and any driver card fit well within
MAX_SPN = 2**19 - 1  # SAE J1939-73: a suspect parameter number has 19 bits
MAX_FMI = 2**5 - 1  # SAE J1939-73: a failure mode identifier has 5 bits
MAX_COUNT = 126  # occurrences; SAE J1939-73: 7 bits, of which 127 means not available
MAX_ADDRESS = 2**8 - 1  # SAE J1939-81: an address has 8 bits
MIN_TIME_US = -(2**63)  # microseconds; what 64 bits hold
MAX_TIME_US = 2**63 - 1  # microseconds; what 64 bits hold


class TriggerType(StrEnum):
    """Why a vehicle reports now: rFMS 4.0 `triggerType`."""

    TIMER = "TIMER"
    IGNITION_ON = "IGNITION_ON"
    IGNITION_OFF = "IGNITION_OFF"
    ENGINE_ON = "ENGINE_ON"
    ENGINE_OFF = "ENGINE_OFF"
    PTO_ENABLED = "PTO_ENABLED"
    PTO_DISABLED = "PTO_DISABLED"
    DRIVER_LOGIN = "DRIVER_LOGIN"
    DRIVER_LOGOUT = "DRIVER_LOGOUT"
    DRIVER_1_WORKING_STATE_CHANGED = "DRIVER_1_WORKING_STATE_CHANGED"
    DRIVER_2_WORKING_STATE_CHANGED = "DRIVER_2_WORKING_STATE_CHANGED"
    TELL_TALE = "TELL_TALE"
    DISTANCE_TRAVELLED = "DISTANCE_TRAVELLED"
    FUEL_TYPE_CHANGE = "FUEL_TYPE_CHANGE"
    PARKING_BRAKE_SWITCH_CHANGE = "PARKING_BRAKE_SWITCH_CHANGE"
    BATTERY_PACK_CHARGING_STATUS_CHANGE = "BATTERY_PACK_CHARGING_STATUS_CHANGE"
    BATTERY_PACK_CHARGING_CONNECTION_STATUS_CHANGE = (
        "BATTERY_PACK_CHARGING_CONNECTION_STATUS_CHANGE"
    )
    TRAILER_CONNECTED = "TRAILER_CONNECTED"
    TRAILER_DISCONNECTED = "TRAILER_DISCONNECTED"


class Lamp(StrEnum):
    """The gravest lamp that a trouble code lights (SAE J1939-73, DM1)."""

    NONE = "NONE"
    PROTECT = "PROTECT"
    AMBER_WARNING = "AMBER_WARNING"
    RED_STOP = "RED_STOP"
    MALFUNCTION_INDICATOR = "MALFUNCTION_INDICATOR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """Why the vehicle reports.

    Attributes:
        time_us: UTC microseconds since 1970, the vehicle's clock.
        type: the rFMS trigger.
        detail: what the type leaves open, such as a tell-tale's name; usually "".
    """

    time_us: int
    type: TriggerType
    detail: str = ""

    def __post_init__(self) -> None:
        check_time(self.time_us)
        check_text("a trigger's detail", self.detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverChange:
    """Another driver in a seat.

    Attributes:
        time_us: UTC microseconds since 1970, the vehicle's clock.
        slot: 1 the driver, 2 the co-driver.
        driver_id: as card or login give it; None when the driver has left.
    """

    time_us: int
    slot: int
    driver_id: str | None

    def __post_init__(self) -> None:
        check_time(self.time_us)
        _check_range("a driver change's slot", self.slot, 1, 2)
        if self.driver_id is not None:
            check_text("a driver id", self.driver_id)
            if not self.driver_id:
                raise DecodeError(
                    Refusal.BAD_EVENT, "a driver id is empty: leave it out when the driver left"
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class TroubleCode:
    """A diagnostic trouble code of SAE J1939-73.

    Attributes:
        time_us: UTC microseconds since 1970, the vehicle's clock.
        spn: suspect parameter number, 0 to 524287.
        fmi: failure mode identifier, 0 to 31.
        lamp: the gravest lamp it lights.
        count: occurrences, 0 to 126; None where the control unit does not count.
        source_address: the reporting control unit's J1939 address, 0 to 255.
        active: true from DM1; false from DM2, or when it has gone.
    """

    time_us: int
    spn: int
    fmi: int
    lamp: Lamp
    count: int | None
    source_address: int
    active: bool

    def __post_init__(self) -> None:
        check_time(self.time_us)
        _check_range("a trouble code's SPN", self.spn, 0, MAX_SPN)
        _check_range("a trouble code's FMI", self.fmi, 0, MAX_FMI)
        _check_range("a trouble code's source address", self.source_address, 0, MAX_ADDRESS)
        if self.count is not None:
            _check_range("a trouble code's count (left out if unknown)", self.count, 0, MAX_COUNT)


Event: TypeAlias = Trigger | DriverChange | TroubleCode


def check_time(time_us: int) -> None:
    """Refuse a time that 64-bit microseconds do not hold.

    Raises:
        DecodeError: `bad_time`.
    """
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise DecodeError(
            Refusal.BAD_TIME, f"time {time_us} does not fit 64 bits: send microseconds since 1970"
        )


def check_text(what: str, text: str, reason: Refusal = Refusal.BAD_EVENT) -> None:
    """Refuse text that is long or holds control characters (PostgreSQL stores no NUL).

    Raises:
        DecodeError: `reason`.
    """
    if len(text) > MAX_TEXT or not text.isprintable():
        raise DecodeError(
            reason,
            f"{what} must be at most {MAX_TEXT} printable characters, not {text[:MAX_TEXT]!r}",
        )


def _check_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise DecodeError(Refusal.BAD_EVENT, f"{what} must be {low} to {high}, not {value}")
