extension MessageSchema {
    /// Say that a member of a group is alive.
    static let heartbeat = MessageSchema(
        .heartbeat,
        versions: 0...4,
        flexibleFrom: 4,
        request: """
            groupId: str, generationId: i32, memberId: str, groupInstanceId@3+: str? = null
            """,
        response: """
            throttleTimeMs@1+: i32, errorCode: i16
            """
    )
}
