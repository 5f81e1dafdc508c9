import KafkaWire

/// ElectLeaders: every partition has its leader; of those that nobody named, only failures are
/// told.
extension TopicAPIs {
    var electLeaders: SchemaHandler {
        SchemaHandler(.electLeaders) { request, _, answer in
            let results = request.array("topicPartitions").map { wanted -> Fields in
                let name = wanted.string("topic")
                let partitions = wanted.int32s("partitions").map { index -> Fields in
                    let isKnown = logs.partition(name, index) != nil
                    return [
                        "partitionId": .number(index),
                        "errorCode": .code(isKnown ? .electionNotNeeded : .unknownTopicOrPartition),
                        "errorMessage": .string(isKnown ? Self.hasLeader : Self.noPartition),
                    ]
                }
                return ["topic": .string(name), "partitionResult": .list(partitions)]
            }
            answer(["replicaElectionResults": .list(results)])
        }
    }

    private static let hasLeader = "Leader election not needed for topic partition."
    static let noPartition = "There is no such partition."
}
