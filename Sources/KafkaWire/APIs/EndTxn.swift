extension MessageSchema {
    /// Commit or abort a transaction.
    static let endTxn = MessageSchema(
        .endTxn,
        versions: 0...4,
        flexibleFrom: 3,
        request: """
            transactionalId: str, producerId: i64, producerEpoch: i16, committed: bool
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16
            """
    )
}
