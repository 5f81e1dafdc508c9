extension MessageSchema {
    /// Read back how far a consumer group has read.
    static let offsetFetch = MessageSchema(
        .offsetFetch,
        versions: 1...9,
        flexibleFrom: 6,
        request: """
            groupId@1-7: str, topics@1-7: [name: str, partitionIndexes: [i32]]?2+, groups@8+: [
              groupId: str, memberId@9+: str? = null, memberEpoch@9+: i32 = -1,
              topics: [name: str, partitionIndexes: [i32]]?
            ],
            requireStable@7+: bool
            """,
        response: """
            throttleTimeMs@3+: i32, topics@1-7: [
              name: str, partitions: [
                partitionIndex: i32, committedOffset: i64, committedLeaderEpoch@5+: i32 = -1,
                metadata: str?, errorCode: i16
              ]
            ],
            errorCode@2-7: i16, groups@8+: [
              groupId: str, topics: [
                name: str, partitions: [
                  partitionIndex: i32, committedOffset: i64, committedLeaderEpoch: i32 = -1,
                  metadata: str?, errorCode: i16
                ]
              ],
              errorCode: i16
            ]
            """
    )
}
