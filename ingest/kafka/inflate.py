"""Record batches inflated up to a limit: kafka-python's own codecs make all of what was claimed.

A batch of a few kilobytes may inflate to gigabytes, and the broker lets it in: its limit is on what
comes compressed. So everything here stops a piece after the limit, and whatever a codec's library
raises becomes one error. Snappy is read too, which kafka-python leaves to a library of its own.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import lz4.frame
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_BYTES = 1 << 20
"""What is inflated at a time [bytes]."""

_ZSTD = 4
"""Its number among Kafka's codecs."""

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16  # magic, version, oldest reader; xerial's snappy-java
_VARINT_LONGEST = 5  # bytes of a 32-bit varint; Snappy's format description
_GZIP_MEMBERS = 16  # ours: Kafka's clients write one; each costs a copy of all that follows it
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib: read gzip's own header


class InflateError(Exception):
    """Bytes that cannot be inflated, or not within the limit; the text says which."""


def inflate(codec: int, data: memoryview, limit: int) -> bytes | bytearray:
    """Inflate the records of a batch.

    Args:
        codec: 0 to 4: none, gzip, snappy, lz4, zstd, as the batch's attributes have it.
        data: what follows the batch's header.
        limit: the most it may come to [bytes].

    Raises:
        InflateError: it comes to more, or is not what the codec says.
    """
    read = _CODECS.get(codec)
    if read is None:
        raise InflateError(f"compression {codec} is none that Kafka knows")
    try:
        if codec == _ZSTD and (whole := _zstd_at_once(data, limit)) is not None:
            return whole
        found = bytearray()
        for piece in read(data, limit):
            found += piece
            if len(found) > limit:
                raise InflateError(f"it inflates to more than {limit} bytes")
    except _BROKEN as error:
        raise InflateError(f"it cannot be inflated: {error}") from error
    return found


def _none(data: memoryview, _limit: int) -> Iterator[memoryview]:
    yield data


def _gzip(data: memoryview, _limit: int) -> Iterator[bytes]:
    rest: bytes | memoryview = data
    for _ in range(_GZIP_MEMBERS):
        member = zlib.decompressobj(_GZIP_WINDOW)
        while not member.eof:
            piece = member.decompress(rest, PIECE_BYTES)
            rest = member.unused_data if member.eof else member.unconsumed_tail
            yield piece
            if not piece and not rest and not member.eof:
                raise zlib.error("it ends too early")
        if not rest:
            return
    raise zlib.error(f"it has more than {_GZIP_MEMBERS} members")


def _snappy(data: memoryview, limit: int) -> Iterator[bytes]:
    if data[: len(_XERIAL_MAGIC)] != _XERIAL_MAGIC:
        yield _snappy_block(data, limit)
        return
    place = _XERIAL_HEADER_BYTES
    while place < len(data):
        (size,) = struct.unpack_from(">i", data, place)
        place += 4
        if not 0 < size <= len(data) - place:
            raise ValueError(f"a Snappy block claims {size} bytes of {len(data) - place}")
        yield _snappy_block(data[place : place + size], limit)
        place += size


def _snappy_block(block: memoryview, limit: int) -> bytes:
    """One block; its first bytes say what it comes to."""
    size = 0
    for index, byte in enumerate(block[:_VARINT_LONGEST]):
        size |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            break
    else:
        raise ValueError("a Snappy block does not say its size")
    if size > limit:
        raise InflateError(f"it inflates to more than {limit} bytes")
    # Here, for a worker is three processes: 25 MB each for a codec that hardly anybody uses.
    import pyarrow as pa  # noqa: PLC0415

    made: bytes = pa.decompress(
        pa.py_buffer(block), decompressed_size=size, codec="snappy", asbytes=True
    )
    return made


def _lz4(data: memoryview, _limit: int) -> Iterator[bytes]:
    reader = lz4.frame.LZ4FrameDecompressor()
    rest: bytes | memoryview = data
    while not reader.eof:
        piece = reader.decompress(rest, max_length=PIECE_BYTES)
        rest = b""
        yield piece
        if not piece and reader.needs_input:
            raise RuntimeError("it ends too early")


def _zstd_at_once(data: memoryview, limit: int) -> bytes | None:
    """A frame that says what it comes to, as many clients write it; None: read it piece by piece.

    The library makes room for what the frame claims and takes no more: nothing is copied twice.
    """
    claimed = zstandard.get_frame_parameters(data).content_size
    if not 0 < claimed <= limit:
        return None
    try:
        made: bytes = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError:
        return None  # more frames follow, or it is broken: piece by piece it shows which
    return made


def _zstd(data: memoryview, _limit: int) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        while piece := reader.read(PIECE_BYTES):
            yield piece


_CODECS: dict[int, Callable[[memoryview, int], Iterator[bytes | memoryview]]] = {
    0: _none,
    1: _gzip,
    2: _snappy,
    3: _lz4,
    _ZSTD: _zstd,
}

_BROKEN = (
    zlib.error,
    zstandard.ZstdError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    struct.error,
)
"""What the libraries raise over bytes that are not theirs."""
