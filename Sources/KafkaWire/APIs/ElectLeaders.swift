extension MessageSchema {
    /// Elect the leaders of partitions.
    static let electLeaders = MessageSchema(
        .electLeaders,
        versions: 0...2,
        flexibleFrom: 2,
        request: """
            electionType@1+: i8, topicPartitions: [topic: str, partitions: [i32]]?,
            timeoutMs: i32 = 60000
            """,
        response: """
            throttleTimeMs: i32, errorCode@1+: i16, replicaElectionResults: [
              topic: str,
              partitionResult: [partitionId: i32, errorCode: i16, errorMessage: str?]
            ]
            """
    )
}
