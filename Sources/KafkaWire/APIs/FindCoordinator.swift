extension MessageSchema {
    /// Which broker looks after a group or a transactional id.
    static let findCoordinator = MessageSchema(
        .findCoordinator,
        versions: 0...4,
        flexibleFrom: 3,
        request: """
            key@0-3: str, keyType@1+: i8, coordinatorKeys@4+: [str]
            """,
        response: """
            throttleTimeMs@1+: i32, errorCode@0-3: i16, errorMessage@1-3: str?, nodeId@0-3: i32,
            host@0-3: str, port@0-3: i32, coordinators@4+: [
              key: str, nodeId: i32, host: str, port: i32, errorCode: i16, errorMessage: str?
            ]
            """
    )
}
