extension MessageSchema {
    /// List the idempotent producers of partitions.
    static let describeProducers = MessageSchema(
        .describeProducers,
        versions: 0...0,
        flexibleFrom: 0,
        request: """
            topics: [name: str, partitionIndexes: [i32]]
            """,
        response: """
            throttleTimeMs: i32, topics: [
              name: str, partitions: [
                partitionIndex: i32, errorCode: i16, errorMessage: str? = null,
                activeProducers: [
                  producerId: i64, producerEpoch: i32, lastSequence: i32 = -1,
                  lastTimestamp: i64 = -1, coordinatorEpoch: i32,
                  currentTxnStartOffset: i64 = -1
                ]
              ]
            ]
            """
    )
}
