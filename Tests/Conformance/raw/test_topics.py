"""C72 to C76: creating, deleting, growing topics, and deleting records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Struct
from kafka_codec.messages import NO_ID
from raw.client import Client, topic_request

pytestmark = pytest.mark.quick
Names = Callable[[str], str]
NODE = 1


@pytest.fixture
def name(client: Client, unique: Names) -> Iterator[str]:
    """A name that is not taken; a topic of it is deleted at the end."""
    free = unique("topic")
    yield free
    client.delete_topics([free])


def create(
    client: Client,
    *topics: dict[str, Any],
    validate: bool = False,
    version: int = 7,
) -> list[Struct]:
    answer = client.call(
        "CreateTopics", version, topics=list(topics), timeoutMs=15000, validateOnly=validate
    )
    created: list[Struct] = answer.topics
    return created


@pytest.mark.parametrize("version", range(2, 8))
def test_c72_a_topic_is_there_with_its_settings_when_the_answer_comes(
    client: Client, name: str, version: int
) -> None:
    request = topic_request(name, 3, retention_ms=1234, cleanup_policy="compact")
    (created,) = create(client, request, version=version)
    assert (created.name, created.errorCode, created.errorMessage) == (name, ErrorCode.NONE, None)
    described = client.topic_metadata(name)
    assert len(described.partitions) == 3
    if version >= 5:
        assert (created.numPartitions, created.replicationFactor) == (3, 1)
        settings = {each.name: each for each in created.configs}
        assert settings["retention.ms"].value == "1234"
        assert settings["retention.ms"].configSource == 1
        assert settings["cleanup.policy"].value == "compact"
        assert settings["segment.bytes"].configSource == 5
    if version >= 7:
        assert created.topicId == described.topicId != NO_ID


def test_c72_validate_only_answers_as_if_and_creates_nothing(client: Client, name: str) -> None:
    (created,) = create(client, topic_request(name, 2), validate=True)
    assert (created.errorCode, created.numPartitions, created.topicId) == (0, 2, NO_ID)
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert client.topic_metadata(name).errorCode == unknown


def test_c72_what_exists_or_is_named_twice_is_refused(client: Client, name: str) -> None:
    twice = create(client, topic_request(name), topic_request(name))
    assert {each.errorCode for each in twice} == {ErrorCode.INVALID_REQUEST}
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert client.topic_metadata(name).errorCode == unknown
    client.create_topic(name)
    (again,) = create(client, topic_request(name))
    assert again.errorCode == ErrorCode.TOPIC_ALREADY_EXISTS and again.errorMessage
    (validated,) = create(client, topic_request(name), validate=True)
    assert validated.errorCode == ErrorCode.TOPIC_ALREADY_EXISTS


@pytest.mark.parametrize(
    "wrong",
    ["", ".", "..", "a b", "ä", "a/b", "x" * 250, "__consumer_offsets", "__transaction_state"],
)
def test_c72_a_bad_name_gets_error_17_everywhere(client: Client, wrong: str) -> None:
    (created,) = create(client, topic_request(wrong))
    assert created.errorCode == ErrorCode.INVALID_TOPIC_EXCEPTION
    if not wrong.startswith("__"):
        described = client.topic_metadata(wrong, create=True)
        assert described.errorCode == ErrorCode.INVALID_TOPIC_EXCEPTION


def test_c72_the_longest_name_is_accepted(client: Client, unique: Names) -> None:
    longest = (unique("long") + "-").ljust(249, "x")
    assert create(client, topic_request(longest))[0].errorCode == ErrorCode.NONE
    assert client.write(longest, b"value") == 0
    assert client.delete_topics([longest])[0].errorCode == ErrorCode.NONE


def test_c72_replicas_that_one_broker_cannot_hold_get_error_38(
    client: Client, name: str, shared_process: BrokerProcess | None
) -> None:
    if shared_process is None:
        pytest.skip("another broker may have more nodes")
    (created,) = create(client, {**topic_request(name), "replicationFactor": 3})
    assert created.errorCode == ErrorCode.INVALID_REPLICATION_FACTOR
    assert created.errorMessage == "Replication factor: 3 larger than available brokers: 1."
    for factor in (0, -2):
        (created,) = create(client, {**topic_request(name), "replicationFactor": factor})
        assert created.errorCode == ErrorCode.INVALID_REPLICATION_FACTOR
    (created,) = create(client, {**topic_request(name), "replicationFactor": -1})
    assert (created.errorCode, created.replicationFactor) == (ErrorCode.NONE, 1)


@pytest.mark.settings("broker.replication_factor_policy=clamp")
def test_c72_clamp_takes_any_number_of_replicas_as_one(own: Client) -> None:
    (created,) = create(own, {**topic_request("clamped"), "replicationFactor": 3})
    assert (created.errorCode, created.replicationFactor) == (ErrorCode.NONE, 1)
    assert len(own.topic_metadata("clamped").partitions[0].replicaNodes) == 1


@pytest.mark.parametrize("count, error", [(0, 37), (-2, 37), (10_001, 37), (-1, 0)])
def test_c72_a_number_of_partitions_has_limits(
    client: Client, name: str, count: int, error: int, shared_process: BrokerProcess | None
) -> None:
    if shared_process is None and count > 0:
        pytest.skip("another broker may have another limit of partitions")
    (created,) = create(client, topic_request(name, count))
    assert created.errorCode == error


def test_c72_replicas_may_be_assigned_by_hand(client: Client, name: str) -> None:
    node = client.call("Metadata", 12, topics=[]).brokers[0].nodeId

    def assigned(broker: int, **fields: int) -> int:
        assignments = [{"partitionIndex": index, "brokerIds": [broker]} for index in (0, 1)]
        counts = {"numPartitions": -1, "replicationFactor": -1, **fields}
        (created,) = create(client, {"name": name, **counts, "assignments": assignments})
        code: int = created.errorCode
        return code

    assert assigned(node + 4711) == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    assert assigned(node, numPartitions=2) == ErrorCode.INVALID_REQUEST
    assert assigned(node, replicationFactor=1) == ErrorCode.INVALID_REQUEST
    assert assigned(node) == ErrorCode.NONE
    assert len(client.topic_metadata(name).partitions) == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"no_such_setting": "1"},
        {"retention_ms": "soon"},
        {"cleanup_policy": "keep"},
        {"max_message_bytes": "-1"},
        {"segment_bytes": "1"},
        {"message_timestamp_type": "Never"},
        {"retention_ms": None},
    ],
    ids=str,
)
def test_c72_an_unknown_setting_or_a_bad_value_gets_error_40(
    client: Client, name: str, settings: dict[str, Any]
) -> None:
    (created,) = create(client, topic_request(name, **settings))
    assert created.errorCode == ErrorCode.INVALID_CONFIG and created.errorMessage
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert client.topic_metadata(name).errorCode == unknown


@pytest.mark.parametrize("setting", [{"compression_type": "gzip"}, {"min_insync_replicas": 2}])
def test_c72_what_the_broker_could_only_pretend_gets_error_40(
    client: Client, name: str, setting: dict[str, Any], shared_process: BrokerProcess | None
) -> None:
    if shared_process is None:
        pytest.skip("another broker may be able to do what Freshet refuses")
    (created,) = create(client, topic_request(name, **setting))
    assert created.errorCode == ErrorCode.INVALID_CONFIG


def test_c73_a_topic_created_again_is_another_topic(client: Client, name: str) -> None:
    old_id = None
    for round_number in range(5):
        client.create_topic(name, 2)
        described = client.topic_metadata(name)
        assert described.topicId != old_id
        old_id = described.topicId
        assert client.end_offset(name, 1) == 0
        assert client.write(name, b"round %d" % round_number, partition=1) == 0
        assert client.values(name, partition=1) == [b"round %d" % round_number]
        assert client.delete_topics([name])[0].errorCode == ErrorCode.NONE
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert client.topic_metadata(name).errorCode == unknown
        assert client.fetch(name, 0, partition=1).errorCode == unknown


def test_c73_consumers_of_the_old_topic_are_out_of_range_or_fenced(
    client: Client, name: str
) -> None:
    client.create_topic(name)
    for _ in range(5):
        client.write(name, b"old")
    epoch = client.topic_metadata(name).partitions[0].leaderEpoch
    client.delete_topics([name])
    client.create_topic(name)
    client.write(name, b"new")
    assert client.fetch(name, 5).errorCode == ErrorCode.OFFSET_OUT_OF_RANGE
    assert client.topic_metadata(name).partitions[0].leaderEpoch > epoch
    client.send_fetch(
        [
            {
                "topic": name,
                "partition": 0,
                "fetchOffset": 0,
                "partitionMaxBytes": 1000,
                "currentLeaderEpoch": epoch,
            }
        ]
    )
    assert client.receive_fetch()[0].errorCode == ErrorCode.FENCED_LEADER_EPOCH


def test_c73_topics_are_deleted_by_name_or_id(client: Client, unique: Names) -> None:
    named, by_id = unique("named"), unique("by-id")
    for topic in (named, by_id):
        client.create_topic(topic)
    topic_id = client.topic_metadata(by_id).topicId
    unknown_id = uuid4()
    answer = client.ask(
        "DeleteTopics",
        topics=[
            {"name": named},
            {"name": None, "topicId": topic_id},
            {"name": None, "topicId": unknown_id},
            {"name": unique("none")},
        ],
        timeoutMs=15000,
    )
    codes = [each.errorCode for each in answer.responses]
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert codes == [0, 0, ErrorCode.UNKNOWN_TOPIC_ID, unknown]
    assert [each.name for each in answer.responses][:3] == [named, by_id, None]
    for topic in (named, by_id):
        assert client.topic_metadata(topic).errorCode == unknown
    old = client.call("DeleteTopics", 1, topicNames=[named], timeoutMs=15000)
    assert [each.errorCode for each in old.responses] == [unknown]


def test_c73_a_deleted_topic_stays_deleted_after_kill_9(
    broker_process: BrokerProcess, own: Client
) -> None:
    for topic in ("gone", "stays"):
        own.create_topic(topic)
        own.write(topic, b"value")
    own.delete_topics(["gone"])
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert {each.name for each in client.call("Metadata", 12, topics=None).topics} == {"stays"}
        client.create_topic("gone")
        assert client.end_offset("gone") == 0


@pytest.mark.parametrize("version", range(13))
def test_c74_asking_for_a_topic_creates_it_if_the_request_allows(
    client: Client, name: str, unique: Names, version: int
) -> None:
    if version >= 4:
        refused = client.call(
            "Metadata", version, topics=[{"name": name}], allowAutoTopicCreation=False
        )
        assert refused.topics[0].errorCode == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    created = client.call("Metadata", version, topics=[{"name": name}]).topics[0]
    assert (created.errorCode, created.name) == (ErrorCode.NONE, name)
    assert len(created.partitions) >= 1
    assert client.write(name, b"value") == 0


@pytest.mark.settings("broker.auto_create_topics=false")
def test_c74_without_the_setting_nothing_is_created(own: Client) -> None:
    for version in range(13):
        described = own.call("Metadata", version, topics=[{"name": "missing"}]).topics[0]
        assert described.errorCode == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert own.call("Metadata", 12, topics=None).topics == []


@pytest.mark.settings("broker.default_partitions=4")
def test_c74_the_number_of_partitions_is_the_configured_one(own: Client) -> None:
    assert len(own.topic_metadata("automatic", create=True).partitions) == 4
    (created,) = create(own, topic_request("explicit", -1))
    assert created.numPartitions == 4
