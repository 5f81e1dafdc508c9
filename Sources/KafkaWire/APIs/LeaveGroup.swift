extension MessageSchema {
    /// Leave a consumer group.
    static let leaveGroup = MessageSchema(
        .leaveGroup,
        versions: 0...5,
        flexibleFrom: 4,
        request: """
            groupId: str, memberId@0-2: str,
            members@3+: [memberId: str, groupInstanceId: str? = null, reason@5+: str? = null]
            """,
        response: """
            throttleTimeMs@1+: i32, errorCode: i16,
            members@3+: [memberId: str, groupInstanceId: str?, errorCode: i16]
            """
    )
}
