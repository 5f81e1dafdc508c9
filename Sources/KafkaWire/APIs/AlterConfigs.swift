extension MessageSchema {
    /// Replace all settings of topics or brokers.
    static let alterConfigs = MessageSchema(
        .alterConfigs,
        versions: 0...2,
        flexibleFrom: 2,
        request: """
            resources: [resourceType: i8, resourceName: str, configs: [name: str, value: str?]],
            validateOnly: bool
            """,
        response: """
            throttleTimeMs: i32, responses: [
              errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str
            ]
            """
    )
}
