"""C04, more closely: what administrators ask, and honest answers about what is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Struct
from raw.client import Client
from raw.producer import Producer

pytestmark = pytest.mark.quick
NEEDS_FRESHET = "another broker may have more nodes or an authorizer"


@pytest.fixture
def freshet(shared_process: BrokerProcess | None) -> None:
    if shared_process is None:
        pytest.skip(NEEDS_FRESHET)


def describe_producers(client: Client, topic: str, partition: int = 0) -> Struct:
    answer = client.ask(
        "DescribeProducers", topics=[{"name": topic, "partitionIndexes": [partition]}]
    )
    found: Struct = answer.topics[0].partitions[0]
    return found


def test_c04_an_open_transaction_can_be_found_and_traced(
    client: Client, topic: str, unique: Callable[[str], str]
) -> None:
    producer = Producer.start(client, unique("stuck"), timeout=50_000)
    name = producer.transactional_id
    client.write(topic, b"before")
    producer.begin(topic)
    producer.write(topic, b"one", b"two")
    listed = client.ask("ListTransactions", stateFilters=["Ongoing"], producerIdFilters=[])
    assert name in [each.transactionalId for each in listed.transactionStates]
    by_id = client.ask("ListTransactions", producerIdFilters=[producer.producer_id])
    (mine,) = by_id.transactionStates
    assert (mine.transactionalId, mine.transactionState) == (name, "Ongoing")
    long_ones = client.ask("ListTransactions", durationFilter=600_000)
    assert name not in [each.transactionalId for each in long_ones.transactionStates]
    odd = client.ask("ListTransactions", stateFilters=["Dreaming"])
    assert odd.unknownStateFilters == ["Dreaming"] and odd.transactionStates == []
    (state,) = client.ask("DescribeTransactions", transactionalIds=[name]).transactionStates
    assert (state.errorCode, state.transactionState) == (ErrorCode.NONE, "Ongoing")
    assert (state.producerId, state.producerEpoch) == (producer.producer_id, producer.epoch)
    assert (state.transactionTimeoutMs, state.transactionStartTimeMs > 0) == (50_000, True)
    assert [(each.topic, each.partitions) for each in state.topics] == [(topic, [0])]
    (active,) = describe_producers(client, topic).activeProducers
    assert (active.producerId, active.producerEpoch) == (producer.producer_id, producer.epoch)
    assert (active.currentTxnStartOffset, active.lastSequence) == (1, 1)
    producer.finish(commit=True)
    (state,) = client.ask("DescribeTransactions", transactionalIds=[name]).transactionStates
    assert (state.transactionState, state.topics) == ("CompleteCommit", [])
    (active,) = describe_producers(client, topic).activeProducers
    assert active.currentTxnStartOffset == -1


def test_c04_unknown_transactions_and_partitions_have_their_errors(
    client: Client, topic: str, unique: Callable[[str], str]
) -> None:
    answer = client.ask("DescribeTransactions", transactionalIds=[unique("none")])
    assert answer.transactionStates[0].errorCode == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert describe_producers(client, topic, 9).errorCode == unknown
    assert describe_producers(client, unique("none")).errorCode == unknown
    assert describe_producers(client, topic).activeProducers == []


def test_c04_log_directories_have_sizes(
    client: Client, new_topic: Callable[..., str], freshet: None
) -> None:
    topic = new_topic(2)
    client.write(topic, bytes(5000), partition=1)
    for topics in (None, [{"topic": topic, "partitions": [0, 1]}]):
        answer = client.ask("DescribeLogDirs", topics=topics)
        assert answer.errorCode == ErrorCode.NONE
        (directory,) = answer.results
        assert directory.errorCode == ErrorCode.NONE and directory.logDir.startswith("/")
        assert 0 < directory.usableBytes <= directory.totalBytes
        sizes = {
            each.partitionIndex: each.partitionSize
            for found in directory.topics
            if found.name == topic
            for each in found.partitions
        }
        assert sizes == {0: 0, 1: sizes[1]} and sizes[1] > 5000
    nothing = client.ask("DescribeLogDirs", topics=[{"topic": "none", "partitions": [0]}])
    assert nothing.results[0].topics == []


def test_c04_topic_partitions_are_described_in_pages(
    client: Client, new_topic: Callable[..., str], unique: Callable[[str], str]
) -> None:
    topic, missing = new_topic(5), unique("zz-missing")
    names = [{"name": topic}, {"name": missing}]
    described = client.ask("DescribeTopicPartitions", topics=names)
    by_name = {each.name: each for each in described.topics}
    assert by_name[missing].errorCode == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert [each.partitionIndex for each in by_name[topic].partitions] == list(range(5))
    assert described.nextCursor is None
    first = client.ask(
        "DescribeTopicPartitions", topics=[{"name": topic}], responsePartitionLimit=3
    )
    assert [each.partitionIndex for each in first.topics[0].partitions] == [0, 1, 2]
    assert first.nextCursor == {"topicName": topic, "partitionIndex": 3}
    rest = client.ask("DescribeTopicPartitions", topics=[{"name": topic}], cursor=first.nextCursor)
    assert [each.partitionIndex for each in rest.topics[0].partitions] == [3, 4]


def test_c04_the_cluster_is_one_node(client: Client, freshet: None) -> None:
    metadata = client.call("Metadata", 12, topics=[])
    for asked in (True, False):
        answer = client.ask("DescribeCluster", includeClusterAuthorizedOperations=asked)
        assert answer.errorCode == ErrorCode.NONE
        assert answer.clusterId == metadata.clusterId
        (broker,) = answer.brokers
        assert broker.brokerId == answer.controllerId == metadata.controllerId
        assert answer.clusterAuthorizedOperations == (8096 if asked else -(2**31))


def test_c04_a_coordinator_is_found_for_groups_and_transactions_only(client: Client) -> None:
    for version in range(5):
        for kind, error in ((0, 0), (1, 0), (2, ErrorCode.INVALID_REQUEST)):
            fields: dict[str, Any] = {"coordinatorKeys": ["k"]} if version >= 4 else {"key": "k"}
            if version >= 1:
                fields["keyType"] = kind
            elif kind:
                continue
            answer = client.call("FindCoordinator", version, **fields)
            found = answer.coordinators[0] if version >= 4 else answer
            assert found.errorCode == error, (version, kind)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_c04_access_lists_are_disabled(client: Client, freshet: None, version: int) -> None:
    disabled = ErrorCode.SECURITY_DISABLED
    wanted = {"resourceTypeFilter": 2, "operation": 1, "permissionType": 1}
    described = client.call("DescribeAcls", version, **wanted)
    assert (described.errorCode, described.resources) == (disabled, [])
    assert described.errorMessage == "No Authorizer is configured."
    entry = {
        "resourceType": 2,
        "resourceName": "t",
        "principal": "User:a",
        "host": "*",
        "operation": 3,
        "permissionType": 3,
    }
    created = client.call("CreateAcls", version, creations=[entry, entry])
    assert [each.errorCode for each in created.results] == [disabled] * 2
    deleted = client.call("DeleteAcls", version, filters=[wanted])
    assert [each.errorCode for each in deleted.filterResults] == [disabled]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_c04_no_election_is_needed_and_nothing_moves(
    client: Client, topic: str, freshet: None, version: int
) -> None:
    partitions = [{"topic": topic, "partitions": [0]}]
    answer = client.call("ElectLeaders", version, topicPartitions=partitions)
    assert answer.get("errorCode", 0) == ErrorCode.NONE
    (result,) = answer.replicaElectionResults[0].partitionResult
    assert result.errorCode == ErrorCode.ELECTION_NOT_NEEDED
    moving = client.ask("ListPartitionReassignments", topics=None)
    assert (moving.errorCode, moving.topics) == (ErrorCode.NONE, [])
