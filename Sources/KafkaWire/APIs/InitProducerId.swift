extension MessageSchema {
    /// Get a producer id for idempotent or transactional writing.
    static let initProducerId = MessageSchema(
        .initProducerId,
        versions: 0...5,
        flexibleFrom: 2,
        request: """
            transactionalId: str?, transactionTimeoutMs: i32, producerId@3+: i64 = -1,
            producerEpoch@3+: i16 = -1
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16, producerId: i64 = -1, producerEpoch: i16
            """
    )
}
