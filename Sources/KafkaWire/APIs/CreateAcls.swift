extension MessageSchema {
    /// Create access rules.
    static let createAcls = MessageSchema(
        .createAcls,
        versions: 1...3,
        flexibleFrom: 2,
        request: """
            creations: [
              resourceType: i8, resourceName: str, resourcePatternType: i8 = 3, principal: str,
              host: str, operation: i8, permissionType: i8
            ]
            """,
        response: """
            throttleTimeMs: i32, results: [errorCode: i16, errorMessage: str?]
            """
    )
}
