extension MessageSchema {
    /// Topics, their partitions and their settings.
    static let topicAPIs = """
        3 metadata: 0-12, flexible 9
          topics: [topicId@10+: uuid, name: str?10+]?1+,
          allowAutoTopicCreation@4+: bool = true,
          includeClusterAuthorizedOperations@8-10: bool,
          includeTopicAuthorizedOperations@8+: bool
        ->
          throttleTimeMs@3+: i32,
          brokers: [nodeId: i32, host: str, port: i32, rack@1+: str? = null],
          clusterId@2+: str? = null, controllerId@1+: i32 = -1, topics: [
            errorCode: i16, name: str?12+, topicId@10+: uuid, isInternal@1+: bool,
            partitions: [
              errorCode: i16, partitionIndex: i32, leaderId: i32, leaderEpoch@7+: i32 = -1,
              replicaNodes: [i32], isrNodes: [i32], offlineReplicas@5+: [i32]
            ],
            topicAuthorizedOperations@8+: i32 = -2147483648
          ],
          clusterAuthorizedOperations@8-10: i32 = -2147483648

        19 createTopics: 2-7, flexible 5
          topics: [
            name: str, numPartitions: i32, replicationFactor: i16,
            assignments: [partitionIndex: i32, brokerIds: [i32]],
            configs: [name: str, value: str?]
          ],
          timeoutMs: i32 = 60000, validateOnly: bool
        ->
          throttleTimeMs: i32, topics: [
            name: str, topicId@7+: uuid, errorCode: i16, errorMessage: str?,
            topicConfigErrorCode@5+#0: i16, numPartitions@5+: i32 = -1,
            replicationFactor@5+: i16 = -1, configs@5+: [
              name: str, value: str?, readOnly: bool, configSource: i8 = -1, isSensitive: bool
            ]?
          ]

        20 deleteTopics: 1-6, flexible 4
          topics@6+: [name: str? = null, topicId: uuid], topicNames@1-5: [str], timeoutMs: i32
        ->
          throttleTimeMs: i32, responses: [
            name: str?6+, topicId@6+: uuid, errorCode: i16, errorMessage@5+: str? = null
          ]

        32 describeConfigs: 0-4, flexible 4
          resources: [resourceType: i8, resourceName: str, configurationKeys: [str]?],
          includeSynonyms@1+: bool, includeDocumentation@3+: bool
        ->
          throttleTimeMs: i32, results: [
            errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str,
            configs: [
              name: str, value: str?, readOnly: bool, isDefault@0: bool,
              configSource@1+: i8 = -1, isSensitive: bool,
              synonyms@1+: [name: str, value: str?, source: i8], configType@3+: i8,
              documentation@3+: str?
            ]
          ]

        33 alterConfigs: 0-2, flexible 2
          resources: [resourceType: i8, resourceName: str, configs: [name: str, value: str?]],
          validateOnly: bool
        ->
          throttleTimeMs: i32, responses: [
            errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str
          ]

        37 createPartitions: 0-3, flexible 2
          topics: [name: str, count: i32, assignments: [brokerIds: [i32]]?], timeoutMs: i32,
          validateOnly: bool
        ->
          throttleTimeMs: i32, results: [name: str, errorCode: i16, errorMessage: str? = null]

        44 incrementalAlterConfigs: 0-1, flexible 1
          resources: [
            resourceType: i8, resourceName: str,
            configs: [name: str, configOperation: i8, value: str?]
          ],
          validateOnly: bool
        ->
          throttleTimeMs: i32, responses: [
            errorCode: i16, errorMessage: str?, resourceType: i8, resourceName: str
          ]

        75 describeTopicPartitions: 0-0, flexible 0
          topics: [name: str], responsePartitionLimit: i32 = 2000,
          cursor: {topicName: str, partitionIndex: i32}? = null
        ->
          throttleTimeMs: i32, topics: [
            errorCode: i16, name: str?, topicId: uuid, isInternal: bool, partitions: [
              errorCode: i16, partitionIndex: i32, leaderId: i32, leaderEpoch: i32 = -1,
              replicaNodes: [i32], isrNodes: [i32], eligibleLeaderReplicas: [i32]? = null,
              lastKnownElr: [i32]? = null, offlineReplicas: [i32]
            ],
            topicAuthorizedOperations: i32 = -2147483648
          ],
          nextCursor: {topicName: str, partitionIndex: i32}? = null
        """
}
