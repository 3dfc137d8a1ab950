"""What a vehicle sends, as bytes and as arrays: `frame.proto` and its JSON twin."""

from schemas.wire.codec import ContentType, decode
from schemas.wire.columns import make_block
from schemas.wire.event import DriverChange, Event, Lamp, Trigger, TriggerType, TroubleCode
from schemas.wire.json import decode_json, encode_json
from schemas.wire.message import MAX_FRAMES, Block, Message
from schemas.wire.protobuf import decode_protobuf, encode_protobuf
from schemas.wire.refusal import DecodeError, Refusal

__all__ = [
    "MAX_FRAMES",
    "Block",
    "ContentType",
    "DecodeError",
    "DriverChange",
    "Event",
    "Lamp",
    "Message",
    "Refusal",
    "Trigger",
    "TriggerType",
    "TroubleCode",
    "decode",
    "decode_json",
    "decode_protobuf",
    "encode_json",
    "encode_protobuf",
    "make_block",
]
