extension MessageSchema {
    /// Consumer groups and how far they have read.
    static let groupAPIs = """
        8 offsetCommit: 2-9, flexible 8
          groupId: str, generationIdOrMemberEpoch: i32 = -1, memberId: str,
          groupInstanceId@7+: str? = null, retentionTimeMs@2-4: i64 = -1, topics: [
            name: str, partitions: [
              partitionIndex: i32, committedOffset: i64, committedLeaderEpoch@6+: i32 = -1,
              committedMetadata: str?
            ]
          ]
        ->
          throttleTimeMs@3+: i32,
          topics: [name: str, partitions: [partitionIndex: i32, errorCode: i16]]

        9 offsetFetch: 1-9, flexible 6
          groupId@1-7: str, topics@1-7: [name: str, partitionIndexes: [i32]]?2+, groups@8+: [
            groupId: str, memberId@9+: str? = null, memberEpoch@9+: i32 = -1,
            topics: [name: str, partitionIndexes: [i32]]?
          ],
          requireStable@7+: bool
        ->
          throttleTimeMs@3+: i32, topics@1-7: [
            name: str, partitions: [
              partitionIndex: i32, committedOffset: i64, committedLeaderEpoch@5+: i32 = -1,
              metadata: str?, errorCode: i16
            ]
          ],
          errorCode@2-7: i16, groups@8+: [
            groupId: str, topics: [
              name: str, partitions: [
                partitionIndex: i32, committedOffset: i64, committedLeaderEpoch: i32 = -1,
                metadata: str?, errorCode: i16
              ]
            ],
            errorCode: i16
          ]

        10 findCoordinator: 0-4, flexible 3
          key@0-3: str, keyType@1+: i8, coordinatorKeys@4+: [str]
        ->
          throttleTimeMs@1+: i32, errorCode@0-3: i16, errorMessage@1-3: str?, nodeId@0-3: i32,
          host@0-3: str, port@0-3: i32, coordinators@4+: [
            key: str, nodeId: i32, host: str, port: i32, errorCode: i16, errorMessage: str?
          ]

        11 joinGroup: 0-9, flexible 6
          groupId: str, sessionTimeoutMs: i32, rebalanceTimeoutMs@1+: i32 = -1, memberId: str,
          groupInstanceId@5+: str? = null, protocolType: str,
          protocols: [name: str, metadata: bytes], reason@8+: str? = null
        ->
          throttleTimeMs@2+: i32, errorCode: i16, generationId: i32 = -1,
          protocolType@7+: str? = null, protocolName: str?7+, leader: str,
          skipAssignment@9+: bool, memberId: str,
          members: [memberId: str, groupInstanceId@5+: str? = null, metadata: bytes]

        12 heartbeat: 0-4, flexible 4
          groupId: str, generationId: i32, memberId: str, groupInstanceId@3+: str? = null
        ->
          throttleTimeMs@1+: i32, errorCode: i16

        13 leaveGroup: 0-5, flexible 4
          groupId: str, memberId@0-2: str,
          members@3+: [memberId: str, groupInstanceId: str? = null, reason@5+: str? = null]
        ->
          throttleTimeMs@1+: i32, errorCode: i16,
          members@3+: [memberId: str, groupInstanceId: str?, errorCode: i16]

        14 syncGroup: 0-5, flexible 4
          groupId: str, generationId: i32, memberId: str, groupInstanceId@3+: str? = null,
          protocolType@5+: str? = null, protocolName@5+: str? = null,
          assignments: [memberId: str, assignment: bytes]
        ->
          throttleTimeMs@1+: i32, errorCode: i16, protocolType@5+: str? = null,
          protocolName@5+: str? = null, assignment: bytes

        15 describeGroups: 0-5, flexible 5
          groups: [str], includeAuthorizedOperations@3+: bool
        ->
          throttleTimeMs@1+: i32, groups: [
            errorCode: i16, groupId: str, groupState: str, protocolType: str,
            protocolData: str, members: [
              memberId: str, groupInstanceId@4+: str? = null, clientId: str, clientHost: str,
              memberMetadata: bytes, memberAssignment: bytes
            ],
            authorizedOperations@3+: i32 = -2147483648
          ]

        16 listGroups: 0-5, flexible 3
          statesFilter@4+: [str], typesFilter@5+: [str]
        ->
          throttleTimeMs@1+: i32, errorCode: i16,
          groups: [groupId: str, protocolType: str, groupState@4+: str, groupType@5+: str]

        42 deleteGroups: 0-2, flexible 2
          groupsNames: [str]
        ->
          throttleTimeMs: i32, results: [groupId: str, errorCode: i16]

        47 offsetDelete: 0-0
          groupId: str, topics: [name: str, partitions: [partitionIndex: i32]]
        ->
          errorCode: i16, throttleTimeMs: i32,
          topics: [name: str, partitions: [partitionIndex: i32, errorCode: i16]]
        """
}
