"""C14, C15 and C29: metadata by name and id, advertised addresses, fetches by id."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Struct
from kafka_codec.messages import NO_ID
from raw.client import Client, fetch_partition

pytestmark = pytest.mark.quick
ADVERTISED = "broker.example"


def by_name(answer: Struct) -> dict[str, Struct]:
    return {topic.name: topic for topic in answer.topics}


@pytest.mark.parametrize("version", range(13))
def test_c14_all_topics_are_listed(
    client: Client, new_topic: Callable[..., str], bootstrap: str, version: int
) -> None:
    topic = new_topic(3)
    everything: list[Any] | None = [] if version == 0 else None
    answer = client.call("Metadata", version, topics=everything)
    described = by_name(answer)[topic]
    assert described.errorCode == ErrorCode.NONE and not described.get("isInternal", False)
    assert sorted(each.partitionIndex for each in described.partitions) == [0, 1, 2]
    node = answer.brokers[0].nodeId
    for partition in described.partitions:
        assert partition.errorCode == ErrorCode.NONE
        assert partition.leaderId == node in [each.nodeId for each in answer.brokers]
        assert node in partition.replicaNodes and partition.isrNodes == partition.replicaNodes
        assert partition.get("offlineReplicas", []) == []
        assert partition.get("leaderEpoch", 0) >= 0
    assert answer.get("controllerId", node) == node
    if version >= 2:
        assert len(answer.clusterId) == 22


@pytest.mark.parametrize("version", range(1, 13))
def test_c14_an_empty_list_of_topics_asks_for_none(client: Client, version: int) -> None:
    answer = client.call("Metadata", version, topics=[])
    assert answer.topics == [] and answer.brokers


def test_c14_topics_are_found_by_id(client: Client, topic: str) -> None:
    topic_id = client.topic_metadata(topic).topicId
    assert topic_id != NO_ID
    answer = client.call("Metadata", 12, topics=[{"topicId": topic_id, "name": None}])
    (found,) = answer.topics
    assert (found.errorCode, found.name, found.topicId) == (ErrorCode.NONE, topic, topic_id)
    unknown_id = uuid4()
    (missing,) = client.call("Metadata", 12, topics=[{"topicId": unknown_id, "name": None}]).topics
    assert (missing.errorCode, missing.name) == (ErrorCode.UNKNOWN_TOPIC_ID, None)
    assert missing.topicId == unknown_id and missing.partitions == []


@pytest.mark.parametrize("version", [10, 11])
def test_c14_an_unknown_id_before_version_12_ends_nobody(own: Client, version: int) -> None:
    """The request may carry an id there, but the answer has no place for a missing name."""
    answer = own.call("Metadata", version, topics=[{"topicId": uuid4(), "name": None}])
    (missing,) = answer.topics
    assert missing.errorCode in (ErrorCode.INVALID_REQUEST, ErrorCode.UNKNOWN_TOPIC_ID)
    assert own.call("ApiVersions", 0).errorCode == ErrorCode.NONE


def test_c14_operations_are_told_only_when_asked_for(client: Client, topic: str) -> None:
    for version in (8, 9, 10, 11, 12):
        for asked in (False, True):
            values: dict[str, Any] = {"includeTopicAuthorizedOperations": asked}
            if version <= 10:
                values["includeClusterAuthorizedOperations"] = asked
            answer = client.call("Metadata", version, topics=[{"name": topic}], **values)
            expected = 3576 if asked else -(2**31)
            assert answer.topics[0].topicAuthorizedOperations == expected
            if version <= 10:
                expected = 8096 if asked else -(2**31)
                assert answer.clusterAuthorizedOperations == expected


def test_c14_kcat_lists_what_is_there(bootstrap: str, new_topic: Callable[..., str]) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("kcat is not installed")
    topic = new_topic(3)
    listed = subprocess.run(
        ["kcat", "-b", bootstrap, "-L", "-J"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    topics = {each["topic"]: each for each in json.loads(listed.stdout)["topics"]}
    assert len(topics[topic]["partitions"]) == 3


def addresses(client: Client) -> set[tuple[str, int]]:
    """Where the broker says that it is, in every answer that says so."""
    brokers = client.call("Metadata", 12, topics=[]).brokers
    brokers += client.call("DescribeCluster", 0).brokers
    for version in range(5):
        key: dict[str, Any] = {"coordinatorKeys": ["g"]} if version >= 4 else {"key": "g"}
        answer = client.call("FindCoordinator", version, **key)
        brokers += answer.coordinators if version >= 4 else [answer]
    return {(each.host, each.port) for each in brokers}


def test_c15_the_address_is_the_same_through_both_loopbacks(
    broker_process: BrokerProcess, own: Client
) -> None:
    expected = {("127.0.0.1", broker_process.port)}
    assert addresses(own) == expected
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    with Client(f"[::1]:{broker_process.port}") as other:
        assert addresses(other) == expected


@pytest.mark.settings(f"broker.advertised_host={ADVERTISED}")
def test_c15_the_configured_address_is_the_one_told(
    broker_process: BrokerProcess, own: Client
) -> None:
    assert addresses(own) == {(ADVERTISED, broker_process.port)}


def fetch_by_id(client: Client, topic_id: UUID, offset: int, version: int) -> Struct:
    partition: dict[str, Any] = fetch_partition("", offset)
    partition["topicId"] = topic_id
    del partition["topic"]
    client.send_fetch([partition], version=version)
    answer = client.receive()
    assert answer.responses[0].topicId == topic_id
    result: Struct = answer.responses[0].partitions[0]
    return result


@pytest.mark.parametrize("version", range(13, 17))
def test_c29_by_id_comes_the_same_as_by_name(client: Client, topic: str, version: int) -> None:
    for _ in range(3):
        client.write(topic, b"one", b"two")
    named = client.fetch(topic, 3, version=12)
    topic_id = client.topic_metadata(topic).topicId
    by_id = fetch_by_id(client, topic_id, 3, version)
    assert by_id.records == named.records and by_id.errorCode == ErrorCode.NONE
    assert by_id.highWatermark == named.highWatermark == 6


@pytest.mark.parametrize("version", range(13, 17))
def test_c29_an_unknown_id_gets_error_100(client: Client, version: int) -> None:
    answer = fetch_by_id(client, uuid4(), 0, version)
    assert (answer.errorCode, answer.highWatermark) == (ErrorCode.UNKNOWN_TOPIC_ID, -1)
    assert answer.records == b""


def test_c29_the_id_of_a_deleted_topic_stays_unknown_when_it_is_created_again(
    client: Client, unique: Callable[[str], str]
) -> None:
    name = client.create_topic(unique("again"))
    client.write(name, b"old")
    old = client.topic_metadata(name).topicId
    assert client.delete_topics([name])[0].errorCode == ErrorCode.NONE
    client.create_topic(name)
    new = client.topic_metadata(name).topicId
    assert new != old
    assert fetch_by_id(client, old, 0, 16).errorCode == ErrorCode.UNKNOWN_TOPIC_ID
    answer = fetch_by_id(client, new, 0, 16)
    assert (answer.errorCode, answer.highWatermark) == (ErrorCode.NONE, 0)
    client.delete_topics([name])
