extension MessageSchema {
    /// Idempotent and transactional producers.
    static let transactionAPIs = """
        22 initProducerId: 0-5, flexible 2
          transactionalId: str?, transactionTimeoutMs: i32, producerId@3+: i64 = -1,
          producerEpoch@3+: i16 = -1
        ->
          throttleTimeMs: i32, errorCode: i16, producerId: i64 = -1, producerEpoch: i16

        24 addPartitionsToTxn: 0-3, flexible 3
          v3AndBelowTransactionalId: str, v3AndBelowProducerId: i64,
          v3AndBelowProducerEpoch: i16, v3AndBelowTopics: [name: str, partitions: [i32]]
        ->
          throttleTimeMs: i32, resultsByTopicV3AndBelow: [
            name: str, resultsByPartition: [partitionIndex: i32, partitionErrorCode: i16]
          ]

        25 addOffsetsToTxn: 0-4, flexible 3
          transactionalId: str, producerId: i64, producerEpoch: i16, groupId: str
        ->
          throttleTimeMs: i32, errorCode: i16

        26 endTxn: 0-4, flexible 3
          transactionalId: str, producerId: i64, producerEpoch: i16, committed: bool
        ->
          throttleTimeMs: i32, errorCode: i16

        28 txnOffsetCommit: 0-4, flexible 3
          transactionalId: str, groupId: str, producerId: i64, producerEpoch: i16,
          generationId@3+: i32 = -1, memberId@3+: str, groupInstanceId@3+: str? = null,
          topics: [
            name: str, partitions: [
              partitionIndex: i32, committedOffset: i64, committedLeaderEpoch@2+: i32 = -1,
              committedMetadata: str?
            ]
          ]
        ->
          throttleTimeMs: i32,
          topics: [name: str, partitions: [partitionIndex: i32, errorCode: i16]]

        61 describeProducers: 0-0, flexible 0
          topics: [name: str, partitionIndexes: [i32]]
        ->
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

        65 describeTransactions: 0-0, flexible 0
          transactionalIds: [str]
        ->
          throttleTimeMs: i32, transactionStates: [
            errorCode: i16, transactionalId: str, transactionState: str,
            transactionTimeoutMs: i32, transactionStartTimeMs: i64, producerId: i64,
            producerEpoch: i16, topics: [topic: str, partitions: [i32]]
          ]

        66 listTransactions: 0-1, flexible 0
          stateFilters: [str], producerIdFilters: [i64], durationFilter@1+: i64 = -1
        ->
          throttleTimeMs: i32, errorCode: i16, unknownStateFilters: [str],
          transactionStates: [transactionalId: str, producerId: i64, transactionState: str]
        """
}
