extension MessageSchema {
    /// Forget how far a group has read partitions.
    static let offsetDelete = MessageSchema(
        .offsetDelete,
        versions: 0...0,
        flexibleFrom: nil,
        request: """
            groupId: str, topics: [name: str, partitions: [partitionIndex: i32]]
            """,
        response: """
            errorCode: i16, throttleTimeMs: i32,
            topics: [name: str, partitions: [partitionIndex: i32, errorCode: i16]]
            """
    )
}
