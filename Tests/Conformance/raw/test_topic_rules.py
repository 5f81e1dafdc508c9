"""C22 and C23: what a topic's settings ask of the records produced to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode, Record, encode_batch
from kafka_codec.compression import CODECS
from kafka_codec.records import LOG_APPEND_TIME, now_milliseconds
from raw.client import Client, wait_for

pytestmark = pytest.mark.quick
REJECTED = "One or more records have been rejected"


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
@pytest.mark.parametrize("codec", CODECS.values())
def test_c22_a_compacted_topic_refuses_the_batch_and_names_the_records_without_a_key(
    client: Client, new_topic: Callable[..., str], policy: str, codec: int
) -> None:
    topic = new_topic(cleanup_policy=policy)
    records = [Record(b"v", b"k"), Record(b"v"), Record(b"v", b""), Record(b"v"), Record(None)]
    answer = client.produce(topic, encode_batch(records, codec=codec))
    assert answer.errorCode == ErrorCode.INVALID_RECORD
    assert [each.batchIndex for each in answer.recordErrors] == [1, 3, 4]
    assert answer.errorMessage == REJECTED
    assert answer.baseOffset == -1
    assert client.end_offset(topic) == 0


@pytest.mark.parametrize("version", [3, 7])
def test_c22_before_version_8_there_is_only_the_error(
    client: Client, new_topic: Callable[..., str], version: int
) -> None:
    topic = new_topic(cleanup_policy="compact")
    answer = client.produce(topic, encode_batch([b"no key"]), version=version)
    assert answer.errorCode == ErrorCode.INVALID_RECORD
    assert "recordErrors" not in answer


def test_c22_with_keys_a_compacted_topic_takes_values_and_tombstones(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(cleanup_policy="compact")
    assert client.write(topic, Record(b"v", b"k"), Record(None, b"k")) == 0


@pytest.mark.parametrize("codec", CODECS.values())
def test_c23_the_time_of_the_append_is_stored_with_a_valid_checksum(
    client: Client, new_topic: Callable[..., str], codec: int
) -> None:
    topic = new_topic(message_timestamp_type="LogAppendTime")
    records = [Record(b"one", timestamp=1000), Record(b"two", timestamp=5000)]
    before = now_milliseconds()
    answer = client.produce(topic, encode_batch(records, codec=codec))
    assert answer.errorCode == ErrorCode.NONE
    assert before <= answer.logAppendTimeMs <= now_milliseconds()
    (batch,) = client.batches(topic)  # Decoding checks the checksum.
    assert batch.attributes == codec | LOG_APPEND_TIME
    assert batch.max_timestamp == answer.logAppendTimeMs
    assert [each.timestamp for each in batch.records] == [answer.logAppendTimeMs] * 2
    assert [each.value for each in batch.records] == [b"one", b"two"]


def test_c23_times_of_appends_are_found_by_time(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(message_timestamp_type="LogAppendTime")
    first = client.produce(topic, encode_batch([Record(b"a", timestamp=7)])).logAppendTimeMs
    wait_for(lambda: now_milliseconds() > first, "the clock goes on")
    client.write(topic, Record(b"b", timestamp=3))
    assert client.offset_at(topic, 8).offset == 0
    found = client.offset_at(topic, first + 1)
    assert (found.offset, found.timestamp > first) == (1, True)


def test_c23_create_time_keeps_the_times_of_the_client(client: Client, topic: str) -> None:
    records = [Record(b"one", timestamp=9000), Record(b"two", timestamp=5000)]
    assert client.produce(topic, encode_batch(records)).logAppendTimeMs == -1
    (batch,) = client.batches(topic)
    assert [each.timestamp for each in batch.records] == [9000, 5000]
    assert batch.attributes & LOG_APPEND_TIME == 0


@pytest.mark.parametrize("away", [-3_600_000, 3_600_000])
def test_c23_a_time_outside_the_limits_of_the_topic_gets_error_32(
    client: Client, new_topic: Callable[..., str], away: int
) -> None:
    topic = new_topic(message_timestamp_before_max_ms=60_000, message_timestamp_after_max_ms=60_000)
    now = now_milliseconds()
    records = [Record(b"good", timestamp=now), Record(b"bad", timestamp=now + away)]
    answer = client.produce(topic, encode_batch(records))
    assert answer.errorCode == ErrorCode.INVALID_TIMESTAMP
    assert [each.batchIndex for each in answer.recordErrors] == [1]
    assert client.write(topic, Record(b"good", timestamp=now)) == 0
