extension MessageSchema {
    /// Where the log of a leader epoch ends.
    static let offsetForLeaderEpoch = MessageSchema(
        .offsetForLeaderEpoch,
        versions: 2...4,
        flexibleFrom: 4,
        request: """
            replicaId@3+: i32 = -2, topics: [
              topic: str,
              partitions: [partition: i32, currentLeaderEpoch: i32 = -1, leaderEpoch: i32]
            ]
            """,
        response: """
            throttleTimeMs: i32, topics: [
              topic: str, partitions: [
                errorCode: i16, partition: i32, leaderEpoch: i32 = -1, endOffset: i64 = -1
              ]
            ]
            """
    )
}
