extension MessageSchema {
    /// Which APIs and versions the broker speaks.
    static let apiVersions = MessageSchema(
        .apiVersions,
        versions: 0...4,
        flexibleFrom: 3,
        request: """
            clientSoftwareName@3+: str, clientSoftwareVersion@3+: str
            """,
        response: """
            errorCode: i16, apiKeys: [apiKey: i16, minVersion: i16, maxVersion: i16],
            throttleTimeMs@1+: i32,
            supportedFeatures@3+#0: [name: str, minVersion: i16, maxVersion: i16],
            finalizedFeaturesEpoch@3+#1: i64 = -1,
            finalizedFeatures@3+#2: [name: str, maxVersionLevel: i16, minVersionLevel: i16],
            zkMigrationReady@3+#3: bool
            """
    )
}
