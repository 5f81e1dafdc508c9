extension MessageSchema {
    /// Look up offsets by time, or the ends of a log.
    static let listOffsets = MessageSchema(
        .listOffsets,
        versions: 1...9,
        flexibleFrom: 6,
        request: """
            replicaId: i32, isolationLevel@2+: i8, topics: [
              name: str, partitions: [
                partitionIndex: i32, currentLeaderEpoch@4+: i32 = -1, timestamp: i64
              ]
            ]
            """,
        response: """
            throttleTimeMs@2+: i32, topics: [
              name: str, partitions: [
                partitionIndex: i32, errorCode: i16, timestamp: i64 = -1, offset: i64 = -1,
                leaderEpoch@4+: i32 = -1
              ]
            ]
            """
    )
}
