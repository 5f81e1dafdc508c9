extension MessageSchema {
    /// Add partitions to a transaction.
    static let addPartitionsToTxn = MessageSchema(
        .addPartitionsToTxn,
        versions: 0...3,
        flexibleFrom: 3,
        request: """
            v3AndBelowTransactionalId: str, v3AndBelowProducerId: i64,
            v3AndBelowProducerEpoch: i16, v3AndBelowTopics: [name: str, partitions: [i32]]
            """,
        response: """
            throttleTimeMs: i32, resultsByTopicV3AndBelow: [
              name: str, resultsByPartition: [partitionIndex: i32, partitionErrorCode: i16]
            ]
            """
    )
}
