from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TriggerType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIGGER_TYPE_UNSPECIFIED: _ClassVar[TriggerType]
    TRIGGER_TYPE_TIMER: _ClassVar[TriggerType]
    TRIGGER_TYPE_IGNITION_ON: _ClassVar[TriggerType]
    TRIGGER_TYPE_IGNITION_OFF: _ClassVar[TriggerType]
    TRIGGER_TYPE_ENGINE_ON: _ClassVar[TriggerType]
    TRIGGER_TYPE_ENGINE_OFF: _ClassVar[TriggerType]
    TRIGGER_TYPE_PTO_ENABLED: _ClassVar[TriggerType]
    TRIGGER_TYPE_PTO_DISABLED: _ClassVar[TriggerType]
    TRIGGER_TYPE_DRIVER_LOGIN: _ClassVar[TriggerType]
    TRIGGER_TYPE_DRIVER_LOGOUT: _ClassVar[TriggerType]
    TRIGGER_TYPE_DRIVER_1_WORKING_STATE_CHANGED: _ClassVar[TriggerType]
    TRIGGER_TYPE_DRIVER_2_WORKING_STATE_CHANGED: _ClassVar[TriggerType]
    TRIGGER_TYPE_TELL_TALE: _ClassVar[TriggerType]
    TRIGGER_TYPE_DISTANCE_TRAVELLED: _ClassVar[TriggerType]
    TRIGGER_TYPE_FUEL_TYPE_CHANGE: _ClassVar[TriggerType]
    TRIGGER_TYPE_PARKING_BRAKE_SWITCH_CHANGE: _ClassVar[TriggerType]
    TRIGGER_TYPE_BATTERY_PACK_CHARGING_STATUS_CHANGE: _ClassVar[TriggerType]
    TRIGGER_TYPE_BATTERY_PACK_CHARGING_CONNECTION_STATUS_CHANGE: _ClassVar[TriggerType]
    TRIGGER_TYPE_TRAILER_CONNECTED: _ClassVar[TriggerType]
    TRIGGER_TYPE_TRAILER_DISCONNECTED: _ClassVar[TriggerType]

class Lamp(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAMP_NONE: _ClassVar[Lamp]
    LAMP_PROTECT: _ClassVar[Lamp]
    LAMP_AMBER_WARNING: _ClassVar[Lamp]
    LAMP_RED_STOP: _ClassVar[Lamp]
    LAMP_MALFUNCTION_INDICATOR: _ClassVar[Lamp]
TRIGGER_TYPE_UNSPECIFIED: TriggerType
TRIGGER_TYPE_TIMER: TriggerType
TRIGGER_TYPE_IGNITION_ON: TriggerType
TRIGGER_TYPE_IGNITION_OFF: TriggerType
TRIGGER_TYPE_ENGINE_ON: TriggerType
TRIGGER_TYPE_ENGINE_OFF: TriggerType
TRIGGER_TYPE_PTO_ENABLED: TriggerType
TRIGGER_TYPE_PTO_DISABLED: TriggerType
TRIGGER_TYPE_DRIVER_LOGIN: TriggerType
TRIGGER_TYPE_DRIVER_LOGOUT: TriggerType
TRIGGER_TYPE_DRIVER_1_WORKING_STATE_CHANGED: TriggerType
TRIGGER_TYPE_DRIVER_2_WORKING_STATE_CHANGED: TriggerType
TRIGGER_TYPE_TELL_TALE: TriggerType
TRIGGER_TYPE_DISTANCE_TRAVELLED: TriggerType
TRIGGER_TYPE_FUEL_TYPE_CHANGE: TriggerType
TRIGGER_TYPE_PARKING_BRAKE_SWITCH_CHANGE: TriggerType
TRIGGER_TYPE_BATTERY_PACK_CHARGING_STATUS_CHANGE: TriggerType
TRIGGER_TYPE_BATTERY_PACK_CHARGING_CONNECTION_STATUS_CHANGE: TriggerType
TRIGGER_TYPE_TRAILER_CONNECTED: TriggerType
TRIGGER_TYPE_TRAILER_DISCONNECTED: TriggerType
LAMP_NONE: Lamp
LAMP_PROTECT: Lamp
LAMP_AMBER_WARNING: Lamp
LAMP_RED_STOP: Lamp
LAMP_MALFUNCTION_INDICATOR: Lamp

class FrameBatch(_message.Message):
    __slots__ = ("vin", "catalogue_version", "blocks", "events")
    VIN_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_VERSION_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    vin: str
    catalogue_version: int
    blocks: _containers.RepeatedCompositeFieldContainer[FrameBlock]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, vin: _Optional[str] = ..., catalogue_version: _Optional[int] = ..., blocks: _Optional[_Iterable[_Union[FrameBlock, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class FrameBlock(_message.Message):
    __slots__ = ("times_us", "signal_ids", "values", "wide_signal_ids", "wide_values")
    TIMES_US_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    WIDE_SIGNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    WIDE_VALUES_FIELD_NUMBER: _ClassVar[int]
    times_us: _containers.RepeatedScalarFieldContainer[int]
    signal_ids: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    wide_signal_ids: _containers.RepeatedScalarFieldContainer[int]
    wide_values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, times_us: _Optional[_Iterable[int]] = ..., signal_ids: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., wide_signal_ids: _Optional[_Iterable[int]] = ..., wide_values: _Optional[_Iterable[float]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("time_us", "trigger", "driver_change", "trouble_code")
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    DRIVER_CHANGE_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_CODE_FIELD_NUMBER: _ClassVar[int]
    time_us: int
    trigger: Trigger
    driver_change: DriverChange
    trouble_code: TroubleCode
    def __init__(self, time_us: _Optional[int] = ..., trigger: _Optional[_Union[Trigger, _Mapping]] = ..., driver_change: _Optional[_Union[DriverChange, _Mapping]] = ..., trouble_code: _Optional[_Union[TroubleCode, _Mapping]] = ...) -> None: ...

class Trigger(_message.Message):
    __slots__ = ("type", "detail")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    type: TriggerType
    detail: str
    def __init__(self, type: _Optional[_Union[TriggerType, str]] = ..., detail: _Optional[str] = ...) -> None: ...

class DriverChange(_message.Message):
    __slots__ = ("slot", "driver_id")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    DRIVER_ID_FIELD_NUMBER: _ClassVar[int]
    slot: int
    driver_id: str
    def __init__(self, slot: _Optional[int] = ..., driver_id: _Optional[str] = ...) -> None: ...

class TroubleCode(_message.Message):
    __slots__ = ("spn", "fmi", "lamp", "count", "source_address", "active")
    SPN_FIELD_NUMBER: _ClassVar[int]
    FMI_FIELD_NUMBER: _ClassVar[int]
    LAMP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    spn: int
    fmi: int
    lamp: Lamp
    count: int
    source_address: int
    active: bool
    def __init__(self, spn: _Optional[int] = ..., fmi: _Optional[int] = ..., lamp: _Optional[_Union[Lamp, str]] = ..., count: _Optional[int] = ..., source_address: _Optional[int] = ..., active: _Optional[bool] = ...) -> None: ...
