extension MessageSchema {
    /// Which consumer groups there are.
    static let listGroups = MessageSchema(
        .listGroups,
        versions: 0...5,
        flexibleFrom: 3,
        request: """
            statesFilter@4+: [str], typesFilter@5+: [str]
            """,
        response: """
            throttleTimeMs@1+: i32, errorCode: i16,
            groups: [groupId: str, protocolType: str, groupState@4+: str, groupType@5+: str]
            """
    )
}
