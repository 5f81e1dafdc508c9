"""Reads and writes the protocol's primitive types; a reader refuses whatever does not fit."""

from __future__ import annotations

import struct


class Malformed(Exception):
    """Bytes that are not what the protocol says."""


def unsigned_varint(value: int) -> bytes:
    """7 bits per byte, low ones first, high bit = more."""
    assert value >= 0
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def varint(value: int) -> bytes:
    """Zigzag, as records have it; of 32 and of 64 bits are the same bytes."""
    return unsigned_varint(value << 1 if value >= 0 else (-value << 1) - 1)


class Reader:
    """A position in bytes that only moves forward."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.position

    def take(self, count: int) -> bytes:
        if count < 0 or count > self.left:
            raise Malformed(f"{count} bytes wanted at {self.position}, {self.left} left")
        taken = self.data[self.position : self.position + count]
        self.position += count
        return taken

    def number(self, layout: str) -> int | float:
        """A fixed-width big-endian number, `layout` as in the module struct."""
        value: int | float = struct.unpack(">" + layout, self.take(struct.calcsize(layout)))[0]
        return value

    def integer(self, layout: str) -> int:
        value = self.number(layout)
        assert isinstance(value, int)
        return value

    def unsigned_varint(self, maximum_bytes: int = 5) -> int:
        value = 0
        for index in range(maximum_bytes):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    raise Malformed("varint with a needless last byte")
                return value
        raise Malformed(f"varint of more than {maximum_bytes} bytes")

    def varint(self, maximum_bytes: int = 5) -> int:
        value = self.unsigned_varint(maximum_bytes)
        return (value >> 1) ^ -(value & 1)

    def varlong(self) -> int:
        return self.varint(10)

    def end(self) -> None:
        if self.left:
            raise Malformed(f"{self.left} bytes left over at {self.position}")
