"""C30: offsets by time, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kafka_codec import ErrorCode, Record
from kafka_codec.compression import CODECS
from raw.client import (
    EARLIEST,
    LATEST,
    MAX_TIMESTAMP,
    READ_COMMITTED,
    READ_UNCOMMITTED,
    Client,
)

pytestmark = pytest.mark.quick
EARLIEST_LOCAL, LATEST_TIERED = -4, -5


def found(client: Client, topic: str, timestamp: int, **options: Any) -> tuple[int, int]:
    """(offset, timestamp) of a look-up that must succeed."""
    answer = client.offset_at(topic, timestamp, **options)
    assert answer.errorCode == ErrorCode.NONE
    return answer.offset, answer.timestamp


def write_at(client: Client, topic: str, *times: int, codec: int = 0) -> None:
    client.write(topic, *(Record(b"at", timestamp=at) for at in times), codec=codec)


@pytest.mark.parametrize("version", range(1, 10))
def test_c30_earliest_latest_and_by_time_in_every_version(
    client: Client, topic: str, version: int
) -> None:
    write_at(client, topic, 1000, 2000)
    assert found(client, topic, LATEST, version=version) == (2, -1)
    assert found(client, topic, EARLIEST, version=version) == (0, -1)
    assert found(client, topic, 1001, version=version) == (1, 2000)
    epoch = client.topic_metadata(topic).partitions[0].leaderEpoch
    assert client.offset_at(topic, 1001, version=version).get("leaderEpoch", epoch) == epoch


def test_c30_special_times(client: Client, topic: str) -> None:
    write_at(client, topic, 5000, 9000, 9000, 7000)
    assert found(client, topic, MAX_TIMESTAMP, version=7) == (1, 9000)
    assert found(client, topic, EARLIEST_LOCAL, version=8) == (0, -1)
    assert found(client, topic, LATEST_TIERED, version=9) == (-1, -1)


@pytest.mark.parametrize("codec", CODECS.values())
def test_c30_the_exact_record_is_found_before_between_equal_and_after(
    client: Client, topic: str, codec: int
) -> None:
    write_at(client, topic, 1000, 2000, 3000, codec=codec)
    write_at(client, topic, 4000, 5000, 6000, codec=codec)
    assert found(client, topic, 0) == (0, 1000)
    assert found(client, topic, 1000) == (0, 1000)
    assert found(client, topic, 1001) == (1, 2000)
    assert found(client, topic, 2000) == (1, 2000)
    assert found(client, topic, 3001) == (3, 4000)
    assert found(client, topic, 6000) == (5, 6000)
    assert found(client, topic, 6001) == (-1, -1)


@pytest.mark.parametrize("codec", CODECS.values())
def test_c30_times_out_of_order_give_the_first_offset_that_is_not_earlier(
    client: Client, topic: str, codec: int
) -> None:
    write_at(client, topic, 5000, 1000, 9000, codec=codec)
    write_at(client, topic, 2000, 3000, codec=codec)
    write_at(client, topic, 9500, 100, codec=codec)
    assert found(client, topic, 1) == (0, 5000)
    assert found(client, topic, 5001) == (2, 9000)
    assert found(client, topic, 9001) == (5, 9500)
    assert found(client, topic, MAX_TIMESTAMP) == (5, 9500)


def test_c30_an_empty_partition_has_no_record_at_any_time(client: Client, topic: str) -> None:
    assert found(client, topic, 0) == (-1, -1)
    assert found(client, topic, MAX_TIMESTAMP) == (-1, -1)
    assert found(client, topic, EARLIEST) == found(client, topic, LATEST) == (0, -1)


def test_c30_records_below_the_start_are_not_found(client: Client, topic: str) -> None:
    write_at(client, topic, 1000, 2000, 3000)
    client.delete_records(topic, 1)
    assert found(client, topic, 0) == (1, 2000)
    assert found(client, topic, EARLIEST) == (1, -1)


def test_c30_records_are_found_over_several_segments(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(segment_bytes=1_048_576)
    for second in range(6):
        filler = [Record(bytes(500_000), timestamp=1000 * second + at) for at in (0, 1)]
        client.write(topic, *filler)
    for second in range(6):
        assert found(client, topic, 1000 * second) == (2 * second, 1000 * second)
        assert found(client, topic, 1000 * second + 1) == (2 * second + 1, 1000 * second + 1)
    assert found(client, topic, 5002) == (-1, -1)


def test_c30_several_partitions_fail_alone(client: Client, topic: str) -> None:
    wanted = [{"partitionIndex": index, "timestamp": LATEST} for index in (0, 5)]
    answer = client.ask("ListOffsets", replicaId=-1, topics=[{"name": topic, "partitions": wanted}])
    codes = [each.errorCode for each in answer.topics[0].partitions]
    assert codes == [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert answer.topics[0].partitions[1].offset == -1


def test_c30_a_partition_named_twice_gets_error_42(client: Client, topic: str) -> None:
    twice = [{"partitionIndex": 0, "timestamp": at} for at in (LATEST, EARLIEST)]
    answer = client.ask("ListOffsets", replicaId=-1, topics=[{"name": topic, "partitions": twice}])
    codes = {each.errorCode for each in answer.topics[0].partitions}
    assert codes == {ErrorCode.INVALID_REQUEST}


def test_c30_an_epoch_that_is_not_current_is_fenced(client: Client, topic: str) -> None:
    epoch = client.topic_metadata(topic).partitions[0].leaderEpoch
    for current, error in (
        (epoch - 1, ErrorCode.FENCED_LEADER_EPOCH),
        (epoch, ErrorCode.NONE),
        (epoch + 1, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ):
        partition = {"partitionIndex": 0, "timestamp": LATEST, "currentLeaderEpoch": current}
        topics = [{"name": topic, "partitions": [partition]}]
        answer = client.ask("ListOffsets", replicaId=-1, topics=topics)
        assert answer.topics[0].partitions[0].errorCode == error


def test_c30_without_transactions_both_isolations_see_the_same_end(
    client: Client, topic: str
) -> None:
    write_at(client, topic, 1000, 2000)
    for isolation in (READ_UNCOMMITTED, READ_COMMITTED):
        assert found(client, topic, LATEST, isolation=isolation) == (2, -1)
        assert found(client, topic, 1500, isolation=isolation) == (1, 2000)
