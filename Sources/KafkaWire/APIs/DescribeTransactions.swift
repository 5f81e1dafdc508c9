extension MessageSchema {
    /// Describe transactions.
    static let describeTransactions = MessageSchema(
        .describeTransactions,
        versions: 0...0,
        flexibleFrom: 0,
        request: """
            transactionalIds: [str]
            """,
        response: """
            throttleTimeMs: i32, transactionStates: [
              errorCode: i16, transactionalId: str, transactionState: str,
              transactionTimeoutMs: i32, transactionStartTimeMs: i64, producerId: i64,
              producerEpoch: i16, topics: [topic: str, partitions: [i32]]
            ]
            """
    )
}
