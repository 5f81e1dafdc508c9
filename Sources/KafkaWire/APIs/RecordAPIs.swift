extension MessageSchema {
    /// Writing, reading and finding records.
    ///
    /// Of Produce, versions 0 to 2 are advertised, not spoken.
    static let recordAPIs = """
        0 produce: 0-11, flexible 9
          transactionalId: str? = null, acks: i16, timeoutMs: i32,
          topicData: [name: str, partitionData: [index: i32, records: bytes?]]
        ->
          responses: [
            name: str, partitionResponses: [
              index: i32, errorCode: i16, baseOffset: i64, logAppendTimeMs: i64 = -1,
              logStartOffset@5+: i64 = -1,
              recordErrors@8+: [batchIndex: i32, batchIndexErrorMessage: str? = null],
              errorMessage@8+: str? = null,
              currentLeader@10+#0: {leaderId: i32 = -1, leaderEpoch: i32 = -1}
            ]
          ],
          throttleTimeMs: i32,
          nodeEndpoints@10+#0: [nodeId: i32, host: str, port: i32, rack: str? = null]

        1 fetch: 4-16, flexible 12
          clusterId@12+#0: str? = null, replicaId@4-14: i32 = -1,
          replicaState@15+#1: {replicaId: i32 = -1, replicaEpoch: i64 = -1}, maxWaitMs: i32,
          minBytes: i32, maxBytes: i32 = 2147483647, isolationLevel: i8, sessionId@7+: i32,
          sessionEpoch@7+: i32 = -1, topics: [
            topic@4-12: str, topicId@13+: uuid, partitions: [
              partition: i32, currentLeaderEpoch@9+: i32 = -1, fetchOffset: i64,
              lastFetchedEpoch@12+: i32 = -1, logStartOffset@5+: i64 = -1,
              partitionMaxBytes: i32
            ]
          ],
          forgottenTopicsData@7+: [topic@7-12: str, topicId@13+: uuid, partitions: [i32]],
          rackId@11+: str
        ->
          throttleTimeMs: i32, errorCode@7+: i16, sessionId@7+: i32, responses: [
            topic@4-12: str, topicId@13+: uuid, partitions: [
              partitionIndex: i32, errorCode: i16, highWatermark: i64,
              lastStableOffset: i64 = -1, logStartOffset@5+: i64 = -1,
              divergingEpoch@12+#0: {epoch: i32 = -1, endOffset: i64 = -1},
              currentLeader@12+#1: {leaderId: i32 = -1, leaderEpoch: i32 = -1},
              snapshotId@12+#2: {endOffset: i64 = -1, epoch: i32 = -1},
              abortedTransactions: [producerId: i64, firstOffset: i64]?,
              preferredReadReplica@11+: i32 = -1, records: bytes?
            ]
          ],
          nodeEndpoints@16+#0: [nodeId: i32, host: str, port: i32, rack: str? = null]

        2 listOffsets: 1-9, flexible 6
          replicaId: i32, isolationLevel@2+: i8, topics: [
            name: str, partitions: [
              partitionIndex: i32, currentLeaderEpoch@4+: i32 = -1, timestamp: i64
            ]
          ]
        ->
          throttleTimeMs@2+: i32, topics: [
            name: str, partitions: [
              partitionIndex: i32, errorCode: i16, timestamp: i64 = -1, offset: i64 = -1,
              leaderEpoch@4+: i32 = -1
            ]
          ]

        21 deleteRecords: 0-2, flexible 2
          topics: [name: str, partitions: [partitionIndex: i32, offset: i64]], timeoutMs: i32
        ->
          throttleTimeMs: i32, topics: [
            name: str, partitions: [partitionIndex: i32, lowWatermark: i64, errorCode: i16]
          ]

        23 offsetForLeaderEpoch: 2-4, flexible 4
          replicaId@3+: i32 = -2, topics: [
            topic: str,
            partitions: [partition: i32, currentLeaderEpoch: i32 = -1, leaderEpoch: i32]
          ]
        ->
          throttleTimeMs: i32, topics: [
            topic: str, partitions: [
              errorCode: i16, partition: i32, leaderEpoch: i32 = -1, endOffset: i64 = -1
            ]
          ]
        """
}
