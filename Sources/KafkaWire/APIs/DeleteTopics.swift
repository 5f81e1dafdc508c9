extension MessageSchema {
    /// Delete topics.
    static let deleteTopics = MessageSchema(
        .deleteTopics,
        versions: 1...6,
        flexibleFrom: 4,
        request: """
            topics@6+: [name: str? = null, topicId: uuid], topicNames@1-5: [str], timeoutMs: i32
            """,
        response: """
            throttleTimeMs: i32, responses: [
              name: str?6+, topicId@6+: uuid, errorCode: i16, errorMessage@5+: str? = null
            ]
            """
    )
}
