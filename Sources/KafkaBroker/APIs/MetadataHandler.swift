import KafkaWire

/// Tells clients which topics and partitions there are, and that this node leads them all.
struct MetadataHandler: Sendable {
    let node: Node
    let catalog: TopicCatalog

    /// What a client without an authorizer may do with a topic: read, write, create, delete,
    /// alter, describe, and describe and alter its configuration, as bits.
    static let topicOperations: Int32 = 3576
    /// The same for the cluster.
    static let clusterOperations: Int32 = 8096

    /// The handler of Metadata requests.
    var handler: SchemaHandler {
        SchemaHandler(.metadata) { fields, request, answer in
            handle(fields, version: request.version, answer: answer)
        }
    }

    private func handle(
        _ fields: Fields,
        version: Int16,
        answer: @escaping @Sendable (Fields) -> Void
    ) {
        let withOperations = fields.bool("includeTopicAuthorizedOperations")
        let respond: @Sendable ([Fields]) -> Void = { topics in
            var topics = topics
            if withOperations {
                for index in topics.indices {
                    topics[index].set("topicAuthorizedOperations", Self.topicOperations)
                }
            }
            answer(response(topics, asked: fields))
        }
        let wanted = fields.optionalArray("topics")
        // Version 0 cannot say "null"; there an empty list means all topics.
        guard let wanted, !(version == 0 && wanted.isEmpty) else {
            return respond(catalog.store.topics.map { description(of: $0) })
        }
        find(wanted, mayCreate: fields.bool("allowAutoTopicCreation"), completion: respond)
    }

    private func find(
        _ wanted: [Fields],
        mayCreate: Bool,
        completion: @escaping @Sendable ([Fields]) -> Void
    ) {
        let names = wanted.compactMap { $0.optionalString("name") }
        catalog.findOrCreate(names, mayCreate: mayCreate) { results in
            var named = results[...]
            completion(
                wanted.map { topic in
                    if let name = topic.optionalString("name"), let result = named.popFirst() {
                        return description(of: result, name: name)
                    }
                    let id = topic.uuid("topicId")
                    return catalog.store.topic(id: id).map { description(of: $0) }
                        ?? unknown(id)
                }
            )
        }
    }

    private func response(_ topics: [Fields], asked: Fields) -> Fields {
        var fields = Fields()
        fields.set("brokers", [node.brokerFields])
        fields.set("clusterId", node.clusterID)
        fields.set("controllerId", node.id)
        fields.set("topics", topics)
        if asked.bool("includeClusterAuthorizedOperations") {
            fields.set("clusterAuthorizedOperations", Self.clusterOperations)
        }
        return fields
    }

    private func description(of result: Result<Topic, BrokerError>, name: String) -> Fields {
        switch result {
        case .success(let topic): return description(of: topic)
        case .failure(let error):
            var fields: Fields = ["name": .string(name)]
            fields.set("errorCode", error.errorCode)
            return fields
        }
    }

    private func description(of topic: Topic) -> Fields {
        var fields = Fields()
        fields.set("name", topic.name)
        fields.set("topicId", topic.id)
        fields.set(
            "partitions",
            (0..<topic.partitionCount).map { index -> Fields in
                [
                    "partitionIndex": .int(Int64(index)), "leaderId": .int(Int64(node.id)),
                    "leaderEpoch": .int(Int64(topic.leaderEpoch)),
                    "replicaNodes": [.int(Int64(node.id))], "isrNodes": [.int(Int64(node.id))],
                ]
            }
        )
        return fields
    }

    private func unknown(_ id: UUID16) -> Fields {
        var fields: Fields = ["name": nil]
        fields.set("errorCode", ErrorCode.unknownTopicID)
        fields.set("topicId", id)
        return fields
    }
}

extension Node {
    /// This node as an entry of a list of brokers in Metadata.
    var brokerFields: Fields {
        ["nodeId": .int(Int64(id)), "host": .string(host), "port": .int(Int64(port))]
    }
}

/// Describes the cluster: this node.
struct DescribeClusterHandler: Sendable {
    let node: Node

    /// The handler of DescribeCluster requests.
    var handler: SchemaHandler {
        SchemaHandler(.describeCluster) { fields, request, answer in
            var response: Fields = [
                "endpointType": .int(fields.int64("endpointType")),
                "clusterId": .string(node.clusterID), "controllerId": .int(Int64(node.id)),
            ]
            // 1 asks for the brokers, 2 for the controllers of a KRaft quorum.
            if request.version >= 1 && fields.int8("endpointType") != 1 {
                response.set("errorCode", ErrorCode.invalidRequest)
                response.set("errorMessage", "This node has no controller endpoint.")
                return answer(response)
            }
            response["brokers"] = [
                .structure([
                    "brokerId": .int(Int64(node.id)), "host": .string(node.host),
                    "port": .int(Int64(node.port)),
                ])
            ]
            if fields.bool("includeClusterAuthorizedOperations") {
                response.set("clusterAuthorizedOperations", MetadataHandler.clusterOperations)
            }
            answer(response)
        }
    }
}
