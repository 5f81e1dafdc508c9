"""C75 and C76: more partitions, and records deleted from the front."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Struct
from raw.client import Client, wait_for

pytestmark = pytest.mark.quick


def grow(client: Client, *topics: dict[str, Any], validate: bool = False) -> list[Struct]:
    answer = client.ask(
        "CreatePartitions",
        topics=[{"assignments": None, **each} for each in topics],
        timeoutMs=15000,
        validateOnly=validate,
    )
    results: list[Struct] = answer.results
    return results


def test_c75_partitions_are_added_and_the_old_ones_keep_their_records(
    client: Client, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(2)
    client.write(topic, b"old", partition=1)
    (result,) = grow(client, {"name": topic, "count": 4})
    assert (result.name, result.errorCode, result.errorMessage) == (topic, ErrorCode.NONE, None)
    described = client.topic_metadata(topic)
    assert sorted(each.partitionIndex for each in described.partitions) == [0, 1, 2, 3]
    assert client.write(topic, b"new", partition=3) == 0
    assert client.values(topic, partition=1) == [b"old"]


def test_c75_fewer_the_same_or_unknown_are_refused_each_alone(
    client: Client, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    fewer, same, missing = new_topic(3), new_topic(2), unique("missing")
    results = grow(
        client,
        {"name": fewer, "count": 1},
        {"name": missing, "count": 5},
        {"name": same, "count": 2},
    )
    codes = {each.name: each.errorCode for each in results}
    assert codes == {
        fewer: ErrorCode.INVALID_PARTITIONS,
        missing: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        same: ErrorCode.INVALID_PARTITIONS,
    }
    assert all(each.errorMessage for each in results if each.name != missing)
    assert len(client.topic_metadata(fewer).partitions) == 3


def test_c75_assignments_must_be_one_for_each_new_partition(client: Client, topic: str) -> None:
    node = client.topic_metadata(topic).partitions[0].leaderId
    one = [{"brokerIds": [node]}]
    (result,) = grow(client, {"name": topic, "count": 3, "assignments": one})
    assert result.errorCode == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    stranger = [{"brokerIds": [node + 4711]}]
    (result,) = grow(client, {"name": topic, "count": 2, "assignments": stranger})
    assert result.errorCode == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    (result,) = grow(client, {"name": topic, "count": 2, "assignments": one})
    assert result.errorCode == ErrorCode.NONE
    assert len(client.topic_metadata(topic).partitions) == 2


def test_c75_validate_only_adds_nothing(client: Client, topic: str) -> None:
    assert grow(client, {"name": topic, "count": 3}, validate=True)[0].errorCode == ErrorCode.NONE
    (refused,) = grow(client, {"name": topic, "count": 1}, validate=True)
    assert refused.errorCode == ErrorCode.INVALID_PARTITIONS
    assert len(client.topic_metadata(topic).partitions) == 1


def test_c75_added_partitions_survive_kill_9(broker_process: BrokerProcess, own: Client) -> None:
    own.create_topic("grown")
    assert grow(own, {"name": "grown", "count": 3})[0].errorCode == ErrorCode.NONE
    own.write("grown", b"value", partition=2)
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert len(client.topic_metadata("grown").partitions) == 3
        assert client.values("grown", partition=2) == [b"value"]


@pytest.mark.parametrize("version", range(3))
def test_c76_deleting_records_moves_the_start(client: Client, topic: str, version: int) -> None:
    for _ in range(4):
        client.write(topic, b"one", b"two")

    def delete(offset: int) -> tuple[int, int]:
        partitions = [{"partitionIndex": 0, "offset": offset}]
        topics = [{"name": topic, "partitions": partitions}]
        answer = client.call("DeleteRecords", version, topics=topics, timeoutMs=15000)
        result = answer.topics[0].partitions[0]
        return result.errorCode, result.lowWatermark

    assert delete(3) == (ErrorCode.NONE, 3)
    assert client.start_offset(topic) == 3
    assert delete(1) == (ErrorCode.NONE, 3), "the start never goes back"
    for wrong in (9, -2):
        assert delete(wrong)[0] == ErrorCode.OFFSET_OUT_OF_RANGE
    assert delete(-1) == (ErrorCode.NONE, 8)
    assert client.start_offset(topic) == client.end_offset(topic) == 8
    assert client.write(topic, b"next") == 8
    assert client.values(topic, offset=8) == [b"next"]


def test_c76_unknown_partitions_fail_alone(
    client: Client, topic: str, unique: Callable[[str], str]
) -> None:
    client.write(topic, b"value")
    missing = unique("missing")
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert client.delete_records(missing, 0).errorCode == unknown
    failed = client.delete_records(topic, 0, partition=5)
    assert (failed.errorCode, failed.lowWatermark) == (unknown, -1)


def test_c76_a_compacted_topic_refuses_with_error_44(
    client: Client, new_topic: Callable[..., str]
) -> None:
    compacted = new_topic(cleanup_policy="compact")
    assert client.delete_records(compacted, 0).errorCode == ErrorCode.POLICY_VIOLATION
    both = new_topic(cleanup_policy="compact,delete")
    assert client.delete_records(both, 0).errorCode == ErrorCode.NONE


@pytest.mark.parametrize("kill", [True, False])
def test_c76_the_start_survives_a_restart(
    broker_process: BrokerProcess, own: Client, kill: bool
) -> None:
    topic = own.create_topic("cut", segment_bytes=1_048_576, file_delete_delay_ms=0)
    for _ in range(8):
        own.write(topic, bytes(400_000))
    segments = list(broker_process.data.rglob("*.log"))
    assert len(segments) >= 3
    assert own.delete_records(topic, 7).lowWatermark == 7
    wait_for(
        lambda: len(list(broker_process.data.rglob("*.log"))) < len(segments),
        "whole segments below the start are removed",
    )
    broker_process.restart(kill=kill)
    with Client(broker_process.bootstrap) as client:
        assert client.start_offset(topic) == 7
        assert client.fetch(topic, 6).errorCode == ErrorCode.OFFSET_OUT_OF_RANGE
        assert client.values(topic, offset=7) == [bytes(400_000)]
        assert client.end_offset(topic) == 8
