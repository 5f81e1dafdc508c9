"""C05 to C12: requests in pieces, bad lengths, too many connections."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from kafka_codec import API_KEYS, ConnectionEnded, ErrorCode
from kafka_codec.connection import request_header
from kafka_codec.primitives import unsigned_varint
from raw.client import Client

quick = pytest.mark.quick
MAXIMUM_CONNECTIONS = 20


@quick
def test_c06_a_null_client_id_is_accepted(bootstrap: str) -> None:
    with Client(bootstrap, client_id=None) as client:
        assert client.call("Metadata", 1, topics=[]).topics == []
        assert client.call("ApiVersions", 3).errorCode == ErrorCode.NONE
        assert client.call("DescribeCluster", 0).errorCode == ErrorCode.NONE


@quick
def test_c07_fifty_pipelined_requests_are_answered_in_order(client: Client, topic: str) -> None:
    requests = [("ApiVersions", 3, {}), ("Metadata", 12, {"topics": [{"name": topic}]})] * 25
    frames = [client.request(api, version, values) for api, version, values in requests]
    client.send_bytes(b"".join(struct.pack(">i", len(frame)) + frame for frame in frames))
    for _ in requests:
        client.receive()  # Checks the correlation id.
    assert not client.waiting


@quick
def test_c07_a_waiting_fetch_holds_back_what_was_sent_after_it(client: Client, topic: str) -> None:
    partition = {"partition": 0, "fetchOffset": 0, "partitionMaxBytes": 1000}
    topics = [{"topic": topic, "partitions": [partition]}]
    started = time.monotonic()
    client.send("Fetch", 12, maxWaitMs=300, minBytes=1, topics=topics)
    client.send("ApiVersions", 0)
    assert client.receive().errorCode == ErrorCode.NONE
    assert time.monotonic() - started >= 0.3
    assert client.receive().apiKeys


@quick
def test_c08_a_request_in_single_bytes_and_two_in_one_write(client: Client) -> None:
    frame = client.request("ApiVersions", 3, {"clientSoftwareName": "slow"})
    for byte in struct.pack(">i", len(frame)) + frame:
        client.send_bytes(bytes([byte]))
    assert client.receive().errorCode == ErrorCode.NONE
    first = client.request("ApiVersions", 0, {})
    second = client.request("Metadata", 0, {"topics": []})
    client.send_bytes(b"".join(struct.pack(">i", len(each)) + each for each in (first, second)))
    assert client.receive().errorCode == ErrorCode.NONE
    assert client.receive().brokers


@quick
@pytest.mark.parametrize("size", [0, 7, -1, 2**31 - 1])
def test_c09_an_impossible_frame_size_closes_the_connection(bootstrap: str, size: int) -> None:
    with Client(bootstrap) as client:
        client.send_bytes(struct.pack(">i", size))
        assert client.is_closed_by_broker()


@quick
def test_c09_announced_sizes_take_no_memory(broker_process: BrokerProcess, own: Client) -> None:
    own.call("Metadata", 12, topics=None)
    before = broker_process.resident_kilobytes()
    half_open = []
    for _ in range(50):
        connection = socket.create_connection((broker_process.host, broker_process.port), 5)
        connection.sendall(struct.pack(">i", 100 * 1024 * 1024) + b"only these bytes")
        half_open.append(connection)
        with Client(broker_process.bootstrap) as refused:
            refused.send_bytes(struct.pack(">i", 2**31 - 1))
            assert refused.is_closed_by_broker()
    own.call("Metadata", 12, topics=None)
    assert broker_process.resident_kilobytes() - before < 32 * 1024
    for connection in half_open:
        connection.close()


def old_metadata(topics: bytes) -> bytes:
    return request_header(API_KEYS["Metadata"], 1, 1) + topics


def new_metadata(rest: bytes) -> bytes:
    return request_header(API_KEYS["Metadata"], 12, 1, tags=b"\x00") + rest


NESTED_BOMB = struct.pack(">hii", 1, 1000, 1 << 20) + struct.pack(">h1si", 1, b"t", 1 << 30) * 900
MALFORMED = {
    "array count 2^31-1": old_metadata(struct.pack(">i", 2**31 - 1)),
    "array count larger than what is left": old_metadata(struct.pack(">i", 10) + b"\x00\x01t"),
    "array count -2": old_metadata(struct.pack(">i", -2)),
    "string length 32767": old_metadata(struct.pack(">ih", 1, 32767) + b"short"),
    "null where it is not allowed": old_metadata(struct.pack(">ih", 1, -1)),
    "string length -2": old_metadata(struct.pack(">ih", 1, -2)),
    "invalid UTF-8": old_metadata(struct.pack(">ih", 1, 2) + b"\xc3\x28"),
    "compact array of 2^32-2": new_metadata(unsigned_varint(2**32 - 1) + bytes(8)),
    "varint of 6 bytes": new_metadata(b"\x80\x80\x80\x80\x80\x01" + bytes(16)),
    "varint that does not end": new_metadata(b"\xff\xff\xff\xff\xff\xff"),
    "tag section larger than the frame": new_metadata(b"\x01\x01\x00\x01\x07\xff\xff\x03a"),
    "tags without end": new_metadata(b"\x01\x01\x00" + unsigned_varint(2**31)),
    "cut in the middle of a number": request_header(API_KEYS["Heartbeat"], 0, 1)
    + struct.pack(">h1sh", 1, b"g", 0),
    "header that ends in the client id": struct.pack(">hhih", 3, 1, 1, 100) + b"short",
    "nested bomb": request_header(API_KEYS["Produce"], 3, 1) + struct.pack(">h", -1) + NESTED_BOMB,
}


@quick
@pytest.mark.parametrize("what", MALFORMED)
def test_c10_malformed_requests_close_the_connection(bootstrap: str, what: str) -> None:
    with Client(bootstrap) as client:
        client.send_frame(MALFORMED[what])
        assert client.is_closed_by_broker()
    with Client(bootstrap) as client:
        assert client.call("ApiVersions", 0).errorCode == ErrorCode.NONE


@quick
def test_c10_bytes_after_a_whole_body_are_ignored(client: Client) -> None:
    client.send_frame(client.request("ApiVersions", 3, {}) + b"rest")
    assert client.receive().errorCode == ErrorCode.NONE
    client.send_frame(client.request("Metadata", 1, {"topics": []}) + b"rest")
    assert client.receive().brokers


@pytest.mark.timeout(90)
def test_c11_a_frame_that_stays_unfinished_is_closed_after_30_seconds(
    connect: Callable[[], Client],
) -> None:
    idle, slow = connect(), connect()
    slow.send_bytes(struct.pack(">i", 100) + b"half")
    started = time.monotonic()
    slow.socket.settimeout(4)
    while time.monotonic() - started < 24:
        with pytest.raises(TimeoutError):
            slow.socket.recv(1)
        slow.send_bytes(b".")  # The clock runs from the first byte, not from the last.
    assert slow.is_closed_by_broker(timeout=15)
    assert time.monotonic() - started < 40
    assert idle.call("ApiVersions", 0).errorCode == ErrorCode.NONE


def connections_until_refused(bootstrap: str, limit: int) -> tuple[list[Client], bool]:
    """Opens one more than `limit`; says whether the last one was closed."""
    opened = []
    for _ in range(limit):
        opened.append(Client(bootstrap))
        assert opened[-1].call("ApiVersions", 0).errorCode == ErrorCode.NONE
    with Client(bootstrap) as last:
        try:
            last.send("ApiVersions", 0)
        except ConnectionEnded:
            return opened, True
        return opened, last.is_closed_by_broker()


@quick
@pytest.mark.settings(f"broker.maximum_connections={MAXIMUM_CONNECTIONS}")
def test_c12_one_connection_too_many_is_refused_and_the_others_live(
    broker_process: BrokerProcess,
) -> None:
    opened, refused = connections_until_refused(broker_process.bootstrap, MAXIMUM_CONNECTIONS)
    assert refused
    for client in opened:
        assert client.call("ApiVersions", 0).errorCode == ErrorCode.NONE
    opened.pop().close()
    freed: list[Client] = []
    refused = True
    deadline = time.monotonic() + 10
    while refused and time.monotonic() < deadline:
        freed, refused = connections_until_refused(broker_process.bootstrap, 0)
    assert not refused, "a place that became free is not given away"
    for client in opened + freed:
        client.close()


@pytest.mark.timeout(120)
def test_c12_connection_1001_is_refused(broker_process: BrokerProcess) -> None:
    opened, refused = connections_until_refused(broker_process.bootstrap, 1000)
    assert refused
    for client in opened:
        assert client.call("ApiVersions", 0).errorCode == ErrorCode.NONE
        client.close()
