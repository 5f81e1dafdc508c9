extension MessageSchema {
    /// Read record batches of partitions, waiting for new ones if asked to.
    static let fetch = MessageSchema(
        .fetch,
        versions: 4...16,
        flexibleFrom: 12,
        request: """
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
            """,
        response: """
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
            """
    )
}
