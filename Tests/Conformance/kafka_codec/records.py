"""Record batches of format 2: what producers send, brokers store and consumers fetch."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from kafka_codec.compression import compress, decompress
from kafka_codec.crc32c import crc32c
from kafka_codec.primitives import Malformed, Reader, varint

HEADER = struct.Struct(">qiibIhiqqqhii")
CODEC_BITS, LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x07, 0x08, 0x10, 0x20
CRC_START = 21


@dataclass(frozen=True)
class Record:
    """One record; offset and time are filled in when it was decoded."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    offset: int = -1


@dataclass(frozen=True)
class Batch:
    """A decoded batch; its records are not decoded when it is a control batch's marker only."""

    base_offset: int
    leader_epoch: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: tuple[Record, ...]
    size: int
    raw: bytes

    @property
    def codec(self) -> int:
        return self.attributes & CODEC_BITS

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def is_commit(self) -> bool:
        """Of a control batch: 1 is commit, 0 abort."""
        assert self.is_control
        key = self.records[0].key
        assert key is not None
        return struct.unpack(">hh", key) == (0, 1)


def now_milliseconds() -> int:
    return time.time_ns() // 1_000_000


def encode_bytes(value: bytes | None) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value


def encode_record(record: Record, offset_delta: int, base_timestamp: int) -> bytes:
    timestamp = base_timestamp if record.timestamp is None else record.timestamp
    body = b"\x00" + varint(timestamp - base_timestamp) + varint(offset_delta)
    body += encode_bytes(record.key) + encode_bytes(record.value) + varint(len(record.headers))
    for name, value in record.headers:
        body += encode_bytes(name.encode()) + encode_bytes(value)
    return varint(len(body)) + body


def encode_batch(
    records: Sequence[Record | bytes],
    *,
    codec: int = 0,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
    base_timestamp: int | None = None,
    base_offset: int = 0,
    leader_epoch: int = -1,
    magic: int = 2,
    attributes: int = 0,
    last_offset_delta: int | None = None,
    records_count: int | None = None,
    crc_mask: int = 0,
    payload: bytes | None = None,
) -> bytes:
    """A batch as a producer sends it; the named fields can be made wrong on purpose.

    `payload` takes the place of the (compressed) records, `crc_mask` spoils the checksum.
    """
    full = [each if isinstance(each, Record) else Record(each) for each in records]
    times = [each.timestamp for each in full if each.timestamp is not None]
    if base_timestamp is None:
        base_timestamp = times[0] if times else now_milliseconds()
    if payload is None:
        encoded = [encode_record(each, at, base_timestamp) for at, each in enumerate(full)]
        payload = compress(codec, b"".join(encoded))
    tail = HEADER.pack(
        base_offset,
        0,
        leader_epoch,
        magic,
        0,
        attributes | codec | (TRANSACTIONAL if transactional else 0),
        len(full) - 1 if last_offset_delta is None else last_offset_delta,
        base_timestamp,
        max(times, default=base_timestamp),
        producer_id,
        producer_epoch,
        base_sequence,
        len(full) if records_count is None else records_count,
    )[CRC_START:]
    tail += payload
    crc = crc32c(tail) ^ crc_mask
    return struct.pack(">qiibI", base_offset, len(tail) + 9, leader_epoch, magic, crc) + tail


def decode_batches(data: bytes) -> list[Batch]:
    """Reads whole batches up to the end of `data`, checking lengths, format and checksum."""
    batches = []
    position = 0
    while position < len(data):
        if len(data) - position < HEADER.size:
            raise Malformed(f"{len(data) - position} bytes are no batch")
        (length,) = struct.unpack_from(">i", data, position + 8)
        end = position + 12 + length
        if length < 49 or end > len(data):
            raise Malformed(f"batch length {length} with {len(data) - position} bytes left")
        batches.append(decode_batch(data[position:end]))
        position = end
    return batches


def decode_batch(raw: bytes) -> Batch:
    (
        base_offset, _, leader_epoch, magic, crc, attributes, last_offset_delta,
        base_timestamp, max_timestamp, producer_id, producer_epoch, base_sequence, count,
    ) = HEADER.unpack_from(raw)  # fmt: skip
    if magic != 2:
        raise Malformed(f"magic {magic}")
    if crc != crc32c(raw[CRC_START:]):
        raise Malformed(f"checksum of the batch at {base_offset} is wrong")
    reader = Reader(decompress(attributes & CODEC_BITS, raw[HEADER.size :]))
    fixed_time = max_timestamp if attributes & LOG_APPEND_TIME else None
    records = tuple(
        decode_record(reader, base_offset, base_timestamp, fixed_time) for _ in range(count)
    )
    reader.end()
    return Batch(
        base_offset, leader_epoch, attributes, last_offset_delta, base_timestamp, max_timestamp,
        producer_id, producer_epoch, base_sequence, records, len(raw), raw,
    )  # fmt: skip


def decode_bytes(reader: Reader) -> bytes | None:
    length = reader.varint()
    return None if length == -1 else reader.take(length)


def decode_record(
    reader: Reader, base_offset: int, base_timestamp: int, fixed_time: int | None
) -> Record:
    body = Reader(reader.take(reader.varint()))
    body.take(1)
    timestamp = base_timestamp + body.varlong()
    offset = base_offset + body.varint()
    key, value = decode_bytes(body), decode_bytes(body)
    headers = []
    for _ in range(body.varint()):
        name = decode_bytes(body)
        if name is None:
            raise Malformed("header without a key")
        headers.append((name.decode(), decode_bytes(body)))
    body.end()
    time_of = timestamp if fixed_time is None else fixed_time
    return Record(value, key, tuple(headers), time_of, offset)
