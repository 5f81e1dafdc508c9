extension MessageSchema {
    /// Store how far a group has read, as part of a transaction.
    static let txnOffsetCommit = MessageSchema(
        .txnOffsetCommit,
        versions: 0...4,
        flexibleFrom: 3,
        request: """
            transactionalId: str, groupId: str, producerId: i64, producerEpoch: i16,
            generationId@3+: i32 = -1, memberId@3+: str, groupInstanceId@3+: str? = null,
            topics: [
              name: str, partitions: [
                partitionIndex: i32, committedOffset: i64, committedLeaderEpoch@2+: i32 = -1,
                committedMetadata: str?
              ]
            ]
            """,
        response: """
            throttleTimeMs: i32,
            topics: [name: str, partitions: [partitionIndex: i32, errorCode: i16]]
            """
    )
}
