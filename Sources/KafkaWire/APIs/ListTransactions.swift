extension MessageSchema {
    /// List transactions.
    static let listTransactions = MessageSchema(
        .listTransactions,
        versions: 0...1,
        flexibleFrom: 0,
        request: """
            stateFilters: [str], producerIdFilters: [i64], durationFilter@1+: i64 = -1
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16, unknownStateFilters: [str],
            transactionStates: [transactionalId: str, producerId: i64, transactionState: str]
            """
    )
}
