extension MessageSchema {
    /// Add partitions to topics.
    static let createPartitions = MessageSchema(
        .createPartitions,
        versions: 0...3,
        flexibleFrom: 2,
        request: """
            topics: [name: str, count: i32, assignments: [brokerIds: [i32]]?], timeoutMs: i32,
            validateOnly: bool
            """,
        response: """
            throttleTimeMs: i32, results: [name: str, errorCode: i16, errorMessage: str? = null]
            """
    )
}
