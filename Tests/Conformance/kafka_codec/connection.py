"""One TCP connection that sends requests and reads responses, with a limit on every wait."""

from __future__ import annotations

import socket
import struct
from typing import Any, Self

from kafka_codec.messages import API_KEYS, Kind, Struct, decode, encode, encode_tags, is_flexible

CLIENT_ID = "conformance"


class ConnectionEnded(Exception):
    """The broker closed the connection."""


def request_header(
    key: int,
    version: int,
    correlation: int,
    client_id: str | None = CLIENT_ID,
    tags: bytes | None = None,
) -> bytes:
    """Header v1, or v2 when `tags` (an encoded tagged-field section) is given."""
    encoded = None if client_id is None else client_id.encode()
    length = -1 if encoded is None else len(encoded)
    header = struct.pack(">hhih", key, version, correlation, length) + (encoded or b"")
    return header + (tags or b"")


class Connection:
    """Requests in order, responses in order; `timeout` seconds for each wait."""

    def __init__(
        self, bootstrap: str, timeout: float = 15, client_id: str | None = CLIENT_ID
    ) -> None:
        host, _, port = bootstrap.rpartition(":")
        self.client_id = client_id
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0
        self.waiting: list[tuple[int, str, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def call(self, api: str, version: int, **values: Any) -> Struct:
        """Sends a request and reads its response."""
        self.send(api, version, **values)
        return self.receive()

    def send(self, api: str, version: int, **values: Any) -> None:
        self.send_frame(self.request(api, version, values))

    def request(
        self, api: str, version: int, values: dict[str, Any], *, unknown_tags: bool = False
    ) -> bytes:
        """The bytes of a request without its size; its response is expected from now on."""
        self.correlation += 1
        self.waiting.append((self.correlation, api, version))
        tags = None
        if is_flexible(api, Kind.REQUEST, version):
            tags = encode_tags({4711: b"unknown"} if unknown_tags else {})
        body = encode(api, Kind.REQUEST, version, values, unknown_tags=unknown_tags)
        header = request_header(API_KEYS[api], version, self.correlation, self.client_id, tags)
        return header + body

    def send_frame(self, frame: bytes) -> None:
        self.send_bytes(struct.pack(">i", len(frame)) + frame)

    def send_bytes(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectionEnded(str(error)) from None

    def receive(self) -> Struct:
        """Reads the response to the oldest request that has none yet."""
        api, version, body = self.receive_body()
        return decode(api, Kind.RESPONSE, version, body)

    def receive_body(self) -> tuple[str, int, bytes]:
        """API, version and undecoded body of the next response; its header is checked."""
        frame = self.receive_frame()
        correlation, api, version = self.waiting.pop(0)
        (answered,) = struct.unpack_from(">i", frame)
        assert answered == correlation, f"answer to {answered} where {correlation} was next"
        body = frame[4:]
        # Header v1, but never for ApiVersions, whose client does not know yet what is spoken.
        if is_flexible(api, Kind.RESPONSE, version) and api != "ApiVersions":
            assert body[:1] == b"\x00", f"response header of {api} v{version} has tags"
            body = body[1:]
        return api, version, body

    def receive_frame(self) -> bytes:
        (size,) = struct.unpack(">i", self.receive_exactly(4))
        assert size >= 4, f"frame of {size} bytes"
        return self.receive_exactly(size)

    def receive_exactly(self, count: int) -> bytes:
        parts, left = [], count
        while left:
            try:
                part = self.socket.recv(min(left, 1 << 20))
            except ConnectionResetError:
                part = b""
            if not part:
                raise ConnectionEnded(f"closed with {left} of {count} bytes missing")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def is_closed_by_broker(self, timeout: float = 5) -> bool:
        """Waits until the broker closes the connection; an answer or silence means False."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
