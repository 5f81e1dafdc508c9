extension MessageSchema {
    /// Settings of topics and brokers.
    static let describeConfigs = MessageSchema(
        .describeConfigs,
        versions: 0...4,
        flexibleFrom: 4,
        request: """
            resources: [resourceType: i8, resourceName: str, configurationKeys: [str]?],
            includeSynonyms@1+: bool, includeDocumentation@3+: bool
            """,
        response: """
            throttleTimeMs: i32, results: [
              errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str,
              configs: [
                name: str, value: str?, readOnly: bool, isDefault@0: bool,
                configSource@1+: i8 = -1, isSensitive: bool,
                synonyms@1+: [name: str, value: str?, source: i8], configType@3+: i8,
                documentation@3+: str?
              ]
            ]
            """
    )
}
