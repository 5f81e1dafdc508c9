extension MessageSchema {
    /// Tell how much of the disk partitions take.
    static let describeLogDirs = MessageSchema(
        .describeLogDirs,
        versions: 0...4,
        flexibleFrom: 2,
        request: """
            topics: [topic: str, partitions: [i32]]?
            """,
        response: """
            throttleTimeMs: i32, errorCode@3+: i16, results: [
              errorCode: i16, logDir: str, topics: [
                name: str, partitions: [
                  partitionIndex: i32, partitionSize: i64, offsetLag: i64, isFutureKey: bool
                ]
              ],
              totalBytes@4+: i64 = -1, usableBytes@4+: i64 = -1
            ]
            """
    )
}
