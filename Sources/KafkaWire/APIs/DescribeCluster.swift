extension MessageSchema {
    /// The brokers and the id of the cluster.
    static let describeCluster = MessageSchema(
        .describeCluster,
        versions: 0...1,
        flexibleFrom: 0,
        request: """
            includeClusterAuthorizedOperations: bool, endpointType@1+: i8 = 1
            """,
        response: """
            throttleTimeMs: i32, errorCode: i16, errorMessage: str? = null,
            endpointType@1+: i8 = 1, clusterId: str, controllerId: i32 = -1,
            brokers: [brokerId: i32, host: str, port: i32, rack: str? = null],
            clusterAuthorizedOperations: i32 = -2147483648
            """
    )
}
