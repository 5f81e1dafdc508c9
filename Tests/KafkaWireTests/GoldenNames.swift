@testable import KafkaWire

/// The names that the golden bytes use for the APIs.
let schemasByName: [String: MessageSchema] = [
    "produce": .produce, "fetch": .fetch, "listOffsets": .listOffsets, "metadata": .metadata,
    "offsetCommit": .offsetCommit, "offsetFetch": .offsetFetch,
    "findCoordinator": .findCoordinator, "joinGroup": .joinGroup, "heartbeat": .heartbeat,
    "leaveGroup": .leaveGroup, "syncGroup": .syncGroup, "describeGroups": .describeGroups,
    "listGroups": .listGroups, "apiVersions": .apiVersions, "createTopics": .createTopics,
    "deleteTopics": .deleteTopics, "deleteRecords": .deleteRecords,
    "initProducerId": .initProducerId, "offsetForLeaderEpoch": .offsetForLeaderEpoch,
    "addPartitionsToTxn": .addPartitionsToTxn, "addOffsetsToTxn": .addOffsetsToTxn,
    "endTxn": .endTxn, "txnOffsetCommit": .txnOffsetCommit, "describeAcls": .describeAcls,
    "createAcls": .createAcls, "deleteAcls": .deleteAcls, "describeConfigs": .describeConfigs,
    "alterConfigs": .alterConfigs, "describeLogDirs": .describeLogDirs,
    "createPartitions": .createPartitions, "deleteGroups": .deleteGroups,
    "electLeaders": .electLeaders, "incrementalAlterConfigs": .incrementalAlterConfigs,
    "listPartitionReassignments": .listPartitionReassignments, "offsetDelete": .offsetDelete,
    "describeCluster": .describeCluster, "describeProducers": .describeProducers,
    "describeTransactions": .describeTransactions, "listTransactions": .listTransactions,
    "describeTopicPartitions": .describeTopicPartitions,
]

/// FNV-1a of 64 bits.
func fnv(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}
