"""The records that the crash loop sends.

Each says which producer sent it and as its how-manieth, and carries a checksum, so that whoever
reads a record can tell whether it is exactly what was sent. Sizes and filling follow from producer
and number alone.
"""
import random
import struct
import zlib

HEAD = struct.Struct(">4sIQI")
MAGIC = b"rec1"
FILLING = random.Random(20261121).randbytes(256 * 1024)

DERIVED = struct.Struct(">4siqII")
DERIVED_MAGIC = b"out1"


def value(producer, number):
    """The value of the record `number` of `producer`: 20 bytes and 0 to 100,000 of filling."""
    dice = zlib.crc32(struct.pack(">IQ", producer, number))
    kind, start = dice % 500, dice >> 9 & 0xFFFF
    size = 100_000 if kind == 0 else dice >> 16 & 0x1FFF if kind < 10 else dice >> 20 & 0x1FF
    filling = FILLING[start:start + size]
    return HEAD.pack(MAGIC, producer, number, zlib.crc32(filling)) + filling


def parse(data):
    """Who sent a record, and as its how-manieth; raises ValueError if the bytes were never sent."""
    if data is None or len(data) < HEAD.size:
        raise ValueError("a value that nobody sent")
    magic, producer, number, _ = HEAD.unpack_from(data)
    if magic != MAGIC or data != value(producer, number):
        raise ValueError(f"a value that nobody sent, like {number} of producer {producer}")
    return producer, number


def derived(partition, offset, data):
    """f(input): what the transforming worker makes of a record: where it stood and a checksum."""
    return DERIVED.pack(DERIVED_MAGIC, partition, offset, len(data), zlib.crc32(data))


class Ledger:
    """What a producer was told: a file of (number, partition, offset), one for each answer."""

    ENTRY = struct.Struct(">QiqI")

    def __init__(self, path):
        self.file = open(path, "ab", buffering=1 << 16)

    def add(self, number, partition, offset, epoch=0):
        self.file.write(self.ENTRY.pack(number, partition, offset, epoch))

    def flush(self):
        self.file.flush()

    def close(self):
        self.file.close()

    @classmethod
    def read(cls, path):
        with open(path, "rb") as file:
            data = file.read()
        return list(cls.ENTRY.iter_unpack(data[:len(data) // cls.ENTRY.size * cls.ENTRY.size]))
