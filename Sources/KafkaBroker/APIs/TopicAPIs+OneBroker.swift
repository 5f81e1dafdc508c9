import KafkaWire

/// What a single broker without users has no use for, answered as Kafka does in that case.
extension TopicAPIs {
    var describeAcls: SchemaHandler {
        SchemaHandler(.describeAcls) { _, _, answer in answer(Self.withoutAuthorizer) }
    }

    var createAcls: SchemaHandler {
        SchemaHandler(.createAcls) { request, _, answer in
            let creations = request.array("creations")
            answer(["results": .list(creations.map { _ in Self.withoutAuthorizer })])
        }
    }

    var deleteAcls: SchemaHandler {
        SchemaHandler(.deleteAcls) { request, _, answer in
            let filters = request.array("filters")
            answer(["filterResults": .list(filters.map { _ in Self.withoutAuthorizer })])
        }
    }

    private static let withoutAuthorizer: Fields = [
        "errorCode": .code(.securityDisabled), "errorMessage": "No Authorizer is configured.",
    ]

    /// Every partition has its leader; of those that nobody named, only failures are told.
    var electLeaders: SchemaHandler {
        SchemaHandler(.electLeaders) { request, _, answer in
            let results = request.array("topicPartitions").map { wanted -> Fields in
                let name = wanted.string("topic")
                let partitions = wanted.int32s("partitions").map { index -> Fields in
                    let isKnown = logs.partition(name, index) != nil
                    return [
                        "partitionId": .number(index),
                        "errorCode": .code(isKnown ? .electionNotNeeded : .unknownTopicOrPartition),
                        "errorMessage": isKnown
                            ? "Leader election not needed for topic partition."
                            : "There is no such partition.",
                    ]
                }
                return ["topic": .string(name), "partitionResult": .list(partitions)]
            }
            answer(["replicaElectionResults": .list(results)])
        }
    }

    /// Partitions never move.
    var listPartitionReassignments: SchemaHandler {
        SchemaHandler(.listPartitionReassignments) { _, _, answer in
            answer(["errorMessage": nil])
        }
    }
}
