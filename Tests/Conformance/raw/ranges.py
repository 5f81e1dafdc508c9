"""The versions of every API that the broker promises, lowest and highest."""

RANGES: dict[str, tuple[int, int]] = {
    "Produce": (3, 11),
    "Fetch": (4, 16),
    "ListOffsets": (1, 9),
    "Metadata": (0, 12),
    "OffsetCommit": (2, 9),
    "OffsetFetch": (1, 9),
    "FindCoordinator": (0, 4),
    "JoinGroup": (0, 9),
    "Heartbeat": (0, 4),
    "LeaveGroup": (0, 5),
    "SyncGroup": (0, 5),
    "DescribeGroups": (0, 5),
    "ListGroups": (0, 5),
    "ApiVersions": (0, 4),
    "CreateTopics": (2, 7),
    "DeleteTopics": (1, 6),
    "DeleteRecords": (0, 2),
    "InitProducerId": (0, 5),
    "OffsetForLeaderEpoch": (2, 4),
    "AddPartitionsToTxn": (0, 3),
    "AddOffsetsToTxn": (0, 4),
    "EndTxn": (0, 4),
    "TxnOffsetCommit": (0, 4),
    "DescribeAcls": (1, 3),
    "CreateAcls": (1, 3),
    "DeleteAcls": (1, 3),
    "DescribeConfigs": (0, 4),
    "AlterConfigs": (0, 2),
    "DescribeLogDirs": (0, 4),
    "CreatePartitions": (0, 3),
    "DeleteGroups": (0, 2),
    "ElectLeaders": (0, 2),
    "IncrementalAlterConfigs": (0, 1),
    "ListPartitionReassignments": (0, 0),
    "OffsetDelete": (0, 0),
    "DescribeCluster": (0, 1),
    "DescribeProducers": (0, 0),
    "DescribeTransactions": (0, 0),
    "ListTransactions": (0, 1),
    "DescribeTopicPartitions": (0, 0),
}

# Answered with a closed connection below 3, but advertised: old librdkafka sends uncompressed
# data to a broker that does not offer Produce 0.
ADVERTISED = {**RANGES, "Produce": (0, 11)}
EVERY_VERSION = [
    (api, version) for api, (low, high) in RANGES.items() for version in range(low, high + 1)
]


def latest(api: str) -> int:
    return RANGES[api][1]
