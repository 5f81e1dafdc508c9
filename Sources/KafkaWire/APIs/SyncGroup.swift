extension MessageSchema {
    /// Hand out (leader) and receive (every member) the assignment of partitions.
    static let syncGroup = MessageSchema(
        .syncGroup,
        versions: 0...5,
        flexibleFrom: 4,
        request: """
            groupId: str, generationId: i32, memberId: str, groupInstanceId@3+: str? = null,
            protocolType@5+: str? = null, protocolName@5+: str? = null,
            assignments: [memberId: str, assignment: bytes]
            """,
        response: """
            throttleTimeMs@1+: i32, errorCode: i16, protocolType@5+: str? = null,
            protocolName@5+: str? = null, assignment: bytes
            """
    )
}
