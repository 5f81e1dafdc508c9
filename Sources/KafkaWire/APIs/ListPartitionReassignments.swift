extension MessageSchema {
    /// List partitions on their way to other brokers.
    static let listPartitionReassignments = MessageSchema(
        .listPartitionReassignments,
        versions: 0...0,
        flexibleFrom: 0,
        request: """
            timeoutMs: i32 = 60000, topics: [name: str, partitionIndexes: [i32]]? = null
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16, errorMessage: str?, topics: [
              name: str, partitions: [
                partitionIndex: i32, replicas: [i32], addingReplicas: [i32],
                removingReplicas: [i32]
              ]
            ]
            """
    )
}
