"""C18 to C21: what a produce request may hold and what it gets."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from typing import Any

import pytest

from kafka_codec import ErrorCode, Record, encode_batch
from kafka_codec.compression import CODECS, GZIP, SNAPPY, ZSTD, compress, compress_xerial
from kafka_codec.records import CONTROL, LOG_APPEND_TIME, encode_record
from raw.client import Client

pytestmark = pytest.mark.quick
DEFAULT_MAXIMUM = 1_048_588
EVERY_VERSION = range(3, 12)


def batch_of_size(size: int) -> bytes:
    """One record whose batch has exactly that many bytes."""
    value = size
    # The lengths inside are varints, so what is around the value depends on its size.
    while (excess := len(batch := encode_batch([bytes(value)])) - size) != 0:
        value -= excess
    return batch


@pytest.mark.parametrize("acks", [1, -1])
@pytest.mark.parametrize("version", EVERY_VERSION)
def test_c18_acks_1_and_all_are_answered_with_the_offset(
    client: Client, topic: str, acks: int, version: int
) -> None:
    for expected in (0, 2):
        batch = encode_batch([b"one", b"two"])
        answer = client.produce(topic, batch, acks=acks, version=version)
        assert (answer.errorCode, answer.baseOffset) == (ErrorCode.NONE, expected)
        assert answer.logAppendTimeMs == -1
        assert answer.get("logStartOffset", 0) == 0
        assert answer.get("recordErrors", []) == [] and answer.get("errorMessage") is None


def test_c18_acks_0_is_not_answered_but_written(client: Client, topic: str) -> None:
    client.send_produce(topic, encode_batch([b"silent"]), acks=0)
    assert client.call("ApiVersions", 0).apiKeys
    assert client.values(topic) == [b"silent"]


@pytest.mark.parametrize("partition", [7, -1])
def test_c18_acks_0_to_a_bad_partition_closes_the_connection(
    client: Client, topic: str, partition: int
) -> None:
    client.send_produce(topic, encode_batch([b"lost"]), acks=0, partition=partition)
    assert client.is_closed_by_broker()


@pytest.mark.parametrize("acks", [2, -2, 32767])
def test_c18_other_acks_get_error_21_for_every_partition(
    client: Client, new_topic: Callable[..., str], acks: int
) -> None:
    topic = new_topic(2)
    data = [{"index": index, "records": encode_batch([b"no"])} for index in (0, 1)]
    answer = client.ask(
        "Produce", acks=acks, timeoutMs=9000, topicData=[{"name": topic, "partitionData": data}]
    )
    codes = [each.errorCode for each in answer.responses[0].partitionResponses]
    assert codes == [ErrorCode.INVALID_REQUIRED_ACKS] * 2
    assert client.end_offset(topic) == 0


def test_c18_partitions_fail_alone_and_answers_keep_the_order_of_the_request(
    client: Client, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    topic, missing = new_topic(2), unique("missing")
    batch = encode_batch([b"value"])
    answer = client.ask(
        "Produce",
        acks=-1,
        timeoutMs=9000,
        topicData=[
            {"name": missing, "partitionData": [{"index": 0, "records": batch}]},
            {
                "name": topic,
                "partitionData": [
                    {"index": 1, "records": batch},
                    {"index": 9, "records": batch},
                    {"index": 0, "records": batch},
                ],
            },
        ],
    )
    assert [each.name for each in answer.responses] == [missing, topic]
    outcomes = [
        (each.index, each.errorCode)
        for response in answer.responses
        for each in response.partitionResponses
    ]
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert outcomes == [(0, unknown), (1, 0), (9, unknown), (0, 0)]
    assert client.topic_metadata(missing).errorCode == unknown, "produce created a topic"


def test_c19_batch_of_max_message_bytes_is_accepted_and_one_more_is_refused(
    client: Client, topic: str
) -> None:
    accepted = client.produce(topic, batch_of_size(DEFAULT_MAXIMUM))
    assert accepted.errorCode == ErrorCode.NONE
    refused = client.produce(topic, batch_of_size(DEFAULT_MAXIMUM + 1))
    assert (refused.errorCode, refused.baseOffset) == (ErrorCode.MESSAGE_TOO_LARGE, -1)
    assert client.end_offset(topic) == 1


def test_c19_the_limit_of_a_topic_holds(client: Client, new_topic: Callable[..., str]) -> None:
    small = new_topic(max_message_bytes=1000)
    assert client.produce(small, batch_of_size(1000)).errorCode == ErrorCode.NONE
    assert client.produce(small, batch_of_size(1001)).errorCode == ErrorCode.MESSAGE_TOO_LARGE
    large = new_topic(max_message_bytes=3_000_000)
    assert client.produce(large, batch_of_size(3_000_000)).errorCode == ErrorCode.NONE


@pytest.mark.parametrize("at", [17, 21, 40, 60, 61, -1])
def test_c20_a_flipped_bit_is_noticed_and_nothing_is_appended(
    client: Client, topic: str, at: int
) -> None:
    spoiled = bytearray(encode_batch([b"value", b"another"]))
    spoiled[at] ^= 0x40
    answer = client.produce(topic, bytes(spoiled))
    assert answer.errorCode == ErrorCode.CORRUPT_MESSAGE
    assert client.end_offset(topic) == 0
    assert client.write(topic, b"after") == 0


def wrong_record(offset_delta: int = 0) -> bytes:
    return encode_record(Record(b"v"), offset_delta, 0)


def zeros(codec: int) -> bytes:
    """32 MiB in a valid record, compressed to about a thousandth."""
    return compress(codec, encode_record(Record(bytes(32 << 20)), 0, 0))


INVALID_RECORD: dict[str, Callable[[], bytes | None]] = {
    "null": lambda: None,
    "nothing": lambda: b"",
    "two batches": lambda: encode_batch([b"a"]) + encode_batch([b"b"]),
    "magic 0": lambda: encode_batch([b"a"], magic=0),
    "magic 1": lambda: encode_batch([b"a"], magic=1),
    "control bit": lambda: encode_batch([b"a"], attributes=CONTROL),
    "base offset 5": lambda: encode_batch([b"a"], base_offset=5),
    "count too high": lambda: encode_batch([b"a"], records_count=2),
    "count and last offset too high": lambda: encode_batch(
        [b"a"], records_count=2, last_offset_delta=1
    ),
    "count and last offset too low": lambda: encode_batch(
        [b"a", b"b"], records_count=1, last_offset_delta=0
    ),
    "count 0": lambda: encode_batch([], records_count=0, last_offset_delta=-1),
    "count -1": lambda: encode_batch([b"a"], records_count=-1, last_offset_delta=-2),
    "last offset too high": lambda: encode_batch([b"a"], last_offset_delta=3),
    "offset deltas 0 0": lambda: encode_batch([b"a", b"b"], payload=wrong_record() * 2),
    "offset deltas 0 2": lambda: encode_batch(
        [b"a", b"b"], payload=wrong_record() + wrong_record(2)
    ),
    "record length too long": lambda: encode_batch([b"a"], payload=b"\x7e\x00\x00\x00"),
    "record length negative": lambda: encode_batch([b"a"], payload=b"\x01\x00\x00\x00"),
    "bytes after the last record": lambda: encode_batch([b"a"], payload=wrong_record() + b"xy"),
    "gzip that is none": lambda: encode_batch([b"a"], codec=GZIP, payload=b"no gzip" * 9),
    "gzip cut short": lambda: encode_batch(
        [b"a"], codec=GZIP, payload=gzip.compress(bytes(500))[:-9]
    ),
    "gzip with a wrong count": lambda: encode_batch(
        [b"a"], codec=GZIP, records_count=3, last_offset_delta=2
    ),
    "snappy that is none": lambda: encode_batch([b"a"], codec=SNAPPY, payload=b"\xff" * 40),
    "snappy that claims 4 GiB": lambda: encode_batch(
        [b"a"], codec=SNAPPY, payload=b"\xff\xff\xff\xff\x0f\x00a"
    ),
    "zip bomb of gzip": lambda: encode_batch([b"a"], codec=GZIP, payload=zeros(GZIP)),
    "zip bomb of zstd": lambda: encode_batch([b"a"], codec=ZSTD, payload=zeros(ZSTD)),
    "pid without a sequence": lambda: encode_batch([b"a"], producer_id=1, producer_epoch=0),
}


@pytest.mark.parametrize("what", INVALID_RECORD)
def test_c21_batches_that_contradict_themselves_get_error_87(
    client: Client, topic: str, what: str
) -> None:
    answer = client.produce(topic, INVALID_RECORD[what]())
    assert answer.errorCode == ErrorCode.INVALID_RECORD
    assert client.end_offset(topic) == 0


def longer_than_given() -> bytes:
    batch = bytearray(encode_batch([b"a"]))
    struct.pack_into(">i", batch, 8, len(batch) - 12 + 1)
    return bytes(batch)


OTHER_ERRORS: dict[str, tuple[Callable[[], bytes], dict[str, Any], ErrorCode]] = {
    "60 bytes": (lambda: encode_batch([b"a"])[:60], {}, ErrorCode.CORRUPT_MESSAGE),
    "longer than given": (longer_than_given, {}, ErrorCode.CORRUPT_MESSAGE),
    "time of append set by the client": (
        lambda: encode_batch([b"a"], attributes=LOG_APPEND_TIME),
        {},
        ErrorCode.INVALID_TIMESTAMP,
    ),
    "codec 5": (
        lambda: encode_batch([b"a"], attributes=5),
        {},
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    ),
    "zstd before version 7": (
        lambda: encode_batch([b"a"], codec=ZSTD),
        {"version": 6},
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    ),
}


@pytest.mark.parametrize("what", OTHER_ERRORS)
def test_c21_other_faults_have_errors_of_their_own(client: Client, topic: str, what: str) -> None:
    make, options, error = OTHER_ERRORS[what]
    assert client.produce(topic, make(), **options).errorCode == error
    assert client.end_offset(topic) == 0


def test_c21_a_batch_larger_than_a_segment_gets_error_18(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(segment_bytes=1_048_576, max_message_bytes=3_000_000)
    answer = client.produce(topic, batch_of_size(1_048_577))
    assert answer.errorCode == ErrorCode.RECORD_LIST_TOO_LARGE


@pytest.mark.parametrize("name", CODECS)
def test_c21_every_codec_is_taken_and_given_back_as_it_came(
    client: Client, topic: str, name: str
) -> None:
    records = [Record(b"value %d" % at * 40, b"key", (("h", b"x"),), at) for at in range(50)]
    client.write(topic, *records, codec=CODECS[name])
    (batch,) = client.batches(topic)
    assert batch.codec == CODECS[name]
    got = [(each.value, each.key, each.headers, each.timestamp) for each in batch.records]
    assert got == [(each.value, each.key, each.headers, each.timestamp) for each in records]


def test_c21_snappy_as_java_frames_it_is_taken(client: Client, topic: str) -> None:
    payload = compress_xerial(encode_record(Record(bytes(100_000)), 0, 0))
    client.write(topic, b"", codec=SNAPPY, payload=payload, base_timestamp=0)
    assert client.values(topic) == [bytes(100_000)]
