extension MessageSchema {
    /// Change single settings of topics or brokers.
    static let incrementalAlterConfigs = MessageSchema(
        .incrementalAlterConfigs,
        versions: 0...1,
        flexibleFrom: 1,
        request: """
            resources: [
              resourceType: i8, resourceName: str,
              configs: [name: str, configOperation: i8, value: str?]
            ],
            validateOnly: bool
            """,
        response: """
            throttleTimeMs: i32, responses: [
              errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str
            ]
            """
    )
}
