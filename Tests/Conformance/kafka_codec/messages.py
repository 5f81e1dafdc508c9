"""Requests and responses by the table messages.txt: dictionaries to bytes and back."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from kafka_codec.primitives import Malformed, Reader, unsigned_varint

NUMBERS = {
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint16": "H",
    "float64": "d",
}
NO_ID = UUID(int=0)
Versions = tuple[int, int]
NEVER: Versions = (1, 0)

# What a case adds to the tagged fields of every struct to see that it is skipped.
UNKNOWN_TAG = 4711


class Kind(Enum):
    REQUEST = "request"
    RESPONSE = "response"


class Struct(dict[str, Any]):
    """A decoded struct; its fields are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{name}: there are {', '.join(self)}") from None


@dataclass
class Field:
    """One line of the table."""

    name: str
    type: str
    versions: Versions
    nullable: Versions = NEVER
    tag: int = -1
    tagged: Versions = NEVER
    default: str | None = None
    fields: list[Field] = field(default_factory=list)


@dataclass
class Message:
    """The fields of one request or response."""

    versions: Versions
    flexible: Versions
    fields: list[Field] = field(default_factory=list)


def parse_versions(text: str) -> Versions:
    if text == "none":
        return NEVER
    low, _, high = text.partition("-")
    if text.endswith("+"):
        return int(text[:-1]), 32767
    return int(low), int(high or low)


def within(version: int, versions: Versions) -> bool:
    return versions[0] <= version <= versions[1]


def parse_field(words: list[str]) -> Field:
    parsed = Field(words[0], words[1], parse_versions(words[2]))
    rest = iter(words[3:])
    for word in rest:
        if word == "nullable":
            parsed.nullable = parse_versions(next(rest))
        elif word == "tag":
            parsed.tag, parsed.tagged = int(next(rest)), parse_versions(next(rest))
        elif word == "default":
            parsed.default = next(rest)
        else:
            raise ValueError(f"unknown word {word!r} in the table")
    return parsed


def load_table() -> tuple[dict[str, int], dict[tuple[str, Kind], Message]]:
    """Names of APIs to their keys, and every message."""
    keys: dict[str, int] = {}
    table: dict[tuple[str, Kind], Message] = {}
    open_lists: list[list[Field]] = []
    for line in (Path(__file__).parent / "messages.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        depth = (len(line) - len(line.lstrip())) // 4
        words = line.split()
        if depth == 0:
            message = Message(parse_versions(words[4]), parse_versions(words[6]))
            keys[words[0]] = int(words[1])
            table[words[0], Kind(words[2])] = message
            open_lists = [message.fields]
        else:
            parsed = parse_field(words)
            open_lists = open_lists[:depth]
            open_lists[-1].append(parsed)
            open_lists.append(parsed.fields)
    return keys, table


API_KEYS, TABLE = load_table()


def is_flexible(api: str, kind: Kind, version: int) -> bool:
    return within(version, TABLE[api, kind].flexible)


def encode(
    api: str, kind: Kind, version: int, values: dict[str, Any], *, unknown_tags: bool = False
) -> bytes:
    """The body of a message; what `values` leaves out has its default."""
    message = TABLE[api, kind]
    encoder = Encoder(version, within(version, message.flexible), unknown_tags)
    encoder.struct(message.fields, values, api)
    return bytes(encoder.out)


def decode(api: str, kind: Kind, version: int, data: bytes) -> Struct:
    """Reads a body that must end where `data` ends."""
    message = TABLE[api, kind]
    reader = Reader(data)
    decoder = Decoder(version, within(version, message.flexible), reader)
    decoded = decoder.struct(message.fields)
    reader.end()
    return decoded


def default_of(field: Field, version: int) -> Any:
    if field.default == "null":
        return None
    if field.type.startswith("[]"):
        return []
    if field.type == "{}":
        return {}
    if field.type == "bool":
        return field.default in ("true", "True")
    if field.type in NUMBERS:
        return int(field.default or "0", 0)
    if field.type == "uuid":
        return NO_ID
    if field.type == "string":
        return field.default or ""
    return b""


class Encoder:
    """Appends values of one message at one version."""

    def __init__(self, version: int, flexible: bool, unknown_tags: bool) -> None:
        self.version = version
        self.flexible = flexible
        self.unknown_tags = unknown_tags
        self.out = bytearray()

    def struct(self, fields: list[Field], values: dict[str, Any], path: str) -> None:
        known = {each.name for each in fields}
        if not known.issuperset(values):
            raise ValueError(f"{path} has no field {set(values) - known}")
        tagged: dict[int, bytes] = {}
        for each in fields:
            if not within(self.version, each.versions):
                continue
            value = values.get(each.name, default_of(each, self.version))
            if within(self.version, each.tagged):
                if self.completed(each, value) != self.completed(
                    each, default_of(each, self.version)
                ):
                    nested = Encoder(self.version, self.flexible, self.unknown_tags)
                    nested.field(each, value, path)
                    tagged[each.tag] = bytes(nested.out)
            else:
                self.field(each, value, path)
        if self.flexible:
            if self.unknown_tags:
                tagged[UNKNOWN_TAG] = b"skip me"
            self.out += encode_tags(tagged)

    def completed(self, field: Field, value: Any) -> Any:
        """A struct with its defaults filled in, so that it can be compared."""
        if field.type != "{}" or value is None:
            return value
        return {
            each.name: self.completed(each, value.get(each.name, default_of(each, self.version)))
            for each in field.fields
        }

    def field(self, field: Field, value: Any, path: str) -> None:
        path = f"{path}.{field.name}"
        if value is None and not within(self.version, field.nullable):
            raise ValueError(f"{path} cannot be null at version {self.version}")
        if field.type.startswith("[]"):
            self.length(None if value is None else len(value), "i")
            for element in value or []:
                self.value(field.type[2:], field, element, path)
        elif field.type == "{}" and field.nullable != NEVER:
            self.out += b"\xff" if value is None else b"\x01"
            if value is not None:
                self.struct(field.fields, value, path)
        else:
            self.value(field.type, field, value, path)

    def value(self, type_name: str, field: Field, value: Any, path: str) -> None:
        if type_name == "{}":
            self.struct(field.fields, value, path)
        elif type_name in NUMBERS:
            self.out += struct.pack(">" + NUMBERS[type_name], value)
        elif type_name == "bool":
            self.out += b"\x01" if value else b"\x00"
        elif type_name == "uuid":
            self.out += value.bytes
        else:
            raw = value.encode() if isinstance(value, str) else value
            self.length(None if raw is None else len(raw), "h" if type_name == "string" else "i")
            self.out += raw or b""

    def length(self, count: int | None, layout: str) -> None:
        if self.flexible:
            self.out += unsigned_varint(0 if count is None else count + 1)
        else:
            self.out += struct.pack(">" + layout, -1 if count is None else count)


def encode_tags(tagged: dict[int, bytes]) -> bytes:
    """A tagged-field section."""
    out = unsigned_varint(len(tagged))
    for tag in sorted(tagged):
        out += unsigned_varint(tag) + unsigned_varint(len(tagged[tag])) + tagged[tag]
    return out


class Decoder:
    """Reads values of one message at one version."""

    def __init__(self, version: int, flexible: bool, reader: Reader) -> None:
        self.version = version
        self.flexible = flexible
        self.reader = reader

    def struct(self, fields: list[Field]) -> Struct:
        decoded = Struct()
        present = [each for each in fields if within(self.version, each.versions)]
        for each in present:
            if within(self.version, each.tagged):
                decoded[each.name] = self.tag_default(each)
            else:
                decoded[each.name] = self.field(each)
        if self.flexible:
            self.tags({each.tag: each for each in present if each.tag >= 0}, decoded)
        return decoded

    def tag_default(self, field: Field) -> Any:
        value = default_of(field, self.version)
        if field.type != "{}" or value is None:
            return value
        return Struct({each.name: self.tag_default(each) for each in field.fields})

    def tags(self, known: dict[int, Field], decoded: Struct) -> None:
        previous = -1
        for _ in range(self.reader.unsigned_varint()):
            tag = self.reader.unsigned_varint()
            if tag <= previous or tag not in known:
                raise Malformed(f"tag {tag} after {previous}; known are {sorted(known)}")
            previous = tag
            inner = Reader(self.reader.take(self.reader.unsigned_varint()))
            field = known[tag]
            decoded[field.name] = Decoder(self.version, self.flexible, inner).field(field)
            inner.end()

    def field(self, field: Field) -> Any:
        nullable = within(self.version, field.nullable)
        if field.type.startswith("[]"):
            count = self.length("i", nullable, field.name)
            if count is None:
                return None
            return [self.value(field.type[2:], field, False) for _ in range(count)]
        if field.type == "{}" and field.nullable != NEVER:
            marker = self.reader.integer("b")
            if marker not in (-1, 1):
                raise Malformed(f"marker {marker} before the struct {field.name}")
            return None if marker == -1 else self.struct(field.fields)
        return self.value(field.type, field, nullable)

    def value(self, type_name: str, field: Field, nullable: bool) -> Any:
        if type_name == "{}":
            return self.struct(field.fields)
        if type_name in NUMBERS:
            return self.reader.number(NUMBERS[type_name])
        if type_name == "bool":
            byte = self.reader.take(1)[0]
            if byte > 1:
                raise Malformed(f"bool {byte} in {field.name}")
            return byte == 1
        if type_name == "uuid":
            return UUID(bytes=self.reader.take(16))
        count = self.length("h" if type_name == "string" else "i", nullable, field.name)
        if count is None:
            return None
        raw = self.reader.take(count)
        return raw.decode() if type_name == "string" else raw

    def length(self, layout: str, nullable: bool, name: str) -> int | None:
        if self.flexible:
            count = self.reader.unsigned_varint() - 1
        else:
            count = self.reader.integer(layout)
        if count < -1 or (count == -1 and not nullable):
            raise Malformed(f"length {count} of {name}, which is not nullable")
        if count > self.reader.left:
            raise Malformed(f"length {count} of {name}, {self.reader.left} bytes left")
        return None if count == -1 else count
