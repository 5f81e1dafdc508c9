extension MessageSchema {
    /// Delete empty consumer groups.
    static let deleteGroups = MessageSchema(
        .deleteGroups,
        versions: 0...2,
        flexibleFrom: 2,
        request: """
            groupsNames: [str]
            """,
        response: """
            throttleTimeMs: i32, results: [groupId: str, errorCode: i16]
            """
    )
}
