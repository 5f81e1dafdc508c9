extension MessageSchema {
    /// Enter a consumer group and wait until all members have.
    static let joinGroup = MessageSchema(
        .joinGroup,
        versions: 0...9,
        flexibleFrom: 6,
        request: """
            groupId: str, sessionTimeoutMs: i32, rebalanceTimeoutMs@1+: i32 = -1, memberId: str,
            groupInstanceId@5+: str? = null, protocolType: str,
            protocols: [name: str, metadata: bytes], reason@8+: str? = null
            """,
        response: """
            throttleTimeMs@2+: i32, errorCode: i16, generationId: i32 = -1,
            protocolType@7+: str? = null, protocolName: str?7+, leader: str,
            skipAssignment@9+: bool, memberId: str,
            members: [memberId: str, groupInstanceId@5+: str? = null, metadata: bytes]
            """
    )
}
