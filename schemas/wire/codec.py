"""Bytes in, message out: the content type says which way."""

from enum import StrEnum

from schemas import catalogue as catalogues
from schemas.catalogue import Catalogue
from schemas.wire.json import decode_json
from schemas.wire.message import Message
from schemas.wire.protobuf import decode_protobuf
from schemas.wire.refusal import DecodeError, Refusal


class ContentType(StrEnum):
    """What the Kafka header `content-type` may say."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def decode(content_type: str | None, payload: bytes, catalogue: Catalogue | None = None) -> Message:
    """Read a message.

    Args:
        content_type: the header's text, parameters such as a charset allowed; None if missing.
        payload: the message's bytes.
        catalogue: names the signals of JSON; the packaged one by default.

    Raises:
        DecodeError: the message cannot be used; its `reason` says why in one word.
    """
    # Every text here is UTF-8, whatever a parameter says: both codecs refuse other bytes.
    match (content_type or "").partition(";")[0].strip().lower():
        case ContentType.PROTOBUF:
            return decode_protobuf(payload)
        case ContentType.JSON:
            return decode_json(payload, catalogue or catalogues.default())
    given = "no content type" if content_type is None else f"content type {content_type[:80]!r}"
    raise DecodeError(
        Refusal.UNKNOWN_CONTENT_TYPE,
        f"{given}: set the header content-type to {' or '.join(ContentType)}",
    )
