extension MessageSchema {
    /// State and members of consumer groups.
    static let describeGroups = MessageSchema(
        .describeGroups,
        versions: 0...5,
        flexibleFrom: 5,
        request: """
            groups: [str], includeAuthorizedOperations@3+: bool
            """,
        response: """
            throttleTimeMs@1+: i32, groups: [
              errorCode: i16, groupId: str, groupState: str, protocolType: str,
              protocolData: str, members: [
                memberId: str, groupInstanceId@4+: str? = null, clientId: str, clientHost: str,
                memberMetadata: bytes, memberAssignment: bytes
              ],
              authorizedOperations@3+: i32 = -2147483648
            ]
            """
    )
}
