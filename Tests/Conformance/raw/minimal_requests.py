"""For every API a small valid request that is about something the broker has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kafka_codec import Struct, encode_batch
from raw.client import Client, topic_request

MEMBER_METADATA = bytes.fromhex("000000000001000174ffffffff")
ASSIGNMENT = bytes.fromhex("0000000000000000ffffffff")
PROTOCOLS = [{"name": "range", "metadata": MEMBER_METADATA}]


@dataclass
class Furniture:
    """What the requests are about: a topic with records, a stable group, a transactional id."""

    topic: str
    topic_id: UUID
    group: str
    generation: int
    member: str
    transactional_id: str
    producer_id: int
    producer_epoch: int

    @classmethod
    def make(cls, client: Client, name: str) -> Furniture:
        client.create_topic(name, partitions=2, retention_ms=3_600_000)
        for partition in (0, 1):
            client.write(name, b"one", b"two", partition=partition)
        topic_id = client.topic_metadata(name).topicId
        joined = join_alone(client, name)
        client.ask(
            "SyncGroup",
            groupId=name,
            generationId=joined.generationId,
            memberId=joined.memberId,
            protocolType="consumer",
            protocolName="range",
            assignments=[{"memberId": joined.memberId, "assignment": ASSIGNMENT}],
        )
        offset = {"partitionIndex": 0, "committedOffset": 1, "committedMetadata": "here"}
        client.ask(
            "OffsetCommit",
            groupId=name,
            generationIdOrMemberEpoch=joined.generationId,
            memberId=joined.memberId,
            topics=[{"name": name, "partitions": [offset]}],
        )
        producer = client.ask("InitProducerId", transactionalId=name, transactionTimeoutMs=60000)
        return cls(
            name, topic_id, name, joined.generationId, joined.memberId,
            name, producer.producerId, producer.producerEpoch,
        )  # fmt: skip


def join_alone(client: Client, group: str) -> Struct:
    """Joins a group that nobody else joins; versions below 4 do so in one round."""
    joined: Struct = client.call(
        "JoinGroup",
        3,
        groupId=group,
        sessionTimeoutMs=60000,
        rebalanceTimeoutMs=60000,
        memberId="",
        protocolType="consumer",
        protocols=PROTOCOLS,
    )
    assert joined.errorCode == 0, joined
    return joined


def minimal_request(api: str, version: int, about: Furniture) -> dict[str, Any]:
    """The fields of a valid request of that version."""
    for requests in (record_requests, group_requests, transaction_requests, admin_requests):
        made = requests(api, version, about)
        if made is not None:
            return made
    raise KeyError(api)


def only(condition: bool, **fields: Any) -> dict[str, Any]:
    return fields if condition else {}


def record_requests(api: str, version: int, about: Furniture) -> dict[str, Any] | None:
    topic = about.topic
    if api == "Produce":
        data = {"index": 0, "records": encode_batch([b"value"])}
        return {"acks": -1, "timeoutMs": 9000, "topicData": [topic_with(topic, "Data", data)]}
    if api == "Fetch":
        partitions = [
            {"partition": index, "fetchOffset": 0, "partitionMaxBytes": 1000} for index in (0, 1)
        ]
        named = {"topicId": about.topic_id} if version >= 13 else {"topic": topic}
        return {"maxWaitMs": 0, "minBytes": 1, "topics": [{**named, "partitions": partitions}]}
    if api == "ListOffsets":
        partitions = [{"partitionIndex": 0, "timestamp": -1}, {"partitionIndex": 1, "timestamp": 0}]
        return {"replicaId": -1, "topics": [{"name": topic, "partitions": partitions}]}
    if api == "OffsetForLeaderEpoch":
        partition = {"partition": 0, "leaderEpoch": 0}
        return {"topics": [{"topic": topic, "partitions": [partition]}]}
    if api == "Metadata":
        by_id = {"topicId": about.topic_id, "name": None}
        return {"topics": [{"name": topic}] + ([by_id] if version >= 12 else [])}
    if api == "DeleteRecords":
        partitions = [{"partitionIndex": 1, "offset": 1}]
        return {"topics": [{"name": topic, "partitions": partitions}], "timeoutMs": 9000}
    if api == "DescribeProducers":
        return {"topics": [{"name": topic, "partitionIndexes": [0, 1]}]}
    return None


def topic_with(topic: str, what: str, partition: dict[str, Any]) -> dict[str, Any]:
    return {"name": topic, f"partition{what}": [partition]}


def group_requests(api: str, version: int, about: Furniture) -> dict[str, Any] | None:
    member = {
        "groupId": about.group,
        "generationId": about.generation,
        "memberId": about.member,
    }
    offset = {"partitionIndex": 1, "committedOffset": 1, "committedMetadata": "there"}
    requests: dict[str, dict[str, Any]] = {
        "OffsetCommit": {
            "groupId": about.group,
            "generationIdOrMemberEpoch": about.generation,
            "memberId": about.member,
            "topics": [{"name": about.topic, "partitions": [offset]}],
        },
        "FindCoordinator": {"coordinatorKeys": [about.group, "x"]}
        if version >= 4
        else {"key": about.group},
        "JoinGroup": {
            "groupId": f"{about.group}-join-{version}",
            "sessionTimeoutMs": 10000,
            "memberId": "",
            "protocolType": "consumer",
            "protocols": PROTOCOLS,
            **only(version >= 1, rebalanceTimeoutMs=10000),
        },
        "Heartbeat": member,
        "SyncGroup": {
            **member,
            "assignments": [],
            **only(version >= 5, protocolType="consumer", protocolName="range"),
        },
        "LeaveGroup": {"groupId": about.group, "members": [{"memberId": "nobody"}]}
        if version >= 3
        else {"groupId": about.group, "memberId": "nobody"},
        "DescribeGroups": {"groups": [about.group, "no-such-group"]},
        "ListGroups": {},
        "DeleteGroups": {"groupsNames": [about.group, "no-such-group"]},
        "OffsetDelete": {
            "groupId": about.group,
            "topics": [{"name": about.topic, "partitions": [{"partitionIndex": 1}]}],
        },
    }
    if api == "OffsetFetch":
        topics = [{"name": about.topic, "partitionIndexes": [0, 1]}]
        if version < 8:
            return {"groupId": about.group, "topics": topics}
        return {"groups": [{"groupId": about.group, "topics": topics}]}
    return requests.get(api)


def transaction_requests(api: str, version: int, about: Furniture) -> dict[str, Any] | None:
    producer = {
        "transactionalId": about.transactional_id,
        "producerId": about.producer_id,
        "producerEpoch": about.producer_epoch,
    }
    offset = {"partitionIndex": 0, "committedOffset": 2, "committedMetadata": None}
    requests: dict[str, dict[str, Any]] = {
        "InitProducerId": {"transactionalId": None, "transactionTimeoutMs": 60000},
        "AddPartitionsToTxn": {
            "v3AndBelowTransactionalId": about.transactional_id,
            "v3AndBelowProducerId": about.producer_id,
            "v3AndBelowProducerEpoch": about.producer_epoch,
            "v3AndBelowTopics": [{"name": about.topic, "partitions": [0, 1]}],
        },
        "AddOffsetsToTxn": {**producer, "groupId": about.group},
        "EndTxn": {**producer, "committed": True},
        "TxnOffsetCommit": {
            **producer,
            "groupId": about.group,
            "topics": [{"name": about.topic, "partitions": [offset]}],
        },
        "DescribeTransactions": {"transactionalIds": [about.transactional_id, "no-such-id"]},
        "ListTransactions": {"stateFilters": [], "producerIdFilters": []},
    }
    return requests.get(api)


def admin_requests(api: str, version: int, about: Furniture) -> dict[str, Any] | None:
    topic = about.topic
    resource = {"resourceType": 2, "resourceName": topic}
    setting = {"name": "retention.ms", "value": "3600000"}
    filters = {"resourceTypeFilter": 1, "operation": 1, "permissionType": 1}
    nobody = {"principal": "User:x", "host": "*", "operation": 3, "permissionType": 3}
    requests: dict[str, dict[str, Any]] = {
        "ApiVersions": {},
        "CreateTopics": {
            "topics": [topic_request(f"{topic}-{version}")],
            "validateOnly": True,
        },
        "DeleteTopics": {"topics": [{"name": f"{topic}-none"}]}
        if version >= 6
        else {"topicNames": [f"{topic}-none"]},
        "DescribeAcls": filters,
        "CreateAcls": {"creations": [{"resourceType": 2, "resourceName": topic, **nobody}]},
        "DeleteAcls": {"filters": [filters]},
        "DescribeConfigs": {
            "resources": [{**resource, "configurationKeys": None}],
            **only(version >= 1, includeSynonyms=True),
            **only(version >= 3, includeDocumentation=True),
        },
        "AlterConfigs": {
            "resources": [{**resource, "configs": [setting]}],
        },
        "IncrementalAlterConfigs": {
            "resources": [{**resource, "configs": [{**setting, "configOperation": 0}]}],
        },
        "DescribeLogDirs": {"topics": [{"topic": topic, "partitions": [0, 1]}]},
        "CreatePartitions": {
            "topics": [{"name": topic, "count": 3, "assignments": None}],
            "validateOnly": True,
        },
        "ElectLeaders": {"topicPartitions": [{"topic": topic, "partitions": [0]}]},
        "ListPartitionReassignments": {"topics": None},
        "DescribeCluster": {"includeClusterAuthorizedOperations": True},
        "DescribeTopicPartitions": {"topics": [{"name": topic}]},
    }
    return requests.get(api)
