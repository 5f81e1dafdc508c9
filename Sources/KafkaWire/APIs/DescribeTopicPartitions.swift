extension MessageSchema {
    /// Describe topics, page by page.
    static let describeTopicPartitions = MessageSchema(
        .describeTopicPartitions,
        versions: 0...0,
        flexibleFrom: 0,
        request: """
            topics: [name: str], responsePartitionLimit: i32 = 2000,
            cursor: {topicName: str, partitionIndex: i32}? = null
            """,
        response: """
            throttleTimeMs: i32, topics: [
              errorCode: i16, name: str?, topicId: uuid, isInternal: bool, partitions: [
                errorCode: i16, partitionIndex: i32, leaderId: i32, leaderEpoch: i32 = -1,
                replicaNodes: [i32], isrNodes: [i32], eligibleLeaderReplicas: [i32]? = null,
                lastKnownElr: [i32]? = null, offlineReplicas: [i32]
              ],
              topicAuthorizedOperations: i32 = -2147483648
            ],
            nextCursor: {topicName: str, partitionIndex: i32}? = null
            """
    )
}
