extension MessageSchema {
    /// Delete access rules.
    static let deleteAcls = MessageSchema(
        .deleteAcls,
        versions: 1...3,
        flexibleFrom: 2,
        request: """
            filters: [
              resourceTypeFilter: i8, resourceNameFilter: str?, patternTypeFilter: i8 = 3,
              principalFilter: str?, hostFilter: str?, operation: i8, permissionType: i8
            ]
            """,
        response: """
            throttleTimeMs: i32, filterResults: [
              errorCode: i16, errorMessage: str?, matchingAcls: [
                errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str,
                patternType: i8 = 3, principal: str, host: str, operation: i8,
                permissionType: i8
              ]
            ]
            """
    )
}
