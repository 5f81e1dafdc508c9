import KafkaWire

/// CreatePartitions: adds partitions to topics; answered when they are on stable storage.
extension TopicAPIs {
    var createPartitions: SchemaHandler {
        SchemaHandler(
            .createPartitions,
            into: "results",
            by: ["name"],
            ofEach: { $0.array("topics") }
        ) { wanted, request, finish throws(BrokerError) in
            let count = wanted.int32("count")
            let assignments = wanted.optionalArray("assignments")
            try Topic.validate(partitionCount: count)
            try checkBrokers(assignments ?? [])
            try update(
                topic(wanted.string("name")),
                validateOnly: request.bool("validateOnly"),
                { topic throws(BrokerError) in
                    let current = topic.partitionCount
                    guard count > current else {
                        throw BrokerError(
                            .invalidPartitions,
                            count == current
                                ? "Topic already has \(count) partitions."
                                : "Topic currently has \(current) partitions, which is higher "
                                    + "than the requested \(count)."
                        )
                    }
                    if let assignments, assignments.count != Int(count - current) {
                        throw BrokerError(
                            .invalidReplicaAssignment,
                            "Increasing the number of partitions by \(count - current) but "
                                + "\(assignments.count) assignments provided."
                        )
                    }
                    topic.partitionCount = count
                },
                completion: finish
            )
        }
    }
}
