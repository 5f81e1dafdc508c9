extension MessageSchema {
    /// Create topics.
    static let createTopics = MessageSchema(
        .createTopics,
        versions: 2...7,
        flexibleFrom: 5,
        request: """
            topics: [
              name: str, numPartitions: i32, replicationFactor: i16,
              assignments: [partitionIndex: i32, brokerIds: [i32]],
              configs: [name: str, value: str?]
            ],
            timeoutMs: i32 = 60000, validateOnly: bool
            """,
        response: """
            throttleTimeMs: i32, topics: [
              name: str, topicId@7+: uuid, errorCode: i16, errorMessage: str?,
              topicConfigErrorCode@5+#0: i16, numPartitions@5+: i32 = -1,
              replicationFactor@5+: i16 = -1, configs@5+: [
                name: str, value: str?, readOnly: bool, configSource: i8 = -1, isSensitive: bool
              ]?
            ]
            """
    )
}
