extension MessageSchema {
    /// Add the offsets of a group to a transaction.
    static let addOffsetsToTxn = MessageSchema(
        .addOffsetsToTxn,
        versions: 0...4,
        flexibleFrom: 3,
        request: """
            transactionalId: str, producerId: i64, producerEpoch: i16, groupId: str
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16
            """
    )
}
