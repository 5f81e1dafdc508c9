extension MessageSchema {
    /// Which brokers, topics and partitions there are.
    static let metadata = MessageSchema(
        .metadata,
        versions: 0...12,
        flexibleFrom: 9,
        request: """
            topics: [topicId@10+: uuid, name: str?10+]?1+,
            allowAutoTopicCreation@4+: bool = true,
            includeClusterAuthorizedOperations@8-10: bool,
            includeTopicAuthorizedOperations@8+: bool
            """,
        response: """
            throttleTimeMs@3+: i32,
            brokers: [nodeId: i32, host: str, port: i32, rack@1+: str? = null],
            clusterId@2+: str? = null, controllerId@1+: i32 = -1, topics: [
              errorCode: i16, name: str?12+, topicId@10+: uuid, isInternal@1+: bool,
              partitions: [
                errorCode: i16, partitionIndex: i32, leaderId: i32, leaderEpoch@7+: i32 = -1,
                replicaNodes: [i32], isrNodes: [i32], offlineReplicas@5+: [i32]
              ],
              topicAuthorizedOperations@8+: i32 = -2147483648
            ],
            clusterAuthorizedOperations@8-10: i32 = -2147483648
            """
    )
}
