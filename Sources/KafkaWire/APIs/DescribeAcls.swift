extension MessageSchema {
    /// List access rules.
    static let describeAcls = MessageSchema(
        .describeAcls,
        versions: 1...3,
        flexibleFrom: 2,
        request: """
            resourceTypeFilter: i8, resourceNameFilter: str?, patternTypeFilter: i8 = 3,
            principalFilter: str?, hostFilter: str?, operation: i8, permissionType: i8
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16, errorMessage: str?, resources: [
              resourceType: i8, resourceName: str, patternType: i8 = 3,
              acls: [principal: str, host: str, operation: i8, permissionType: i8]
            ]
            """
    )
}
