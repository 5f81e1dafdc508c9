extension MessageSchema {
    /// Hide all records of partitions before an offset.
    static let deleteRecords = MessageSchema(
        .deleteRecords,
        versions: 0...2,
        flexibleFrom: 2,
        request: """
            topics: [name: str, partitions: [partitionIndex: i32, offset: i64]], timeoutMs: i32
            """,
        response: """
            throttleTimeMs: i32, topics: [
              name: str, partitions: [partitionIndex: i32, lowWatermark: i64, errorCode: i16]
            ]
            """
    )
}
