extension MessageSchema {
    /// The broker itself, and what a cluster of one answers to those who ask for more.
    static let clusterAPIs = """
        18 apiVersions: 0-4, flexible 3
          clientSoftwareName@3+: str, clientSoftwareVersion@3+: str
        ->
          errorCode: i16, apiKeys: [apiKey: i16, minVersion: i16, maxVersion: i16],
          throttleTimeMs@1+: i32,
          supportedFeatures@3+#0: [name: str, minVersion: i16, maxVersion: i16],
          finalizedFeaturesEpoch@3+#1: i64 = -1,
          finalizedFeatures@3+#2: [name: str, maxVersionLevel: i16, minVersionLevel: i16],
          zkMigrationReady@3+#3: bool

        29 describeAcls: 1-3, flexible 2
          resourceTypeFilter: i8, resourceNameFilter: str?, patternTypeFilter: i8 = 3,
          principalFilter: str?, hostFilter: str?, operation: i8, permissionType: i8
        ->
          throttleTimeMs: i32, errorCode: i16, errorMessage: str?, resources: [
            resourceType: i8, resourceName: str, patternType: i8 = 3,
            acls: [principal: str, host: str, operation: i8, permissionType: i8]
          ]

        30 createAcls: 1-3, flexible 2
          creations: [
            resourceType: i8, resourceName: str, resourcePatternType: i8 = 3, principal: str,
            host: str, operation: i8, permissionType: i8
          ]
        ->
          throttleTimeMs: i32, results: [errorCode: i16, errorMessage: str?]

        31 deleteAcls: 1-3, flexible 2
          filters: [
            resourceTypeFilter: i8, resourceNameFilter: str?, patternTypeFilter: i8 = 3,
            principalFilter: str?, hostFilter: str?, operation: i8, permissionType: i8
          ]
        ->
          throttleTimeMs: i32, filterResults: [
            errorCode: i16, errorMessage: str?, matchingAcls: [
              errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str,
              patternType: i8 = 3, principal: str, host: str, operation: i8,
              permissionType: i8
            ]
          ]

        35 describeLogDirs: 0-4, flexible 2
          topics: [topic: str, partitions: [i32]]?
        ->
          throttleTimeMs: i32, errorCode@3+: i16, results: [
            errorCode: i16, logDir: str, topics: [
              name: str, partitions: [
                partitionIndex: i32, partitionSize: i64, offsetLag: i64, isFutureKey: bool
              ]
            ],
            totalBytes@4+: i64 = -1, usableBytes@4+: i64 = -1
          ]

        43 electLeaders: 0-2, flexible 2
          electionType@1+: i8, topicPartitions: [topic: str, partitions: [i32]]?,
          timeoutMs: i32 = 60000
        ->
          throttleTimeMs: i32, errorCode@1+: i16, replicaElectionResults: [
            topic: str,
            partitionResult: [partitionId: i32, errorCode: i16, errorMessage: str?]
          ]

        46 listPartitionReassignments: 0-0, flexible 0
          timeoutMs: i32 = 60000, topics: [name: str, partitionIndexes: [i32]]? = null
        ->
          throttleTimeMs: i32, errorCode: i16, errorMessage: str?, topics: [
            name: str, partitions: [
              partitionIndex: i32, replicas: [i32], addingReplicas: [i32],
              removingReplicas: [i32]
            ]
          ]

        60 describeCluster: 0-1, flexible 0
          includeClusterAuthorizedOperations: bool, endpointType@1+: i8 = 1
        ->
          throttleTimeMs: i32, errorCode: i16, errorMessage: str? = null,
          endpointType@1+: i8 = 1, clusterId: str, controllerId: i32 = -1,
          brokers: [brokerId: i32, host: str, port: i32, rack: str? = null],
          clusterAuthorizedOperations: i32 = -2147483648
        """
}
