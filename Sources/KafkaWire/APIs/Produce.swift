extension MessageSchema {
    /// Append record batches to partitions; versions 0 to 2 are advertised, not spoken.
    static let produce = MessageSchema(
        .produce,
        versions: 0...11,
        flexibleFrom: 9,
        request: """
            transactionalId: str? = null, acks: i16, timeoutMs: i32,
            topicData: [name: str, partitionData: [index: i32, records: bytes?]]
            """,
        response: """
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
            """
    )
}
