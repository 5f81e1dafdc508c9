extension MessageSchema {
    /// Store how far a consumer group has read.
    static let offsetCommit = MessageSchema(
        .offsetCommit,
        versions: 2...9,
        flexibleFrom: 8,
        request: """
            groupId: str, generationIdOrMemberEpoch: i32 = -1, memberId: str,
            groupInstanceId@7+: str? = null, retentionTimeMs@2-4: i64 = -1, topics: [
              name: str, partitions: [
                partitionIndex: i32, committedOffset: i64, committedLeaderEpoch@6+: i32 = -1,
                committedMetadata: str?
              ]
            ]
            """,
        response: """
            throttleTimeMs@3+: i32,
            topics: [name: str, partitions: [partitionIndex: i32, errorCode: i16]]
            """
    )
}
