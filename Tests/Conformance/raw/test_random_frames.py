"""C13: whatever a client sends, the broker goes on."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from broker_process import BrokerProcess
from kafka_codec import API_KEYS, ConnectionEnded, ErrorCode, Kind, encode
from kafka_codec.connection import request_header
from kafka_codec.messages import encode_tags, is_flexible
from raw.client import Client
from raw.minimal_requests import Furniture, minimal_request
from raw.ranges import EVERY_VERSION

# Few, since a frame that closes the connection keeps those behind it from being read.
FRAMES_OF_A_CONNECTION = 3
CONNECTIONS_BETWEEN_CHECKS = 200
MEMORY_LIMIT = 64 * 1024  # Kilobytes.


def valid_frames(about: Furniture) -> list[bytes]:
    """A good request of every version, as bytes to be spoiled."""
    frames = []
    for api, version in EVERY_VERSION:
        tags = encode_tags({}) if is_flexible(api, Kind.REQUEST, version) else None
        header = request_header(API_KEYS[api], version, 1, "random", tags)
        body = encode(api, Kind.REQUEST, version, minimal_request(api, version, about))
        frames.append(header + body)
    return frames


def spoil(generator: random.Random, frame: bytes) -> bytes:
    """Changes, cuts, doubles or replaces some bytes after the key and version."""
    spoiled = bytearray(frame)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(8, len(spoiled) + 1)
        choice = generator.randrange(6)
        if choice == 0:
            del spoiled[at:]
        elif choice == 1:
            spoiled[at : at + 4] = struct.pack(">i", generator.choice([-1, -2, 2**31 - 1, 1 << 20]))
        elif choice == 2:
            spoiled[at:at] = generator.randbytes(generator.randint(1, 30))
        elif choice == 3:
            spoiled[at : at + 1] = bytes([generator.choice([0, 1, 0x7F, 0x80, 0xFF])])
        elif choice == 4:
            del spoiled[at : at + generator.randint(1, 9)]
        elif at < len(spoiled):
            spoiled[at] ^= 1 << generator.randrange(8)
    return bytes(spoiled)


def random_frame(generator: random.Random, good: list[bytes]) -> bytes:
    if generator.random() < 0.1:
        return generator.randbytes(generator.randint(8, 200))
    return spoil(generator, generator.choice(good))


def send_and_drain(bootstrap: str, frames: list[bytes]) -> None:
    """Sends frames and the end, then reads until the broker has ended the connection too."""
    with Client(bootstrap) as client:
        try:
            client.send_bytes(b"".join(struct.pack(">i", len(each)) + each for each in frames))
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(1 << 16):
                pass
        except (ConnectionEnded, OSError) as error:
            assert not isinstance(error, TimeoutError), "a connection without a peer stays open"


def throw(broker: BrokerProcess, count: int, seed: int) -> None:
    """Sends that many frames and checks from time to time that a good request is answered."""
    generator = random.Random(seed)
    with Client(broker.bootstrap) as client:
        good = valid_frames(Furniture.make(client, "furniture"))
        before = broker.resident_kilobytes()
    for number in range(count // FRAMES_OF_A_CONNECTION):
        send_and_drain(
            broker.bootstrap,
            [random_frame(generator, good) for _ in range(FRAMES_OF_A_CONNECTION)],
        )
        if number % CONNECTIONS_BETWEEN_CHECKS == 0:
            with Client(broker.bootstrap) as client:
                assert client.call("ApiVersions", 3).errorCode == ErrorCode.NONE
    with Client(broker.bootstrap) as client:
        topic = client.create_topic("afterwards")
        assert client.write(topic, b"alive") == 0
    assert broker.resident_kilobytes() - before < MEMORY_LIMIT


@pytest.mark.quick
@pytest.mark.in_memory
def test_c13_five_thousand_random_frames_crash_nothing(broker_process: BrokerProcess) -> None:
    throw(broker_process, 5_000, seed=13)


@pytest.mark.timeout(600)
@pytest.mark.in_memory
def test_c13_a_hundred_thousand_random_frames_crash_nothing(
    broker_process: BrokerProcess,
) -> None:
    throw(broker_process, 100_000, seed=4711)
